"""Greyscale transformation of a DICOM frame: modality rescale, VOI LUT or window, inversion so that air is dark."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from ...errors import UnreadableImage
from ..decoding import translate_decoder_errors
from ..intensity import rescale_to_uint16, row_slices
from ..radiograph import Pixels
from . import elements

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
    is_inverted = elements.text(dataset, "PhotometricInterpretation") == "MONOCHROME1"
    return max_value - values if is_inverted else values


def _transform(dataset: pydicom.Dataset, stored: npt.NDArray[Any]) -> tuple[Pixels, Any]:
    """(transformed values `[H, W]`, value of white).

    A film without a window and without a VOI LUT keeps its stored values and depth, so that it equals the same film
    saved as an image file. A linear rescale keeps the order of intensities unless its slope is negative, so only the
    sign of the slope matters.
    """
    has_voi = "WindowCenter" in dataset or "VOILUTSequence" in dataset
    if not has_voi and "ModalityLUTSequence" not in dataset and stored.dtype.kind == "u":
        values, max_value = _cast_to_stored_depth(stored, elements.integer(dataset, "BitsStored"))
        return (max_value - values if elements.number(dataset, "RescaleSlope", 1) < 0 else values), max_value
    low, high = (0.0, 0.0) if has_voi else _modality_table_range(dataset, stored)
    values = np.empty(stored.shape, np.uint16)
    for rows in row_slices(*stored.shape):
        block = _apply_modality(dataset, stored[rows])
        if has_voi:
            values[rows] = _rescale_window_output(dataset, _apply_voi(dataset, block))
        else:
            values[rows] = rescale_to_uint16(block.astype(np.float64), low, high)
    return values, np.uint16(65535)


def _cast_to_stored_depth(stored: npt.NDArray[Any], bits: int) -> tuple[Pixels, Any]:
    depth = np.dtype(np.uint8 if stored.dtype.itemsize == 1 else np.uint16)
    # The values of a compressed frame may need more bits than BitsStored declares.
    if stored.max() >= 2**bits:
        bits = 8 * depth.itemsize
    _check_bits(bits, depth)
    return stored.astype(depth), depth.type(2**bits - 1)


def _check_bits(bits: int, depth: np.dtype[Any]) -> None:
    """Raise `UnreadableImage` if the samples have fewer bits than BitsStored: a compressed frame may contradict it."""
    if bits > 8 * depth.itemsize:
        raise UnreadableImage("The DICOM file is damaged: its samples have fewer bits than BitsStored.")


def _apply_modality(dataset: pydicom.Dataset, stored: npt.NDArray[Any]) -> npt.NDArray[Any]:
    with translate_decoder_errors(elements.SUBJECT):
        return apply_modality_lut(stored, dataset)


def _apply_voi(dataset: pydicom.Dataset, values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    with translate_decoder_errors(elements.SUBJECT):
        return apply_voi_lut(values, dataset, index=VOI_INDEX).astype(np.float64)


def _modality_table_range(dataset: pydicom.Dataset, stored: npt.NDArray[Any]) -> tuple[float, float]:
    """(minimum, maximum) of the modality LUT's output.

    Covers all possible stored values if they are unsigned, and the values of this film if they are signed.
    """
    if stored.dtype.kind == "u":
        # Covers every table: it has at most 2**16 entries, and its first mapped value has 16 bits.
        bits = elements.integer(dataset, "BitsStored")
        _check_bits(bits, stored.dtype)
        all_values = np.arange(2 ** min(17, bits), dtype=stored.dtype)
        outputs = iter([_apply_modality(dataset, all_values)])
    else:
        outputs = (_apply_modality(dataset, stored[rows]) for rows in row_slices(*stored.shape))
    ranges = [(float(output.min()), float(output.max())) for output in outputs]
    return min(low for low, _ in ranges), max(high for _, high in ranges)


def _rescale_window_output(dataset: pydicom.Dataset, windowed: npt.NDArray[np.float64]) -> npt.NDArray[np.uint16]:
    """Scale to uint16 so that the output for values far below and far above the window is black and white."""
    with np.errstate(over="ignore"):  # the exponential of a steep sigmoid window overflows
        outputs = _apply_voi(dataset, np.array([-_OUT_OF_RANGE_VALUE, _OUT_OF_RANGE_VALUE]))
    low_output, high_output = (float(output) for output in outputs)
    if low_output > high_output and "VOILUTSequence" not in dataset:
        # A VOI LUT may invert the film, a window must not. pydicom's window does after a rescale with negative slope.
        windowed = low_output + high_output - windowed
    return rescale_to_uint16(windowed, min(low_output, high_output), max(low_output, high_output))
