"""Disk watermark: reception stops before the disk is full, so that what is received can still be processed."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class DiskSpace:
    """The space on the disk of the queue.

    Below `minimum_mb` megabytes new instances are refused with status A700. What remains is for the results of
    instances that are acknowledged already, and for the transactions of the queue.
    """

    folder: Path
    minimum_mb: int

    @property
    def free_mb(self) -> int:
        """Megabytes that this user can still write; raises `OSError` if the folder does not exist."""
        return shutil.disk_usage(self.folder).free // MEGABYTE

    def is_low(self) -> bool:
        """True if fewer than `minimum_mb` megabytes are free, or if the disk cannot be queried."""
        try:
            return shutil.disk_usage(self.folder).free < self.minimum_mb * MEGABYTE
        except OSError:
            return True
