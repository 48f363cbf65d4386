"""A temporary folder of one process, which is deleted even if the process is killed."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import weakref
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .. import operating_system
from ..errors import Busy
from ..messages import message
from .locks import try_lock

if TYPE_CHECKING:
    from filelock import FileLock

_MAX_CREATION_S = 3_600
"""Seconds after which a temporary folder without its final name belongs to a killed process; creation takes 1 ms."""

_MAX_CHECK_S = 10
"""Seconds to wait for another process that checks whether a new folder is in use; it takes some milliseconds."""


class ProcessTempdir:
    """A temporary folder in `parent` that belongs to this process and is marked by a lock file.

    It is deleted by `delete`, when this object is garbage-collected, or at exit. The constructor also deletes folders
    with the same prefix that killed processes left behind: nobody holds their locks.
    """

    LOCK_NAME = "in-use"

    def __init__(self, parent: Path, prefix: str) -> None:
        _delete_stale_folders(parent, prefix)
        create = _create_on_windows if operating_system.IS_WINDOWS else _create_and_rename
        self.path, lock = create(parent, prefix)
        self.delete = weakref.finalize(self, _delete_folder, self.path, lock)
        """Deletes the folder now; calling it again has no effect."""


def _create_and_rename(parent: Path, prefix: str) -> tuple[Path, FileLock]:
    # Another process deletes every folder with the prefix whose lock is free. The folder therefore gets the prefix when
    # its lock is held already; until then its name starts with a dot.
    unlocked_folder = Path(tempfile.mkdtemp(prefix=f".{prefix}", dir=parent))
    lock = _lock_folder(unlocked_folder, timeout_s=0)
    return unlocked_folder.rename(parent / unlocked_folder.name.removeprefix(".")), lock


def _create_on_windows(parent: Path, prefix: str) -> tuple[Path, FileLock]:
    # Windows renames no folder in which a file is open. But it deletes no open file either: another process that finds
    # the lock file between its opening and its locking can delete neither this file nor its folder.
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    return folder, _lock_folder(folder, timeout_s=_MAX_CHECK_S)


def _lock_folder(folder: Path, timeout_s: float) -> FileLock:
    lock = try_lock(folder / ProcessTempdir.LOCK_NAME, timeout_s)
    if lock is None:
        raise Busy(message("Another process locked a new temporary folder. Try again."))
    return lock


def _delete_stale_folders(parent: Path, prefix: str) -> None:
    oldest_creation = time.time() - _MAX_CREATION_S
    for lock_path in parent.glob(f"{prefix}*/{ProcessTempdir.LOCK_NAME}"):
        _delete_if_unlocked(lock_path)
    for lock_path in parent.glob(f".{prefix}*/{ProcessTempdir.LOCK_NAME}"):
        with suppress(OSError):
            if lock_path.stat().st_mtime < oldest_creation:
                _delete_if_unlocked(lock_path)


def _delete_if_unlocked(lock_path: Path) -> None:
    with suppress(OSError):
        stale_lock = try_lock(lock_path)
        if stale_lock is not None:
            _delete_folder(lock_path.parent, stale_lock)


def _delete_folder(folder: Path, lock: FileLock) -> None:
    """Delete a folder whose lock is held. If a file in it cannot be deleted, the lock file stays for a later attempt.

    Windows deletes no file that is open, so there the lock file is deleted after the release, and with it the folder.
    """
    lock_path = folder / ProcessTempdir.LOCK_NAME
    is_complete = all([delete_tree(path) for path in _contents(folder) if path != lock_path])
    if is_complete:
        _delete_emptied_folder(lock_path)
    lock.release()
    if is_complete:
        _delete_emptied_folder(lock_path)
    elif folder.is_dir():
        with suppress(OSError):
            lock_path.touch()  # on Windows the release has deleted it


def _contents(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def delete_tree(path: Path) -> bool:
    """Delete a file, or a folder with its contents; False if something remains, such as an open file on Windows."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
    return not os.path.lexists(path)


def _delete_emptied_folder(lock_path: Path) -> None:
    with suppress(OSError):
        lock_path.unlink(missing_ok=True)
        lock_path.parent.rmdir()
