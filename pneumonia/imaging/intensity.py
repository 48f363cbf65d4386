"""Intensity scale of films deeper than 8 bits: which values are black and white, and conversion to 16 bits.

One rule serves DICOM, image files and arrays: a few hot or dead pixels, a marker or a border far away from all other
values do not decide the scale. Conversions work in slices of rows so that floating-point copies stay small.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import UnreadableImage

SLICE_PIXELS = 1_000_000
"""Number of pixels converted at a time. As float64 they take 8 MB; a film of 80 million pixels would take 640 MB."""

DEPTHS = (8, 10, 12, 14, 16)
"""Bits of detectors and of the files that hold their films."""

OUTLIER_SHARE = 0.005
"""Share of the pixels at either end of the intensities that may be hot or dead pixels or the edges of a marker."""

OUTLIER_DISTANCE = 3.0
"""Distance of outliers from the other pixels, as a multiple of their range. With outliers at 3 the film uses a quarter
of the scale, which is the step between two depths (10 and 12 bits, or 12 and 14)."""

MAX_BORDER_SHARE = 0.7
"""Maximum share of the pixels in a border or marker that is as far away; a border may be larger than the film."""

MIN_SCALE_SHARE = 1 / 8
"""A film that uses a smaller share of its scale is stretched: at 1/8, a film with the contrast of the training films
has a standard deviation of 2 to 8 grey levels, and the gate refuses films below 4."""

MIN_LEVELS = 32
"""A film with fewer grey levels (5 bits) is not stretched, since that would only enlarge its noise."""

_SAMPLE_PIXELS = 250_000
"""Number of pixels, evenly spaced, from which the distribution of the intensities is estimated."""


def row_slices(height: int, width: int) -> Iterator[slice]:
    """Row slices that divide a `[height, width]` image into blocks of about `SLICE_PIXELS` pixels."""
    rows = max(1, SLICE_PIXELS // max(1, width))
    return (slice(start, min(start + rows, height)) for start in range(0, height, rows))


def full_scale(pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]) -> float:
    """The largest value of the smallest detector depth (8, 10, 12, 14 or 16 bits) that contains the brightest pixel.

    `pixels` come from `to_uint16`, which has limited outliers.
    """
    brightest = int(pixels.max())
    return float(next(2**bits - 1 for bits in DEPTHS if brightest < 2**bits))


def sample_pixels(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """About `_SAMPLE_PIXELS` evenly spaced pixels of `[H, W]`, as a flat array."""
    step = max(1, int((values.size / _SAMPLE_PIXELS) ** 0.5))
    return values[::step, ::step].ravel()


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
    to 0..65535. Outliers (see `film_range`) become black or white. A film that uses less than `MIN_SCALE_SHARE` of its
    scale is mapped to 0..65535 as well. Raises `UnreadableImage` for NaN and infinite values.
    """
    if values.dtype.kind == "f" and not all(np.isfinite(values[rows]).all() for rows in row_slices(*values.shape)):
        raise UnreadableImage("The image contains NaN or infinite values. Allowed: finite values.")
    lowest, highest = float(values.min()), float(values.max())
    low, high, levels = film_range(values, lowest, highest)
    unit = 65535.0 if values.dtype.kind == "f" and lowest >= 0 and highest <= 1 else 1.0
    if lowest < 0 or highest * unit > 65535 or (unit == 1 and values.dtype.kind == "f") or low > lowest:
        return _rescale_slices(values, low, high)
    white = next(2.0**bits - 1 for bits in DEPTHS if np.rint(high * unit) < 2**bits)
    if levels >= MIN_LEVELS and (high - low) * unit < MIN_SCALE_SHARE * white:
        return _rescale_slices(values, low, high)
    pixels = values.astype(np.uint16, copy=False) if unit == 1 else _rescale_slices(values, 0.0, 1.0)
    return np.minimum(pixels, np.uint16(white)) if high < highest else pixels


def film_range(values: npt.NDArray[np.generic], lowest: float, highest: float) -> tuple[float, float, int]:
    """(smallest value, largest value, number of levels in the sample) of the pixels that are no outliers.

    Outliers are at most `OUTLIER_SHARE` of the pixels at either end, or a border or marker of at most
    `MAX_BORDER_SHARE`, at least `OUTLIER_DISTANCE` times the range of the other pixels away from these. `lowest` and
    `highest` are the extreme values of `values`.
    """
    levels, counts = _count_levels(sample_pixels(values))
    for _ in range(2):  # a film may have both, a border of padding and a marker
        levels, counts = _without_border(*_without_outliers(levels, counts))
    low = float(levels[0]) if _is_outlier(lowest, levels) else lowest
    high = float(levels[-1]) if _is_outlier(highest, levels) else highest
    return low, high, len(levels)


def _count_levels(sample: npt.NDArray[Any]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """(the values that occur, sorted; how often)."""
    if sample.dtype.kind in "iu" and sample.dtype.itemsize <= 2:  # counting takes a fifth of the time of sorting
        first = int(sample.min())
        counts = np.bincount(sample.astype(np.intp) - first)
        levels = np.flatnonzero(counts)
        return (levels + first).astype(np.float64), counts[levels]
    levels, counts = np.unique(sample, return_counts=True)
    return levels.astype(np.float64), counts


def _is_outlier(extreme: float, levels: npt.NDArray[np.float64]) -> bool:
    """True if `extreme`, which the sample need not contain, is far away from its remaining `levels`."""
    distance = max(levels[0] - extreme, extreme - levels[-1])
    return bool(distance > 0 and distance >= _min_distance(levels[-1] - levels[0]))


def _min_distance(spread: float) -> float:
    """The distance at which outliers begin; infinite for a constant image, in which all other values are content."""
    return OUTLIER_DISTANCE * spread if spread > 0 else float("inf")


def _without_outliers(
    levels: npt.NDArray[np.float64], counts: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """The sorted levels and their counts without few pixels that are far away."""
    cumulated = np.cumsum(counts)
    few = OUTLIER_SHARE * cumulated[-1]
    first, last = np.searchsorted(cumulated, [few, cumulated[-1] - few])
    body_low, body_high = levels[first], levels[min(last, len(levels) - 1)]
    distance = _min_distance(body_high - body_low)
    kept = (levels > body_low - distance) & (levels < body_high + distance)
    return levels[kept], counts[kept]


def _without_border(
    levels: npt.NDArray[np.float64], counts: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """The sorted levels and their counts without many pixels that are far away, for example a border of padding.

    Nearly no pixel has a value in the middle half of the range then. Of the two groups at its ends, the film is the one
    with more grey levels.
    """
    quarter = (levels[-1] - levels[0]) / (OUTLIER_DISTANCE + 1)
    lower, upper = levels <= levels[0] + quarter, levels >= levels[-1] - quarter
    total = counts.sum()
    if counts[~(lower | upper)].sum() > OUTLIER_SHARE * total:
        return levels, counts
    film, border = (lower, upper) if lower.sum() > upper.sum() else (upper, lower)
    if film.sum() < MIN_LEVELS or counts[border].sum() > MAX_BORDER_SHARE * total:
        return levels, counts
    return levels[film], counts[film]


def _rescale_slices(values: npt.NDArray[Any], low: float, high: float) -> npt.NDArray[np.uint16]:
    scaled = np.empty(values.shape, np.uint16)
    for rows in row_slices(*values.shape):
        scaled[rows] = rescale_to_uint16(values[rows].astype(np.float64), low, high)
    return scaled
