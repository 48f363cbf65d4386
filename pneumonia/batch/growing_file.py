"""A file that grows by one record at a time under the name `NAME.part` and is renamed when it is complete."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path


class GrowingFile:
    """A file open for appending at `partial_path(path)`.

    Writes are unbuffered, so that a killed process loses no record. `path` is the final name, `end` the size in bytes.
    The caller closes `file`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = open(partial_path(path), "a+b", buffering=0)  # noqa: SIM115 - closed by `open_table`
        self.end = self.file.seek(0, os.SEEK_END)
        self.file.seek(0)

    def head(self, size: int) -> bytes:
        """The first `size` bytes, or fewer in a shorter file."""
        data = self.file.read(size)
        self.file.seek(0)
        return data

    def records(self, *, quoted: bool) -> Iterator[tuple[int, bytes]]:
        """Yield (end offset, bytes) of each complete record; a partial last record is left out.

        With `quoted`, a line break inside double quotes does not end a record (CSV, RFC 4180).
        """
        end, record, quotes = 0, b"", 0
        reader = io.BufferedReader(io.FileIO(self.file.fileno(), "rb", closefd=False))
        for line in reader:
            end += len(line)
            record += line
            quotes += line.count(b'"')
            if line.endswith(b"\n") and not (quoted and quotes % 2):
                yield end, record
                record, quotes = b"", 0

    def append(self, record: bytes) -> None:
        """Write all bytes of `record`; raises `OSError`, after which some of them may have been written."""
        remaining = memoryview(record)
        while remaining:
            remaining = remaining[self.file.write(remaining) :]
        self.end += len(record)

    def truncate(self, end: int) -> None:
        """Remove everything after the first `end` bytes."""
        self.file.truncate(end)
        self.end = end

    def finish(self) -> None:
        """Sync the file to the disk, close it and give it its final name."""
        os.fsync(self.file.fileno())
        self.file.close()
        partial_path(self.path).replace(self.path)


def partial_path(path: Path) -> Path:
    """The path of a file while it is incomplete: `NAME.part`."""
    return path.with_name(f"{path.name}.part")
