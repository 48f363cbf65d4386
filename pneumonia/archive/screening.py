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

    def __init__(self, bundle: list[ObjectRef[Bundle]], options: TableOptions, archive: Parts) -> None:
        import ray

        # The bundle comes from the caller: no worker asks the Hub, and none can have another model.
        self._predictor = Predictor(ray.get(bundle[0]), threads=1)
        self._options = options
        self._archive = archive

    def __call__(self, block: pa.Table) -> pa.Table:
        """Rows `{part, names}` in, the counts of each part out."""
        counts = [self._screen_part(row["part"], row["names"]) for row in block.to_pylist()]
        return pa.table({"part": block["part"], "counts": [json.dumps(count) for count in counts]})

    def _screen_part(self, part: int, names: list[bytes]) -> Counter[str]:
        """Films that have no row yet get one; the part is written once, with all its rows."""
        existing = self._archive.rows(part)
        existing_names = set(existing["file"].to_pylist())
        pending = [name for name in map(os.fsdecode, names) if rows.escape_formula(name) not in existing_names]
        if not pending:
            return parts.count_labels(existing)
        results = self._predictor.predict_many(
            storage.open_films(pending),
            self._options.operating_point,
            prevalence=self._options.prevalence,
        )
        table = pa.concat_tables([existing, parts.to_table(results, self._options)])
        self._archive.write(part, table)
        return parts.count_labels(table)


def screen(
    paths: Iterable[str], out: str, bundle: Bundle, options: TableOptions, *, workers: int | None, address: str | None
) -> ScreeningOutcome:
    """A row for each film that has none. Raises a `PneumoniaError` where nothing could be done."""
    folder = ResultFolder(out)
    names = film_names.list_names(paths, set() if folder.local is None else {folder.local.absolute()})
    if not len(names):
        raise UsageError(f"There are no films. Allowed: files, folders, Parquet lists. Received: {', '.join(paths)}.")
    with parts.exclusive_archive(folder):
        archive = parts.open_parts(folder, options, len(names))
        with cluster.ray_cluster(address, workers) as cores:
            return _run(names, archive, bundle, options, workers or cores)


def _run(
    names: pa.ChunkedArray, archive: Parts, bundle: Bundle, options: TableOptions, workers: int
) -> ScreeningOutcome:
    import ray
    from ray.data import ActorPoolStrategy

    # A part is one row, which Ray cannot split, in a block of its own, which one task takes.
    blocks = [
        pa.table({"part": [part], "names": [part_names]})
        for part, part_names in film_names.partition_names(names, archive.count)
    ]
    # One at a time: a part that kills its worker must not cost another one its lives.
    pool = ActorPoolStrategy(size=min(workers, len(blocks)), max_tasks_in_flight_per_actor=1)
    with warnings.catch_warnings():
        # The pinned version has no other way to bound the lives.
        warnings.filterwarnings("ignore", message=".*ray_remote_args.*")
        outcomes = ray.data.from_arrow(blocks).map_batches(
            ScreeningWorker,
            batch_format="pyarrow",
            batch_size=None,
            compute=pool,
            fn_constructor_args=([ray.put(bundle)], options, archive),
            num_cpus=1,
            max_task_retries=MAX_TASK_RETRIES,
        )
    try:
        return _collect_counts(outcomes.iter_rows(), len(blocks))
    except Exception as error:
        raise _public_error(error) from None


def _collect_counts(outcomes: Iterable[dict[str, Any]], expected: int) -> ScreeningOutcome:
    from tqdm import tqdm

    counts: Counter[str] = Counter()
    finished = 0
    with tqdm(total=expected, unit="part", disable=not sys.stderr.isatty(), file=sys.stderr) as bar:
        for row in outcomes:
            counts.update(json.loads(row["counts"]))
            finished += 1
            bar.update()
    return ScreeningOutcome(counts, expected - finished)


def _public_error(error: BaseException) -> PneumoniaError:
    """What a worker raised, if it is for a user; Ray wraps it, and more than once."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, PneumoniaError):
            return inner
        inner = getattr(inner, "cause", None) or inner.__cause__ or inner.__context__
    return InternalError.from_exception(error)
