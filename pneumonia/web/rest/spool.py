"""The bytes of request bodies: in memory within a bound for all of them together, else in a temporary file."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Self

from ... import files
from ...errors import DiskFull
from ...messages import message

MEMORY_MB = 256
"""Memory of all bodies together. A film of 224 px takes 10 kB, a detector film 5 to 20 MB."""

BODY_MEMORY_MB = 20
"""Memory of one body; a larger one is stored in a file."""

_COPY_BYTES = 1_000_000


class MemoryBudget:
    """Bytes of memory that all bodies may use together. Used on the event loop only."""

    def __init__(self, size: int = MEMORY_MB * 1_000_000) -> None:
        self.free = size

    def take(self, size: int) -> bool:
        """Reserve `size` bytes; False if they are not free."""
        if size > self.free:
            return False
        self.free -= size
        return True


class Spool:
    """The bytes of one body. They are appended on the event loop and read on any thread.

    The file has no name, so that it is deleted even if the process is killed. Use as a context: its end frees memory
    and file.
    """

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self._memory = bytearray()
        self._file: IO[bytes] | None = None
        self._lock = threading.Lock()
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._free_memory()
        with self._lock:
            if self._file is not None:
                self._file.close()

    async def write(self, data: bytes) -> None:
        """Append `data`. Raises `DiskFull`."""
        is_in_memory = self._file is None and self.size + len(data) <= BODY_MEMORY_MB * 1_000_000
        if is_in_memory and self._budget.take(len(data)):
            self._memory += data
        else:
            await asyncio.to_thread(self._write_to_file, data)
            self._free_memory()
        self.size += len(data)

    def _write_to_file(self, data: bytes) -> None:
        with _translate_full_disk(), self._lock:
            if self._file is None:
                self._file = tempfile.TemporaryFile("w+b", buffering=0)  # noqa: SIM115  # closed by `__exit__`
                _write_all(self._file, self._memory)
            _write_all(self._file, data)

    def _free_memory(self) -> None:
        self._budget.free += len(self._memory)
        self._memory = bytearray()

    def read(self, start: int, end: int) -> bytes:
        """The bytes from `start` to `end`."""
        with self._lock:
            if self._file is None:
                return bytes(memoryview(self._memory)[start:end])
            self._file.seek(start)
            return b"".join(self._read_blocks(self._file, end - start))

    def copy(self, start: int, end: int, path: Path) -> None:
        """Write the bytes from `start` to `end` into a new file. Raises `DiskFull`."""
        with _translate_full_disk(), path.open("xb") as target:
            for position in range(start, end, _COPY_BYTES):
                target.write(self.read(position, min(position + _COPY_BYTES, end)))

    @staticmethod
    def _read_blocks(file: IO[bytes], size: int) -> Iterator[bytes]:
        while size > 0 and (block := file.read(min(size, _COPY_BYTES))):
            size -= len(block)
            yield block


@contextmanager
def _translate_full_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if files.is_disk_full(error):
            raise DiskFull(message("The disk of the server is full. Free space, then add the films again.")) from None
        raise


def _write_all(file: IO[bytes], data: bytes | bytearray) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
