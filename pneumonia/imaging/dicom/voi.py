"""Greyscale transformation of a DICOM frame: stored values -> modality rescale -> VOI LUT or window -> air dark."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from ..intensity import rescale_to_uint16, row_slices
from ..radiograph import Pixels

_BEYOND_ALL_VALUES = 10_000_000
"""A value larger than any that 16-bit samples and a rescale produce."""


def apply_rescale_and_voi(dataset: pydicom.Dataset, stored: npt.NDArray[Any]) -> Pixels:
    """Apply the modality rescale, then the VOI LUT or window, and invert MONOCHROME1.

    `stored` is `[H, W]`, signed or unsigned integers; the result is uint8 or uint16. See DICOM PS3.3 C.11.1 and C.11.2.
    """
    values, max_value = _transform(dataset, stored)
    return max_value - values if dataset.PhotometricInterpretation == "MONOCHROME1" else values


def _transform(dataset: pydicom.Dataset, stored: npt.NDArray[Any]) -> tuple[Pixels, Any]:
    """The transformed values, and the value of white.

    A film without a window keeps its stored values and depth, so that it equals the same film saved as an image file. A
    linear rescale keeps the order of intensities unless its slope is negative, so only the sign of the slope matters.
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
    # A compressed frame may be deeper than BitsStored says.
    if stored.max() >= 2**bits:
        bits = 8 * depth.itemsize
    return stored.astype(depth), depth.type(2**bits - 1)


def _modality_table_range(dataset: pydicom.Dataset, stored: npt.NDArray[Any]) -> tuple[float, float]:
    """Minimum and maximum of the modality LUT's output; for signed values, those of this film."""
    if stored.dtype.kind == "u":
        # Covers every table: it has at most 2**16 entries, and its first mapped value has 16 bits.
        possible = np.arange(2 ** min(17, int(dataset.BitsStored)), dtype=stored.dtype)
        parts = iter([apply_modality_lut(possible, dataset)])
    else:
        parts = (apply_modality_lut(stored[rows], dataset) for rows in row_slices(*stored.shape))
    ranges = [(float(part.min()), float(part.max())) for part in parts]
    return min(low for low, _ in ranges), max(high for _, high in ranges)


def _rescale_window_output(dataset: pydicom.Dataset, windowed: npt.NDArray[np.float64]) -> npt.NDArray[np.uint16]:
    """Map the output for values far below and far above the window to black and white."""
    with np.errstate(over="ignore"):  # the exponential of a steep sigmoid window overflows
        below, above = (
            float(value)
            for value in apply_voi_lut(np.array([-_BEYOND_ALL_VALUES, _BEYOND_ALL_VALUES]), dataset, index=0)
        )
    if below > above and "VOILUTSequence" not in dataset:
        # A LUT may invert the film, a window may not; pydicom's window inverts it after a rescale with negative slope.
        windowed = below + above - windowed
    return rescale_to_uint16(windowed, min(below, above), max(below, above))
