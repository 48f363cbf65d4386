"""Conversion of intensities to 16 bits, in slices of rows so that floating-point copies stay small."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ..errors import UnreadableImage

SLICE_PIXELS = 1_000_000
"""Number of pixels converted at a time. As float64 they take 8 MB; a film of 80 million pixels would take 640 MB."""


def row_slices(height: int, width: int) -> Iterator[slice]:
    """Row slices that divide a `[height, width]` image into blocks of about `SLICE_PIXELS` pixels."""
    rows = max(1, SLICE_PIXELS // max(1, width))
    return (slice(start, min(start + rows, height)) for start in range(0, height, rows))


def rescale_to_uint16(
    values: npt.NDArray[np.float64], low: float | None = None, high: float | None = None
) -> npt.NDArray[np.uint16]:
    """Map `low`..`high` (default: minimum..maximum) of `[H, W]` linearly to 0..65535; a constant image becomes 0."""
    low = float(values.min()) if low is None else low
    high = float(values.max()) if high is None else high
    scale = 65535.0 / (high - low) if high > low else 0.0
    return np.rint(np.clip((values - low) * scale, 0, 65535)).astype(np.uint16)


def to_uint16(values: npt.NDArray[np.generic]) -> npt.NDArray[np.uint16]:
    """Convert `[H, W]` of any numeric type to uint16.

    Integers in 0..65535 keep their values; floats in 0..1 are multiplied by 65535; any other range is mapped linearly
    to 0..65535. Raises `UnreadableImage` for NaN and infinite values.
    """
    if not all(np.isfinite(values[rows]).all() for rows in row_slices(*values.shape)):
        raise UnreadableImage("The image contains NaN or infinite values. Allowed: finite values.")
    low, high = float(values.min()), float(values.max())
    if values.dtype.kind in "iu" and low >= 0 and high <= 65535:
        return values.astype(np.uint16)
    is_unit_range = values.dtype.kind == "f" and low >= 0 and high <= 1
    scaled = np.empty(values.shape, np.uint16)
    for rows in row_slices(*values.shape):
        block = values[rows].astype(np.float64)
        scaled[rows] = np.rint(block * 65535) if is_unit_range else rescale_to_uint16(block, low, high)
    return scaled
