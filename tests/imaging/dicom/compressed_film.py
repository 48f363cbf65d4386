"""A film in JPEG Lossless for tests of the decoder processes, and whether a process has ended."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from pydicom.uid import JPEGLosslessSV1

from tests.support import codestreams
from tests.support.dicom_files import CHILD, encapsulated

FILM = np.random.default_rng(1).integers(0, 256, (72, 80), dtype=np.uint8)
COMPRESSED = encapsulated(FILM, JPEGLosslessSV1, codestreams.jpeg_lossless(FILM, 8), **CHILD)


def state(pid: int) -> tuple[str, int]:
    """(state letter, parent pid) of a process; ("gone", 0) if it does not exist."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return "gone", 0
    return after_name[0], int(after_name[1])


def has_ended(pid: int) -> bool:
    """Wait up to a minute for the process to end; a zombie that its parent has not reaped yet counts as ended."""
    for _ in range(600):
        if state(pid)[0] in {"gone", "Z"}:
            return True
        time.sleep(0.1)
    return False
