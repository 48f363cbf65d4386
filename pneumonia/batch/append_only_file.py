"""A file to which whole lines are appended. A killed process leaves complete lines, and at most one partial line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


class AppendOnlyFile:
    """A file open for appending, created if needed; what follows its first `end` bytes is removed.

    Writes are unbuffered, so that a killed process loses no line. `end` is the size in bytes. The caller closes `file`.
    """

    def __init__(self, path: Path, end: int) -> None:
        self.file = open(path, "ab", buffering=0)  # noqa: SIM115 - closed by `open_table`
        self.file.truncate(end)
        self.end = end

    def append(self, line: bytes) -> None:
        """Write all bytes of `line` or none; raises `OSError`."""
        remaining = memoryview(line)
        try:
            while remaining:
                remaining = remaining[self.file.write(remaining) :]
        except OSError:
            self.file.truncate(self.end)
            raise
        self.end += len(line)


def complete_lines(path: Path) -> Iterator[bytes]:
    """Yield each line of a file; a last line without a line feed is left out."""
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield line
