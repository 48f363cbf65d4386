"""Atomic writes, locks between processes, and temporary folders that belong to one process."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import Busy, DiskFull, UsageError

if TYPE_CHECKING:
    from filelock import FileLock

_MAX_CREATION_S = 3_600
"""Seconds after which a temporary folder without its final name belongs to a killed process; creation takes 1 ms."""


def is_disk_full(error: OSError) -> bool:
    """True if the error means that the disk or the quota of the user is full."""
    return error.errno in {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; at the end the file is synced to the disk and renamed to `path`.

    If the process is killed or an error is raised before that, the old file is unchanged. Raises `DiskFull` if the disk
    is full.
    """
    partial = temporary_path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        if is_disk_full(error):
            raise DiskFull(f"The disk is full; {path.name} is unchanged. Free space and try again.") from None
        raise
    finally:
        partial.unlink(missing_ok=True)


def temporary_path(path: Path) -> Path:
    """The path of a file while `atomic_path` writes it; a killed process may leave it behind."""
    # The suffix is kept, because some writers choose the file format by it.
    return path.with_name(f"partial-{path.name}")


def atomic_write(path: Path, data: bytes) -> None:
    """Write `data` to `path` completely or not at all; raises `DiskFull`."""
    with atomic_path(path) as partial:
        partial.write_bytes(data)


def walk_bottom_up(folder: Path) -> Iterator[Path]:
    """Yield every file and folder under `folder`, contents before their folder.

    Files that another process deletes during the walk cause no error. `Path.rglob` would raise if a folder disappears
    between listing and opening.
    """
    for parent, folders, names in os.walk(folder, topdown=False):
        for name in (*names, *folders):
            yield Path(parent, name)


@contextmanager
def exclusive_lock(path: Path, message: str) -> Iterator[None]:
    """Hold the lock file `path` for this process and delete it at the end; its folder is created if needed.

    The operating system releases the lock when the process ends, even if it is killed. Raises `Busy(message)` if
    another process holds it, `DiskFull`, and `UsageError` if the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _try_lock(path)
    except OSError as error:
        if is_disk_full(error):
            raise DiskFull("The disk is full. Free space and try again.") from None
        raise UsageError(f"The folder cannot be written: {error.strerror}. Received: {path.parent}.") from None
    if lock is None:
        raise Busy(message)
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()
        lock.release()


class ProcessTempdir:
    """A temporary folder in `parent` that belongs to this process and is marked by a lock file.

    It is deleted by `delete`, when this object is garbage-collected, or at exit. The constructor also deletes folders
    with the same prefix that killed processes left behind: nobody holds their locks.
    """

    LOCK_NAME = "in-use"

    def __init__(self, parent: Path, prefix: str) -> None:
        self._delete_stale_folders(parent, prefix)
        # Another process deletes every folder with the prefix whose lock is free. The folder therefore gets the prefix
        # when its lock is held already; until then its name starts with a dot.
        unlocked_folder = Path(tempfile.mkdtemp(prefix=f".{prefix}", dir=parent))
        lock = _try_lock(unlocked_folder / self.LOCK_NAME)
        if lock is None:
            raise Busy("Another process locked a new temporary folder. Try again.")
        self.path = unlocked_folder.rename(parent / unlocked_folder.name.removeprefix("."))
        self.delete = weakref.finalize(self, _delete_folder, self.path, lock)
        """Deletes the folder now; calling it again has no effect."""

    def _delete_stale_folders(self, parent: Path, prefix: str) -> None:
        oldest_creation = time.time() - _MAX_CREATION_S
        for lock_path in parent.glob(f"{prefix}*/{self.LOCK_NAME}"):
            _delete_if_unlocked(lock_path)
        for lock_path in parent.glob(f".{prefix}*/{self.LOCK_NAME}"):
            with suppress(OSError):
                if lock_path.stat().st_mtime < oldest_creation:
                    _delete_if_unlocked(lock_path)


def _try_lock(path: Path) -> FileLock | None:
    """Lock the file `path`; None if another process holds it."""
    from filelock import FileLock, Timeout

    # A thread-local lock could be released by its own thread only, but the page runs the steps of a job on different
    # threads.
    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return None
    return lock


def _delete_if_unlocked(lock_path: Path) -> None:
    with suppress(OSError):
        stale_lock = _try_lock(lock_path)
        if stale_lock is not None:
            _delete_folder(lock_path.parent, stale_lock)


def _delete_folder(folder: Path, lock: FileLock) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    lock.release()
