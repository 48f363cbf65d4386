"""Files that are written completely or not at all, also while another program has them open."""

from __future__ import annotations

import errno
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .. import operating_system
from ..errors import DiskFull
from ..messages import message

_SHARING_ATTEMPTS, _SHARING_DELAY_S = 20, 0.05
"""Attempts to rename or delete a file that another program has open, and the seconds between them. Only Windows refuses
this; virus scanners and search indexers open each new file for some milliseconds."""

MAX_NAME_BYTES = 255
"""Maximum length of a file name on the file systems of Linux; macOS and Windows count characters instead of bytes."""

_DISK_FULL_ON_WINDOWS = {39, 112}
"""ERROR_HANDLE_DISK_FULL and ERROR_DISK_FULL."""


def is_disk_full(error: OSError) -> bool:
    """True if the error means that the disk or the quota of the user is full."""
    return error.errno in {errno.ENOSPC, errno.EDQUOT} or getattr(error, "winerror", None) in _DISK_FULL_ON_WINDOWS


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
        sync_to_disk(partial)
        rename_file(partial, path)
    except OSError as error:
        if is_disk_full(error):
            raise DiskFull(
                message("The disk is full; {name} is unchanged. Free space and try again.", name=path.name)
            ) from None
        raise
    finally:
        with suppress(OSError):  # which would replace the error of the writer
            delete_file(partial)


def temporary_path(path: Path) -> Path:
    """The path of a file while `atomic_path` writes it; a killed process may leave it behind."""
    # The suffix is kept, because some writers choose the file format by it.
    name = f"partial-{path.name}"
    if len(os.fsencode(name)) > MAX_NAME_BYTES:
        name = f"partial-{hashlib.sha256(os.fsencode(path.name)).hexdigest()}{path.suffix[:40]}"
    return path.with_name(name)


def atomic_write(path: Path, data: bytes) -> None:
    """Write `data` to `path` completely or not at all; raises `DiskFull`."""
    with atomic_path(path) as partial:
        partial.write_bytes(data)


def sync_to_disk(path: Path) -> None:
    """Wait until the content of a file is on the disk; raises `OSError`."""
    # Opened for writing, because Windows refuses to sync a file that is open for reading only.
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk. Windows has no such call and writes them with the file."""
    if operating_system.IS_WINDOWS:
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def rename_file(source: Path, target: Path) -> None:
    """Rename `source` to `target`, also if it exists; raises `OSError`.

    Waits a second for another program that has one of them open, which Windows does not allow.
    """
    _retry_while_in_use(lambda: source.replace(target))


def delete_file(path: Path) -> None:
    """Delete a file if it exists; waits a second for another program that has it open. Raises `OSError`."""
    _retry_while_in_use(lambda: path.unlink(missing_ok=True))


def _retry_while_in_use(operation: Callable[[], object]) -> None:
    for _ in range(_SHARING_ATTEMPTS if operating_system.IS_WINDOWS else 0):
        try:
            operation()
            return
        except PermissionError:
            time.sleep(_SHARING_DELAY_S)
    operation()


def last_change(path: Path) -> float:
    """Time of the last change of a file, of its content or of its attributes, in seconds since the epoch."""
    status = path.lstat()
    # Windows has the time of the creation in place of `st_ctime`, the time of the change of the attributes.
    return max(status.st_mtime, status.st_ctime)


def walk_bottom_up(folder: Path) -> Iterator[Path]:
    """Yield every file and folder under `folder`, contents before their folder.

    Files that another process deletes during the walk cause no error. `Path.rglob` would raise if a folder disappears
    between listing and opening.
    """
    for parent, folders, names in os.walk(folder, topdown=False):
        for name in (*names, *folders):
            yield Path(parent, name)
