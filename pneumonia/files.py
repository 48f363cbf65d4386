"""Files that are written whole or not at all, folders that one process writes at a time, and what lies in a folder."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import Busy, DiskFull, UsageError


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Lend a neighbour of `path` to write to; it takes the place of `path` once it lies safely on the disk.

    A kill or an error on the way leaves the old file as it was. Raises `DiskFull` for a full disk.
    """
    # The ending stays: some writers go by it.
    partial = path.with_name(f"partial-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(path)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull(f"The disk is full; {path.name} stays as it was. Free space and try again.") from None
        raise
    finally:
        partial.unlink(missing_ok=True)


def atomic_write(path: Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all; raises `DiskFull`."""
    with atomic_path(path) as partial:
        partial.write_bytes(data)


def walk_bottom_up(folder: Path) -> Iterator[Path]:
    """Every file and folder under `folder`, a folder after what it holds; what others delete meanwhile is no error.

    `Path.rglob` raises where a folder goes between being listed and being opened.
    """
    for parent, folders, names in os.walk(folder, topdown=False):
        for name in (*names, *folders):
            yield Path(parent, name)


@contextmanager
def exclusive_folder(folder: Path) -> Iterator[None]:
    """Make `folder`, and hold it for this process; raises `Busy` where another process holds it.

    The system lets go of it when the process ends, however it ends.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / ".in-use", thread_local=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise Busy(
            f"Another process writes into {folder}. Allowed: one a folder. Wait for it, or take another --out."
        ) from None
    except OSError as error:
        raise UsageError(f"The folder cannot be written: {error.strerror}. Received: {folder}.") from None
    try:
        yield
    finally:
        with suppress(OSError):
            (folder / ".in-use").unlink()
        lock.release()
