"""Batches of the page: import of the films into a folder, their tasks, who may use them, and deletion.

Gradio deletes an upload a fixed time after its creation, even while the batch waits. A batch therefore imports its
films into its own folder as soon as it is created, and its retention time starts when its processing ends.

Gradio ends the events of a page that is closed. A task of a batch therefore runs on a thread of its own, and the page
asks for its progress (`batch_routes`).
"""

from __future__ import annotations

import contextvars
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .. import files, settings
from ..errors import Busy, DiskFull, EmptyFile, InternalError, PneumoniaError, TooLarge
from ..inference.predictor import Predictor
from ..messages import message
from . import age_groups, batch_steps
from .batch_record import Job, Task, TaskKind
from .batch_uploads import check_uploads, import_uploads
from .lane import Lane
from .server.upload import Upload

MAX_FILMS = 5_000
"""Maximum number of films in a batch, because the browser holds the whole table. The command line has no limit."""

_PREFIX = "pneumonia-batches-"
"""Start of the name of the temporary folder that holds all batches."""

START_LIMIT_S = 60
"""Seconds after which a batch that was created and not started is deleted. The page starts it at once."""

RETRY_DELETION_S = 10
"""Seconds after which the deletion of a batch is repeated, if one of its files could not be deleted."""

TOKEN_BYTES = 24
"""Random bytes of a token, 192 bits: nobody can guess the link to a batch."""


