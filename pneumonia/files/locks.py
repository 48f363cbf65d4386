"""Locks between processes; the operating system releases them when a process ends, even if it is killed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .. import operating_system
from ..errors import Busy, DiskFull, UsageError
from ..messages import message
from .atomic import is_disk_full

if TYPE_CHECKING:
    from filelock import FileLock


@contextmanager
def exclusive_lock(path: Path, busy_message: str) -> Iterator[None]:
    """Hold the lock file `path` for this process and delete it at the end; its folder is created if needed.

    Raises `Busy(busy_message)` if another process holds it, `Busy` if too many files are open, `DiskFull`, and
    `UsageError` if the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = try_lock(path)
    except OSError as error:
        if is_disk_full(error):
            raise DiskFull(message("The disk is full. Free space and try again.")) from None
        if operating_system.is_out_of_files(error):
            raise operating_system.out_of_files_error() from None
        raise UsageError(
            message(
                "The folder cannot be written: {strerror}. Received: {parent}.",
                strerror=error.strerror,
                parent=path.parent,
            )
        ) from None
    if lock is None:
        raise Busy(busy_message)
    try:
        yield
    finally:
        # Deleted before the release, since another process could lock it in between and lose its file. Windows deletes
        # no open file, so there the release deletes it, if no other process has it open.
        with suppress(OSError):
            path.unlink()
        lock.release()


def try_lock(path: Path, timeout_s: float = 0) -> FileLock | None:
    """Lock the file `path`; None if another process holds it for longer than `timeout_s` seconds."""
    from filelock import FileLock, Timeout

    # A thread-local lock could be released by its own thread only, but the page runs the steps of a job on different
    # threads.
    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(timeout=timeout_s)
    except Timeout:
        return None
    return lock
