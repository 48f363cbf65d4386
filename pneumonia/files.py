"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import DiskFull


@contextmanager
def whole(path: Path) -> Iterator[Path]:
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


def write(path: Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all; raises `DiskFull`."""
    with whole(path) as partial:
        partial.write_bytes(data)