class Jobs:
    """All batches of the page by token. When the process ends, all files are deleted.

    `owner` in the methods is the hashed name of the user who asks; None without a login. A batch of another user does
    not exist for them.
    """

    def __init__(self, predictor: Predictor) -> None:
        # One thread fewer than the page, and separate interpreters, so that a single film never waits for a batch.
        self.predictor = predictor.with_threads(max(1, predictor.threads - 1))
        self._tempdir = files.ProcessTempdir(Path(tempfile.gettempdir()), _PREFIX)
        self._root = self._tempdir.path
        self._jobs: dict[str, Job] = {}
        self._lock = threading.RLock()
        self.lane = Lane()

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
        token = secrets.token_urlsafe(TOKEN_BYTES)
        folder = self._root / secrets.token_hex(8)  # not the token, which nobody shall find in a list of folders
        folder.mkdir()
        try:
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
        except BaseException as error:
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, OSError) and files.is_disk_full(error):
                raise DiskFull(
                    message("The disk of the server is full. Free space, then add the films again.")
                ) from None
            raise
        job = Job(folder, operating_point, films, age_group, owner)
        with self._lock:
            self._jobs[token] = job
            self._start_timer(token, job, START_LIMIT_S)
        return token

    def get(self, token: str, owner: str | None = None) -> Job:
        """Return the batch of `token`; raises `EmptyFile` if it was deleted, never existed, or is another user's."""
        job = self._jobs.get(token)  # one access, since a timer may delete the batch at any time
        if job is None or job.owner != owner:
            raise _missing_batch()
        return job

    def stop(self, token: str, owner: str | None = None) -> None:
        """Stop the task of a batch. Completed rows stay; the remaining films are skipped."""
        self.get(token, owner).stop.set()
        self.lane.wake()

    def delete(self, token: str) -> None:
        """Stop a batch and delete its films and result files: at once, or when its active steps have ended."""
        with self._lock:
            job = self._jobs.pop(token, None)
            if job is None:
                return
            job.stop.set()
            is_idle = not job.active_steps
        self.lane.wake()
        if is_idle:
            self._discard(job)

    def start(
        self, token: str, kind: TaskKind = "films", owner: str | None = None, indices: Sequence[int] | None = None
    ) -> None:
        """Start a task of a batch on its own thread. It continues without a page, after batches that came earlier.

        `indices` are the rows of the films to try again, by default all failed ones. Raises `EmptyFile` if the batch
        does not exist, and `Busy` if it has a task already, or if too many batches wait.
        """
        with self._lock:
            job = self.get(token, owner)
            if job.task is not None:
                raise Busy(message("This batch is in progress. Wait until it is complete, or stop it."))
            failed = job.failed_indices()
            chosen = failed if indices is None else sorted(set(indices) & set(failed))
            total = {"films": len(job.films), "again": len(chosen), "reports": len(job.rows)}[kind]
            task = Task(kind, total, self.lane.join())
            job.task, job.error = task, None
            job.stop.clear()
            self._begin_step(job)
        steps = {
            "films": lambda: self.run(token),
            "again": lambda: self.try_again(token, chosen),
            "reports": lambda: self.make_reports(token),
        }[kind]
        context = contextvars.copy_context()  # with the id of the request, for the log
        threading.Thread(target=context.run, args=(self._work, token, job, task, steps), daemon=True).start()

    def _work(self, token: str, job: Job, task: Task, steps: object) -> None:
        try:
            with self.lane.turn(task.ticket, job.stop.is_set):
                task.started_at = time.monotonic()
                for count in steps():  # type: ignore[operator]
                    task.count = count
        except PneumoniaError as error:
            job.error = error
        except Exception as error:
            job.error = InternalError.from_exception(error)
        finally:
            self._end_step(token, job)
            job.task = None

    def unfinished(self) -> int:
        """Number of batches whose task waits or runs. A shutdown waits for them."""
        return sum(job.task is not None for job in list(self._jobs.values()))

    def stop_all(self) -> None:
        """Stop the tasks of all batches."""
        for job in list(self._jobs.values()):
            job.stop.set()
        self.lane.wake()

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
    def _active_step(self, token: str) -> Iterator[Job]:
        """Context of a step that uses the batch. It prevents deletion meanwhile, and restarts the retention time."""
        with self._lock:  # the batch cannot be deleted between its lookup and the start of the step
            job = self._jobs.get(token)
            if job is None:
                raise _missing_batch()
            self._begin_step(job)
        try:
            yield job
        finally:
            self._end_step(token, job)

    def _begin_step(self, job: Job) -> None:
        """Prevent the deletion of a batch. Called with the lock."""
        job.active_steps += 1
        job.expires_at = None
        if job.timer is not None:
            job.timer.cancel()

    def _end_step(self, token: str, job: Job) -> None:
        """Start the retention time after the last active step; if the batch was deleted meanwhile, delete its files."""
        with self._lock:
            job.active_steps -= 1
            is_idle = not job.active_steps
            is_deleted = self._jobs.get(token) is not job
            if is_idle and not is_deleted:
                self._start_timer(token, job, settings.RETENTION_S.read())
        if is_idle and is_deleted:
            self._discard(job)

    def _start_timer(self, token: str, job: Job, seconds: float) -> None:
        job.expires_at = time.time() + seconds
        job.timer = threading.Timer(seconds, self._expire, [token])
        job.timer.daemon = True
        job.timer.start()

    def _expire(self, token: str) -> None:
        """Delete a batch whose retention time ended, unless a step started at the same moment."""
        with self._lock:
            job = self._jobs.get(token)
            if job is None or job.active_steps:
                return
            del self._jobs[token]
        self._discard(job)

    def _discard(self, job: Job) -> None:
        if job.timer is not None:
            job.timer.cancel()
        job.films.clear()
        job.rows.clear()
        job.changes.clear()
        if not files.delete_tree(job.folder):  # Windows deletes no file while it is downloaded
            job.timer = threading.Timer(RETRY_DELETION_S, self._discard, [job])
            job.timer.daemon = True
            job.timer.start()


def _missing_batch() -> EmptyFile:
    minutes = settings.RETENTION_S.read() / 60
    return EmptyFile(
        message(
            "This batch no longer exists. Films and results are deleted {minutes:.3g} minutes after a batch ends. Add "
            "the films again.",
            minutes=minutes,
        )
    )


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
