"""Jobs of the page on uploaded films (batches, local validations): who may use them, their tasks, and deletion.

Gradio deletes an upload a fixed time after its creation, even while a job waits. A job therefore imports its films into
its own folder as soon as it is created, and its retention time starts when its work ends.

Gradio ends the events of a page that is closed. A task of a job therefore runs on a thread of its own, and the page
asks for its progress (`job_routes`).
"""

from __future__ import annotations

import contextvars
import secrets
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from .. import files, settings
from ..errors import DiskFull, EmptyFile, InternalError, PneumoniaError
from ..messages import message
from .lane import Lane, Ticket

START_LIMIT_S = 60
"""Seconds after which a job that was created and not started is deleted. The page starts it at once."""

RETRY_DELETION_S = 10
"""Seconds after which the deletion of a job is repeated, if one of its files could not be deleted."""

TOKEN_BYTES = 24
"""Random bytes of a token, 192 bits: nobody can guess the link to a job."""


@dataclass
class Task:
    """Work on a job that waits or runs: `count` of `total` done. `started_at` is None while it waits.

    `kind` says what is counted, in the terms of the job's class.
    """

    kind: str
    total: int
    ticket: Ticket
    count: int = 0
    started_at: float | None = None

    @property
    def seconds(self) -> float:
        """Seconds since the start; 0 while the task waits."""
        return 0.0 if self.started_at is None else time.monotonic() - self.started_at


@dataclass
class StoredJob:
    """What all jobs have: folder with its films and result files, owner, present task, deletion.

    `owner` is the hashed name of the user who created it; None without a login. If `stop` is set, its task ends after
    the films in progress. `timer` deletes the job at `expires_at` (seconds since 1970), after the retention time.
    `active_steps` is the number of steps that wait or use its files. `error` ended its last task.
    """

    folder: Path
    _: KW_ONLY
    owner: str | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    timer: threading.Timer | None = None
    expires_at: float | None = None
    active_steps: int = 0
    task: Task | None = None
    error: PneumoniaError | None = None

    def clear(self) -> None:
        """Release the films and results in memory, when the files are deleted."""


J = TypeVar("J", bound=StoredJob)


