"""Disk watermark: reception stops before the disk is full, so that what is received can still be processed."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

MEGABYTE = 1_000_000

SMALLEST_MB = 16
"""Megabytes that stay free in any case: a picture and its report are 4 MB, and each transaction needs some kB. On a
disk without any space not even a delivery could be recorded, which is what frees space."""


@dataclass(frozen=True)
class DiskSpace:
    """The space on the disk of the queue.

    Below `minimum_mb` megabytes, at least `SMALLEST_MB`, new instances are refused with status A700. What remains is
    for the results of instances that are acknowledged already, and for the transactions of the queue.
    """

    folder: Path
    minimum_mb: int

    @property
    def free_mb(self) -> int:
        """Megabytes that this user can still write; raises `OSError` if the folder does not exist."""
        return shutil.disk_usage(self.folder).free // MEGABYTE

    def is_full(self) -> bool:
        """True if not even the file of an object that is refused can be written: the library makes one for each."""
        try:
            return shutil.disk_usage(self.folder).free < MEGABYTE
        except OSError:
            return True

    def is_low(self) -> bool:
        """True if too few megabytes are free, or if the disk cannot be queried."""
        try:
            return shutil.disk_usage(self.folder).free < max(self.minimum_mb, SMALLEST_MB) * MEGABYTE
        except OSError:
            return True
