"""Stored values of a grey DICOM frame -> what a viewer would show: rescale, VOI table or window, air dark."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from ..intensity import rescale_to_uint16, row_slices
from ..radiograph import Pixels

_BEYOND_ALL_VALUES = 10_000_000
"""Beyond every value that 16 bits and a rescale give."""


def apply_rescale_and_voi(dataset: pydicom.Dataset, stored: npt.NDArray[Any]) -> Pixels:
    """The modality rescale and then the VOI table or window are applied, and MONOCHROME1 is inverted."""
    values, max_value = _transform(dataset, stored)
    return max_value - values if dataset.PhotometricInterpretation == "MONOCHROME1" else values


def _transform(dataset: pydicom.Dataset, stored: npt.NDArray[Any]) -> tuple[Pixels, Any]:
    """What a viewer would show, and the value that stands for white.

    A film without window keeps its own values and depth, so that it equals the same film as a picture; a rescale by two
    numbers moves all values alike and changes no more than their names, unless it turns them round.
    """
    has_window = "WindowCenter" in dataset or "VOILUTSequence" in dataset
    if not has_window and "ModalityLUTSequence" not in dataset and stored.dtype.kind == "u":
        values, max_value = _at_stored_depth(stored, int(dataset.BitsStored))
        return (max_value - values if float(dataset.get("RescaleSlope", 1)) < 0 else values), max_value
    low, high = (0.0, 0.0) if has_window else _modality_table_range(dataset, stored)
    values = np.empty(stored.shape, np.uint16)
    for rows in row_slices(*stored.shape):
        part = apply_modality_lut(stored[rows], dataset)
        if has_window:
            values[rows] = _rescale_window_output(dataset, apply_voi_lut(part, dataset, index=0).astype(np.float64))
        else:
            values[rows] = rescale_to_uint16(part.astype(np.float64), low, high)
    return values, np.uint16(65535)


def _at_stored_depth(stored: npt.NDArray[Any], bits: int) -> tuple[Pixels, Any]:
    depth = np.dtype(np.uint8 if stored.dtype.itemsize == 1 else np.uint16)
    # A compressed frame may be deeper than the tags know.
    if stored.max() >= 2**bits:
        bits = 8 * depth.itemsize
    return stored.astype(depth), depth.type(2**bits - 1)


def _modality_table_range(dataset: pydicom.Dataset, stored: npt.NDArray[Any]) -> tuple[float, float]:
    """What a modality table can give at all; for signed values, the film's own ends."""
    if stored.dtype.kind == "u":
        # No table reaches further: it has 16 bits of entries, and starts at a value of 16 bits.
        possible = np.arange(2 ** min(17, int(dataset.BitsStored)), dtype=stored.dtype)
        parts = iter([apply_modality_lut(possible, dataset)])
    else:
        parts = (apply_modality_lut(stored[rows], dataset) for rows in row_slices(*stored.shape))
    ranges = [(float(part.min()), float(part.max())) for part in parts]
    return min(low for low, _ in ranges), max(high for _, high in ranges)


def _rescale_window_output(dataset: pydicom.Dataset, windowed: npt.NDArray[np.float64]) -> npt.NDArray[np.uint16]:
    """Black and white are what the window makes of values far below and far above it."""
    with np.errstate(over="ignore"):  # a sigmoid window may be steep
        below, above = (
            float(value)
            for value in apply_voi_lut(np.array([-_BEYOND_ALL_VALUES, _BEYOND_ALL_VALUES]), dataset, index=0)
        )
    if below > above and "VOILUTSequence" not in dataset:
        # A table may turn bright and dark round, a window never does: pydicom's does after a rescale of negative slope.
        windowed = below + above - windowed
    return rescale_to_uint16(windowed, min(below, above), max(below, above))
