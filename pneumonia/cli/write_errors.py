"""Errors of the file system while a command writes its output files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import DiskFull, UsageError
from ..files import is_disk_full
from ..messages import message


@contextmanager
def translate_write_errors(problem: str, folder: Path, *, if_full: str) -> Iterator[None]:
    """Raise `DiskFull` with the message `if_full`, or `UsageError` with `problem`, in place of an `OSError`."""
    try:
        yield
    except OSError as error:
        if is_disk_full(error):
            raise DiskFull(if_full) from None
        raise UsageError(
            message("{problem}: {reason}. Received: {folder}.", problem=problem, reason=error.strerror, folder=folder)
        ) from None
