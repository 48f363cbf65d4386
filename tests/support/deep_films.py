"""8-bit films as films of a detector, lookup tables for them, and the comparison of model inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from pneumonia.imaging import Source, read, to_input

Deep = npt.NDArray[np.uint16]
IDENTITY = np.arange(4096)
"""Entries of a table that maps each 12-bit value to itself."""


def deepen(film: npt.NDArray[np.uint8], bits: int = 12) -> Deep:
    """The film with its levels spread over `bits`."""
    deep: Deep = np.rint(film * ((2**bits - 1) / 255)).astype(np.uint16)
    return deep


def largest_difference(source: Source, plain: Source) -> int:
    """Between the model inputs of two films, in grey levels."""
    return int(np.abs(to_input(read(source)).astype(np.int16) - to_input(read(plain))).max())


def table(
    entries: npt.NDArray[Any],
    *,
    count: int | None = None,
    first: int = 0,
    bits: int = 16,
    vr: str = "OW",
    descriptor_vr: str = "US",
    data: bytes | None = None,
) -> Dataset:
    """An item of a LUT sequence; `data` replaces the entries as they are stored (by default little-endian words)."""
    item = Dataset()
    item.add_new("LUTDescriptor", descriptor_vr, [len(entries) if count is None else count, first, bits])
    words = np.asarray(entries).astype("<u2")
    item.add_new("LUTData", vr, words.tolist() if vr == "US" else words.tobytes() if data is None else data)
    return item
