"""Batches of the page: import of the films into a folder, and their tasks. What all jobs share is in `job_store`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from .. import settings
from ..errors import Busy, DiskFull, EmptyFile, TooLarge
from ..inference.predictor import Predictor
from ..messages import message
from . import age_groups, batch_steps
from .batch_record import BatchJob, TaskKind
from .batch_uploads import check_uploads, import_uploads
from .job_store import JobStore
from .lane import Lane
from .server.upload import Upload

MAX_FILMS = 5_000
"""Maximum number of films in a batch, because the browser holds the whole table. The command line has no limit."""

_PREFIX = "pneumonia-batches-"
"""Start of the name of the temporary folder that holds all batches."""


class BatchJobs(JobStore[BatchJob]):
    """All batches of the page by token."""

    def __init__(self, predictor: Predictor) -> None:
        super().__init__(_PREFIX, Lane())
        # One thread fewer than the page, and separate interpreters, so that a single film never waits for a batch.
        self.predictor = predictor.with_threads(max(1, predictor.threads - 1))

    def missing_error(self) -> EmptyFile:
        minutes = settings.RETENTION_S.read() / 60
        return EmptyFile(
            message(
                "This batch no longer exists. Films and results are deleted {minutes:.3g} minutes after a batch ends. "
                "Add the films again.",
                minutes=minutes,
            )
        )

    def create(
        self,
        uploads: list[Upload],
        operating_point: str,
        age_group: str = age_groups.FROM_FILE,
        owner: str | None = None,
    ) -> str:
        """Import the uploads as a new batch and return its token. The age group is that of all patients.

        Raises `UsageError` for an unknown operating point; `EmptyFile`, `TooLarge` or `UnreadableImage` if the uploads
        cannot be analysed; and `DiskFull`.
        """
        self.predictor.check_options(operating_point, None)
        check_uploads(uploads)
        with self._new_folder() as folder:
            films = list(import_uploads(uploads, folder))
            if len(films) > MAX_FILMS:
                raise TooLarge(
                    message(
                        "Too many films for the page. Allowed: {limit:,}. Received: {count:,}. "
                        "The command `python -m pneumonia batch` has no limit.",
                        limit=MAX_FILMS,
                        count=len(films),
                    )
                )
        return self._add(BatchJob(folder, operating_point, films, age_group, owner=owner))

    def start(
        self, token: str, kind: TaskKind = "films", owner: str | None = None, indices: Sequence[int] | None = None
    ) -> None:
        """Start a task of a batch on its own thread.

        `indices` are the rows of the films to try again, by default all failed ones. Raises `EmptyFile` if the batch
        does not exist, and `Busy` if it has a task already, or if too many batches wait.
        """
        with self._lock:
            job = self.get(token, owner)
            if job.task is not None:
                raise Busy(message("This batch is in progress. Wait until it is complete, or stop it."))
            failed = job.failed_indices()
            chosen = failed if indices is None else sorted(set(indices) & set(failed))
            tasks: dict[TaskKind, tuple[int, Callable[[], Iterable[int]]]] = {
                "films": (len(job.films), lambda: self.run(token)),
                "again": (len(chosen), lambda: self.try_again(token, chosen)),
                "reports": (len(job.rows), lambda: self.make_reports(token)),
            }
            self._begin_task(token, job, kind, *tasks[kind])

    def run(self, token: str) -> Iterator[int]:
        """Analyse the films of a batch; yields the number of rows after each. Raises `DiskFull`; the rows stay."""
        with self._active_step(token) as job, _disk_full_of_server():
            yield from batch_steps.analyse(self.predictor, job)

    def try_again(self, token: str, indices: Sequence[int]) -> Iterator[int]:
        """Read and score the films of these rows again; yields the number done after each. Raises `DiskFull`."""
        with self._active_step(token) as job, _disk_full_of_server():
            yield from batch_steps.try_again(self.predictor, job, indices)

    def make_reports(self, token: str) -> Iterator[int]:
        """Write a ZIP with a PDF report for each film that has a prediction; yields the number of films done so far."""
        with self._active_step(token) as job, _disk_full_of_server():
            yield from batch_steps.write_reports(self.predictor, job)


@contextmanager
def _disk_full_of_server() -> Iterator[None]:
    """Replaces the message of a full disk, which names a file of the server and an option of the command line."""
    try:
        yield
    except DiskFull:
        raise DiskFull(
            message(
                "The disk of the server is full, so the batch has ended; the table shows its rows so far. Free space, "
                "then add the films again."
            )
        ) from None
