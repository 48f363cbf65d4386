"""A temporary folder that belongs to one process, and goes with it, however that ends."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout


class ProcessTempdir:
    """A new folder in `parent`, held by a lock; what a killed process left there has none and is deleted first."""

    IN_USE = "in-use"

    def __init__(self, parent: Path, prefix: str) -> None:
        for left in parent.glob(f"{prefix}*/{self.IN_USE}"):
            held = FileLock(left, thread_local=False)
            with suppress(Timeout, OSError):
                held.acquire(timeout=0)
                _give_up(left.parent, held)
        self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        in_use = FileLock(self.path / self.IN_USE, thread_local=False)
        in_use.acquire(timeout=0)
        self.give_up = weakref.finalize(self, _give_up, self.path, in_use)
        """Delete the folder now; at the latest it goes with this object."""


def _give_up(folder: Path, in_use: FileLock) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    in_use.release()
