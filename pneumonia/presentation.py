"""Stored values of a grey DICOM frame -> what a viewer would show: rescale, VOI table or window, air dark."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from .radiograph import Pixels, stretched

_FAR = 10_000_000
"""Beyond every value that 16 bits and a rescale give."""


def shown(dataset: pydicom.Dataset, stored: npt.NDArray[Any]) -> Pixels:
    """The modality rescale and then the VOI table or window are applied, and MONOCHROME1 is inverted."""
    values, brightest = _windowed(dataset, stored)
    return brightest - values if dataset.PhotometricInterpretation == "MONOCHROME1" else values


def _windowed(dataset: pydicom.Dataset, stored: npt.NDArray[Any]) -> tuple[Pixels, Any]:
    """What a viewer would show, and the value that stands for white.

    A film without window keeps its own values and depth, so that it equals the same film as a picture; a rescale by two
    numbers moves all values alike and changes no more than their names, unless it turns them round.
    """
    has_window = "WindowCenter" in dataset or "VOILUTSequence" in dataset
    if not has_window and "ModalityLUTSequence" not in dataset and stored.dtype.kind == "u":
        values, white = _in_own_depth(stored, int(dataset.BitsStored))
        return (white - values if float(dataset.get("RescaleSlope", 1)) < 0 else values), white
    values = apply_modality_lut(stored, dataset)
    if not has_window:
        return stretched(values.astype(np.float64), *_ends_of_table(dataset, stored)), np.uint16(65535)
    return _stretched_to_window(dataset, apply_voi_lut(values, dataset, index=0).astype(np.float64)), np.uint16(65535)


def _in_own_depth(stored: npt.NDArray[Any], bits: int) -> tuple[Pixels, Any]:
    depth = np.dtype(np.uint8 if stored.dtype.itemsize == 1 else np.uint16)
    # A compressed frame may be deeper than the tags know.
    if stored.max() >= 2**bits:
        bits = 8 * depth.itemsize
    return stored.astype(depth), depth.type(2**bits - 1)


def _ends_of_table(dataset: pydicom.Dataset, stored: npt.NDArray[Any]) -> tuple[float, float] | tuple[()]:
    """What a modality table can give at all; nothing for signed values, where the film's own ends count."""
    if stored.dtype.kind != "u":
        return ()
    possible = apply_modality_lut(np.arange(2 ** int(dataset.BitsStored), dtype=stored.dtype), dataset)
    return float(possible.min()), float(possible.max())


def _stretched_to_window(dataset: pydicom.Dataset, windowed: npt.NDArray[np.float64]) -> npt.NDArray[np.uint16]:
    """Black and white are what the window makes of values far below and far above it."""
    with np.errstate(over="ignore"):  # a sigmoid window may be steep
        below, above = (float(end) for end in apply_voi_lut(np.array([-_FAR, _FAR]), dataset, index=0))
    if below > above and "VOILUTSequence" not in dataset:
        # A table may turn bright and dark round, a window never does: pydicom's does after a rescale of negative slope.
        windowed = below + above - windowed
    return stretched(windowed, min(below, above), max(below, above))