class JobStore(ABC, Generic[J]):
    """All jobs of a kind by token. When the process ends, all files are deleted.

    `owner` in the methods is the hashed name of the user who asks; None without a login. A job of another user does not
    exist for them. Tasks wait for their turn in `lane`. `prefix` starts the name of the temporary folder of all jobs.
    """

    def __init__(self, prefix: str, lane: Lane) -> None:
        self.lane = lane
        self._tempdir = files.ProcessTempdir(Path(tempfile.gettempdir()), prefix)
        self._root = self._tempdir.path
        self._jobs: dict[str, J] = {}
        self._lock = threading.RLock()

    @abstractmethod
    def missing_error(self) -> EmptyFile:
        """The error for a token of no job: it was deleted, never existed, or is another user's."""

    def get(self, token: str, owner: str | None = None) -> J:
        """Return the job of `token`; raises `missing_error` if there is none."""
        job = self._jobs.get(token)  # one access, since a timer may delete the job at any time
        if job is None or job.owner != owner:
            raise self.missing_error()
        return job

    def stop(self, token: str, owner: str | None = None) -> None:
        """Stop the task of a job. Completed results stay; the remaining films are skipped."""
        self.get(token, owner).stop.set()
        self.lane.wake()

    def delete(self, token: str) -> None:
        """Stop a job and delete its films and result files: at once, or when its active steps have ended."""
        with self._lock:
            job = self._jobs.pop(token, None)
            if job is None:
                return
            job.stop.set()
            is_idle = not job.active_steps
        self.lane.wake()
        if is_idle:
            self._discard(job)

    def unfinished(self) -> int:
        """Number of jobs whose task waits or runs. A shutdown waits for them."""
        return sum(job.task is not None for job in list(self._jobs.values()))

    def stop_all(self) -> None:
        """Stop the tasks of all jobs."""
        for job in list(self._jobs.values()):
            job.stop.set()
        self.lane.wake()

    @contextmanager
    def _new_folder(self) -> Iterator[Path]:
        """Context of the import into the folder of a new job, which is deleted again if that fails.

        Its name is not the token, which nobody shall find in a list of folders. Raises `DiskFull`.
        """
        folder = self._root / secrets.token_hex(8)
        folder.mkdir()
        try:
            yield folder
        except BaseException as error:
            files.delete_tree(folder)
            if isinstance(error, OSError) and files.is_disk_full(error):
                raise disk_full_error() from None
            raise

    def _add(self, job: J) -> str:
        """Store a new job; returns its token."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        with self._lock:
            self._jobs[token] = job
            self._start_timer(token, job, START_LIMIT_S)
        return token

    def _begin_task(self, token: str, job: J, kind: str, total: int, steps: Callable[[], Iterable[int]]) -> None:
        """Start a task on its own thread. It continues without a page, after tasks that came earlier.

        `steps` yields how many of `total` are done. Raises `Busy` if too many tasks wait. Called with the lock.
        """
        task = Task(kind, total, self.lane.join())
        job.task, job.error = task, None
        job.stop.clear()
        self._begin_step(job)
        context = contextvars.copy_context()  # with the id of the request, for the log, and its language
        threading.Thread(target=context.run, args=(self._work, token, job, task, steps), daemon=True).start()

    def _work(self, token: str, job: J, task: Task, steps: Callable[[], Iterable[int]]) -> None:
        try:
            with self.lane.turn(task.ticket, job.stop.is_set):
                task.started_at = time.monotonic()
                for count in steps():
                    task.count = count
        except PneumoniaError as error:
            job.error = error
        except Exception as error:
            job.error = InternalError.from_exception(error)
        finally:
            self._end_step(token, job)
            job.task = None

    @contextmanager
    def _active_step(self, token: str) -> Iterator[J]:
        """Context of a step that uses the job. It prevents deletion meanwhile, and restarts the retention time."""
        with self._lock:  # the job cannot be deleted between its lookup and the start of the step
            job = self._jobs.get(token)
            if job is None:
                raise self.missing_error()
            self._begin_step(job)
        try:
            yield job
        finally:
            self._end_step(token, job)

    def _begin_step(self, job: J) -> None:
        """Prevent the deletion of a job. Called with the lock."""
        job.active_steps += 1
        job.expires_at = None
        if job.timer is not None:
            job.timer.cancel()

    def _end_step(self, token: str, job: J) -> None:
        """Start the retention time after the last active step; if the job was deleted meanwhile, delete its files."""
        with self._lock:
            job.active_steps -= 1
            is_idle = not job.active_steps
            is_deleted = self._jobs.get(token) is not job
            if is_idle and not is_deleted:
                self._start_timer(token, job, settings.RETENTION_S.read())
        if is_idle and is_deleted:
            self._discard(job)

    def _start_timer(self, token: str, job: J, seconds: float) -> None:
        job.expires_at = time.time() + seconds
        job.timer = threading.Timer(seconds, self._expire, [token])
        job.timer.daemon = True
        job.timer.start()

    def _expire(self, token: str) -> None:
        """Delete a job whose retention time ended, unless a step started at the same moment."""
        with self._lock:
            job = self._jobs.get(token)
            if job is None or job.active_steps:
                return
            del self._jobs[token]
        self._discard(job)

    def _discard(self, job: J) -> None:
        if job.timer is not None:
            job.timer.cancel()
        job.clear()
        if not files.delete_tree(job.folder):  # Windows deletes no file while it is downloaded
            job.timer = threading.Timer(RETRY_DELETION_S, self._discard, [job])
            job.timer.daemon = True
            job.timer.start()


def disk_full_error() -> DiskFull:
    """The error for a full disk, without the name of the file that could not be written."""
    return DiskFull(message("The disk of the server is full. Free space, then add the films again."))
