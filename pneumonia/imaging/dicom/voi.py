"""Greyscale transformation of a DICOM frame: modality rescale, VOI LUT or window, inversion so that air is dark."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from ..intensity import rescale_to_uint16, row_slices
from ..radiograph import Pixels

VOI_INDEX = 0
"""Which of several windows, or of several VOI LUTs, is used: the first, as viewers do by default.

A VOI LUT is preferred to a window, which is the default of `pydicom.pixels.apply_voi_lut`.
"""

_OUT_OF_RANGE_VALUE = 10_000_000
"""A value larger than any that 16-bit samples with a modality rescale reach."""


def apply_rescale_and_voi(dataset: pydicom.Dataset, stored: npt.NDArray[Any]) -> Pixels:
    """Grey values as a viewer shows them: modality rescale, then VOI LUT or window, and inversion of MONOCHROME1.

    `stored` is `[H, W]`, signed or unsigned integers; the result is uint8 or uint16. See DICOM PS3.3 C.11.1 and C.11.2.
    """
    values, max_value = _transform(dataset, stored)
    return max_value - values if dataset.PhotometricInterpretation == "MONOCHROME1" else values


def _transform(dataset: pydicom.Dataset, stored: npt.NDArray[Any]) -> tuple[Pixels, Any]:
    """(transformed values `[H, W]`, value of white).

    A film without a window and without a VOI LUT keeps its stored values and depth, so that it equals the same film
    saved as an image file. A linear rescale keeps the order of intensities unless its slope is negative, so only the
    sign of the slope matters.
    """
    has_voi = "WindowCenter" in dataset or "VOILUTSequence" in dataset
    if not has_voi and "ModalityLUTSequence" not in dataset and stored.dtype.kind == "u":
        values, max_value = _cast_to_stored_depth(stored, int(dataset.BitsStored))
        return (max_value - values if float(dataset.get("RescaleSlope", 1)) < 0 else values), max_value
    low, high = (0.0, 0.0) if has_voi else _modality_table_range(dataset, stored)
    values = np.empty(stored.shape, np.uint16)
    for rows in row_slices(*stored.shape):
        block = apply_modality_lut(stored[rows], dataset)
        if has_voi:
            values[rows] = _rescale_window_output(
                dataset, apply_voi_lut(block, dataset, index=VOI_INDEX).astype(np.float64)
            )
        else:
            values[rows] = rescale_to_uint16(block.astype(np.float64), low, high)
    return values, np.uint16(65535)


def _cast_to_stored_depth(stored: npt.NDArray[Any], bits: int) -> tuple[Pixels, Any]:
    depth = np.dtype(np.uint8 if stored.dtype.itemsize == 1 else np.uint16)
    # The values of a compressed frame may need more bits than BitsStored declares.
    if stored.max() >= 2**bits:
        bits = 8 * depth.itemsize
    return stored.astype(depth), depth.type(2**bits - 1)


def _modality_table_range(dataset: pydicom.Dataset, stored: npt.NDArray[Any]) -> tuple[float, float]:
    """(minimum, maximum) of the modality LUT's output.

    Covers all possible stored values if they are unsigned, and the values of this film if they are signed.
    """
    if stored.dtype.kind == "u":
        # Covers every table: it has at most 2**16 entries, and its first mapped value has 16 bits.
        all_values = np.arange(2 ** min(17, int(dataset.BitsStored)), dtype=stored.dtype)
        outputs = iter([apply_modality_lut(all_values, dataset)])
    else:
        outputs = (apply_modality_lut(stored[rows], dataset) for rows in row_slices(*stored.shape))
    ranges = [(float(output.min()), float(output.max())) for output in outputs]
    return min(low for low, _ in ranges), max(high for _, high in ranges)


def _rescale_window_output(dataset: pydicom.Dataset, windowed: npt.NDArray[np.float64]) -> npt.NDArray[np.uint16]:
    """Scale to uint16 so that the output for values far below and far above the window is black and white."""
    with np.errstate(over="ignore"):  # the exponential of a steep sigmoid window overflows
        low_output, high_output = (
            float(value)
            for value in apply_voi_lut(np.array([-_OUT_OF_RANGE_VALUE, _OUT_OF_RANGE_VALUE]), dataset, index=VOI_INDEX)
        )
    if low_output > high_output and "VOILUTSequence" not in dataset:
        # A VOI LUT may invert the film, a window must not. pydicom's window does after a rescale with negative slope.
        windowed = low_output + high_output - windowed
    return rescale_to_uint16(windowed, min(low_output, high_output), max(low_output, high_output))
