"""The rules of Windows for open files, on Linux: an open file is not renamed or deleted, nor is a folder that has one.

A file that is open for reading only cannot be synced, and a lock file is deleted when its lock is released. On Windows
itself nothing is simulated; on other systems the test is skipped.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import filelock
import pytest

from pneumonia import operating_system
from pneumonia.files import atomic

OPEN_FILES = Path("/proc/self/fd")


def simulate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Apply the rules until the end of the test."""
    if operating_system.IS_WINDOWS:
        return
    if not OPEN_FILES.is_dir():
        pytest.skip("needs Linux, whose /proc lists the open files")
    import fcntl

    sync = os.fsync

    def fsync(descriptor: int) -> None:
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        sync(descriptor)

    monkeypatch.setattr(operating_system, "IS_WINDOWS", True)
    monkeypatch.setattr(atomic, "_SHARING_DELAY_S", 0.001)
    monkeypatch.setattr(os, "fsync", fsync)
    for name in ("rename", "replace", "unlink", "remove", "rmdir"):
        monkeypatch.setattr(os, name, _refusing_open_files(getattr(os, name)))
    monkeypatch.setattr(filelock, "FileLock", _LockThatDeletesItsFile)


class _LockThatDeletesItsFile(filelock.FileLock):
    def release(self, force: bool = False) -> None:
        was_locked = self.is_locked  # `release` is also called when the object is deleted
        super().release(force)
        if was_locked and not self.is_locked:
            with suppress(OSError):
                os.unlink(self.lock_file)


def _refusing_open_files(operation: Callable[..., None]) -> Callable[..., None]:
    def refuse_or_do(*paths: Any, **options: Any) -> None:
        for path in paths:
            if _is_open(_absolute(path, options.get("dir_fd"))):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        operation(*paths, **options)

    return refuse_or_do


def _absolute(path: Any, folder: int | None) -> str:
    parent = os.readlink(OPEN_FILES / str(folder)) if folder is not None else os.getcwd()
    return os.path.join(parent, os.fsdecode(path))


def _is_open(path: str) -> bool:
    return any(name == path or name.startswith(f"{path}/") for name in _open_regular_files())


def _open_regular_files() -> set[str]:
    names = set()
    for descriptor in os.listdir(OPEN_FILES):
        with suppress(OSError):
            name = os.readlink(OPEN_FILES / descriptor)
            names |= {name} if os.path.isfile(name) else set()
    return names
