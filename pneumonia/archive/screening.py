"""Ray calls one predictor a core, part by part; Ray's own back-pressure, retries and scheduling, nothing of ours.

    names ─► parts ─► map_batches(Screen) ─► a Parquet file a part ─► one row of counts a part back here

Nothing but names goes through Ray: a worker reads its films itself, a few ahead, and writes its part itself.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..batch import rows
from ..batch.rows import TableOptions
from ..errors import InternalError, PneumoniaError, UsageError
from ..inference.bundle import Bundle
from ..inference.predictor import Predictor
from . import cluster, film_names, parts, storage
from .parts import Parts
from .storage import ResultFolder

if TYPE_CHECKING:
    from ray import ObjectRef

MAX_TASK_RETRIES = 3
"""Times that a part is begun again after its worker died: what kills every worker must not go round for ever."""


@dataclass(frozen=True)
class ScreeningOutcome:
    """What a run leaves: how many films have which label or failed, and how many parts were given up."""

    counts: Counter[str]
    lost_parts: int


class ScreeningWorker:
    """One worker: a predictor on one core, and the parts that it is given."""

    def __init__(self, bundle: list[ObjectRef[Bundle]], asked: TableOptions, kept: Parts) -> None:
        import ray

        # The bundle comes from the caller: no worker asks the Hub, and none can have another model.
        self._predictor = Predictor(ray.get(bundle[0]), threads=1)
        self._asked = asked
        self._kept = kept

    def __call__(self, given: pa.Table) -> pa.Table:
        """Rows `{part, names}` in, the counts of each part out."""
        counts = [self._judge(row["part"], row["names"]) for row in given.to_pylist()]
        return pa.table({"part": given["part"], "counts": [json.dumps(each) for each in counts]})

    def _judge(self, part: int, wanted: list[bytes]) -> Counter[str]:
        """Films that have no row yet get one; the part is written once, with all its rows."""
        done = self._kept.rows(part)
        known = set(done["file"].to_pylist())
        waiting = [name for name in map(os.fsdecode, wanted) if rows.escape_formula(name) not in known]
        if not waiting:
            return parts.count_labels(done)
        answers = self._predictor.predict_many(
            storage.open_films(waiting),
            self._asked.operating_point,
            prevalence=self._asked.prevalence,
        )
        whole = pa.concat_tables([done, parts.to_table(answers, self._asked)])
        self._kept.write(part, whole)
        return parts.count_labels(whole)


def screen(
    paths: Iterable[str], out: str, bundle: Bundle, asked: TableOptions, *, workers: int | None, address: str | None
) -> ScreeningOutcome:
    """A row for each film that has none. Raises a `PneumoniaError` where nothing could be done."""
    folder = ResultFolder(out)
    found = film_names.list_names(paths, set() if folder.local is None else {folder.local.absolute()})
    if not len(found):
        raise UsageError(f"There are no films. Allowed: files, folders, Parquet lists. Received: {', '.join(paths)}.")
    with parts.exclusive_archive(folder):
        kept = parts.open_parts(folder, asked, len(found))
        with cluster.ray_cluster(address, workers) as cores:
            return _run(found, kept, bundle, asked, workers or cores)


def _run(found: pa.ChunkedArray, kept: Parts, bundle: Bundle, asked: TableOptions, workers: int) -> ScreeningOutcome:
    import ray
    from ray.data import ActorPoolStrategy

    # A part is one row, which Ray cannot split, in a block of its own, which one task takes.
    blocks = [
        pa.table({"part": [part], "names": [inside]}) for part, inside in film_names.partition_names(found, kept.number)
    ]
    # One at a time: a part that kills its worker must not cost another one its lives.
    pool = ActorPoolStrategy(size=min(workers, len(blocks)), max_tasks_in_flight_per_actor=1)
    with warnings.catch_warnings():
        # The pinned version has no other way to bound the lives.
        warnings.filterwarnings("ignore", message=".*ray_remote_args.*")
        answers = ray.data.from_arrow(blocks).map_batches(
            ScreeningWorker,
            batch_format="pyarrow",
            batch_size=None,
            compute=pool,
            fn_constructor_args=([ray.put(bundle)], asked, kept),
            num_cpus=1,
            max_task_retries=MAX_TASK_RETRIES,
        )
    try:
        return _gathered(answers.iter_rows(), len(blocks))
    except Exception as error:
        raise _explained(error) from None


def _gathered(answers: Iterable[dict[str, Any]], expected: int) -> ScreeningOutcome:
    from tqdm import tqdm

    counts: Counter[str] = Counter()
    back = 0
    with tqdm(total=expected, unit="part", disable=not sys.stderr.isatty(), file=sys.stderr) as bar:
        for row in answers:
            counts.update(json.loads(row["counts"]))
            back += 1
            bar.update()
    return ScreeningOutcome(counts, expected - back)


def _explained(error: BaseException) -> PneumoniaError:
    """What a worker raised, if it is for a user; Ray wraps it, and more than once."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, PneumoniaError):
            return inner
        inner = getattr(inner, "cause", None) or inner.__cause__ or inner.__context__
    return InternalError.from_exception(error)
