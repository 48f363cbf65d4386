"""Predict an archive on Ray: one predictor per core, one part at a time. Ray handles scheduling, retries
and back-pressure.

    names ─► parts ─► map_batches(ArchiveWorker) ─► one Parquet file per part ─► one row of counts per part

Only names and counts pass through Ray. A worker reads its films itself, with a limited read-ahead, and writes its part.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..batch import rows
from ..batch.rows import TableOptions
from ..errors import DiskFull, InternalError, PneumoniaError, UsageError
from ..imaging.process_hardening import harden_process
from ..inference.bundle import Bundle
from ..inference.decision import Failure, Prediction
from ..inference.model import Model
from ..inference.predictor import Predictor
from . import cluster, film_names, parts, storage
from .parts import Parts
from .storage import ResultFolder
from .storage_errors import StorageUnusable

if TYPE_CHECKING:
    from ray import ObjectRef

MAX_TASK_RETRIES = 3
"""Retries of a part whose worker died. Without a limit, a film that kills every worker would be retried forever."""

CHECKED_FILMS = 5
"""Films at addresses that are opened before the run, so that wrong credentials are reported before Ray starts."""


@dataclass(frozen=True)
class ArchiveOutcome:
    """Result of a run: number of films per label (`failed` is one), and number of abandoned parts."""

    counts: Counter[str]
    lost_parts: int


class ArchiveWorker:
    """A Ray worker: one predictor on one core; Ray calls it with one part at a time."""

    def __init__(self, bundles: list[ObjectRef[list[Bundle]]], options: TableOptions, archive: Parts) -> None:
        import ray

        harden_process()  # the worker has a process of its own
        # The bundles come from the driver, so no worker accesses the Hub, and all have the same models.
        self._predictor = Predictor([Model(bundle, threads=1) for bundle in ray.get(bundles[0])])
        self._options = options
        self._archive = archive

    def __call__(self, block: pa.Table) -> pa.Table:
        """Predict the parts of a block: rows `{part, names}` -> rows `{part, counts, error}`; both are JSON.

        `error` is a `StorageUnusable` or `DiskFull`, with which the driver ends the run. Ray would treat an exception
        as a lost part, and continue until `cluster.MAX_LOST_PARTS` are lost.
        """
        counts, error = [], None
        for row in block.to_pylist():
            try:
                part_counts = self._predict_part(row["part"], row["names"])
            except (StorageUnusable, DiskFull) as ending:
                part_counts, error = Counter(), json.dumps(ending.as_dict())
            counts.append(json.dumps(part_counts))
        return pa.table(
            {"part": block["part"], "counts": counts, "error": pa.array([error] * len(counts), pa.string())}
        )

    def _predict_part(self, part: int, names: list[bytes]) -> Counter[str]:
        """Predict the films of a part that have no row yet, and write the part once, with all its rows."""
        existing_rows = self._archive.rows(part)
        existing_names = {rows.unescape(cell) for cell in existing_rows["file"].to_pylist()}
        pending = [name for name in map(os.fsdecode, names) if name not in existing_names]
        if not pending:
            return parts.count_labels(existing_rows)
        results = self._predictor.predict_many(
            storage.open_films(pending),
            self._options.operating_point,
            prevalence=self._options.prevalence,
            age=self._options.age,
        )
        table = pa.concat_tables([existing_rows, parts.to_table(_stop_if_unusable(results), self._options)])
        self._archive.write(part, table)
        return parts.count_labels(table)


def _stop_if_unusable(results: Iterable[Prediction | Failure]) -> Iterator[Prediction | Failure]:
    """Raise the `StorageUnusable` of a film: it concerns every film, and a row with it would not be retried."""
    for result in results:
        if isinstance(result, Failure) and isinstance(result.error, StorageUnusable):
            raise result.error
        yield result


def predict_archive(
    paths: Iterable[str],
    out: str,
    bundles: list[Bundle],
    options: TableOptions,
    *,
    workers: int | None,
    address: str | None,
) -> ArchiveOutcome:
    """Predict all films of `paths` that have no row in the archive `out`, with one bundle for each population.

    `workers` is the number of processes, by default the number of cores; `address` is that of a Ray cluster, by default
    a local instance. Raises `UsageError` if there are no films, if the archive has other options, or if Ray or the
    storage cannot be used; `Busy` if another run writes the archive; `DiskFull`; and `InternalError` for any other
    failure.
    """
    folder = ResultFolder(out)
    names = film_names.list_names(paths, set() if folder.local is None else {folder.local.absolute()})
    if not len(names):
        raise UsageError(f"No films found. Allowed: files, folders, Parquet lists. Received: {', '.join(paths)}.")
    storage.check_access(film_names.sample_addresses(names, CHECKED_FILMS))
    with parts.exclusive_archive(folder):
        archive = parts.open_parts(folder, options, len(names))
        with cluster.ray_cluster(address, workers) as cores:
            return _run(names, archive, bundles, options, workers or cores)


def _run(
    names: pa.ChunkedArray, archive: Parts, bundles: list[Bundle], options: TableOptions, workers: int
) -> ArchiveOutcome:
    import ray
    from ray.data import ActorPoolStrategy

    # Each part is the only row of its block. Ray cannot split a row, so each part is the input of one task.
    blocks = [
        pa.table({"part": [part], "names": [part_names]})
        for part, part_names in film_names.partition_names(names, archive.count)
    ]
    # One task per worker at a time: a part that kills its worker must not use up the retries of another part.
    pool = ActorPoolStrategy(size=min(workers, len(blocks)), max_tasks_in_flight_per_actor=1)
    with warnings.catch_warnings():
        # `max_task_retries` causes a warning, but the pinned version of Ray has no other parameter for it.
        warnings.filterwarnings("ignore", message=".*ray_remote_args.*")
        part_counts = ray.data.from_arrow(blocks).map_batches(
            ArchiveWorker,
            batch_format="pyarrow",
            batch_size=None,
            compute=pool,
            fn_constructor_args=([ray.put(bundles)], options, archive),
            num_cpus=1,
            max_task_retries=MAX_TASK_RETRIES,
        )
    try:
        return _collect_counts(part_counts.iter_rows(), len(blocks))
    except Exception as error:
        raise _public_error(error) from None


def _collect_counts(part_counts: Iterable[dict[str, Any]], expected: int) -> ArchiveOutcome:
    from tqdm import tqdm

    counts: Counter[str] = Counter()
    finished = 0
    with tqdm(total=expected, unit="part", disable=not sys.stderr.isatty(), file=sys.stderr) as bar:
        for row in part_counts:
            if row["error"]:
                raise _ending_error(**json.loads(row["error"]))
            counts.update(json.loads(row["counts"]))
            finished += 1
            bar.update()
    return ArchiveOutcome(counts, expected - finished)


def _ending_error(code: str, message: str) -> PneumoniaError:
    """The error of a storage that a worker reported."""
    return DiskFull(message) if code == DiskFull.code else StorageUnusable(message)


def _public_error(error: BaseException) -> PneumoniaError:
    """The `PneumoniaError` of a worker, which Ray wraps several times; for any other error an `InternalError`."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, PneumoniaError):
            return cause
        cause = getattr(cause, "cause", None) or cause.__cause__ or cause.__context__
    return InternalError.from_exception(error)
