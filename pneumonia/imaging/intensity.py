"""Intensity scale of films deeper than 8 bits: which values are black and white, and conversion to 16 bits.

One rule serves DICOM, image files and arrays: a few hot or dead pixels, a marker or a border far away from all other
values do not decide the scale. Conversions work in slices of rows so that floating-point copies stay small.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import UnreadableImage
from ..messages import message

SLICE_PIXELS = 1_000_000
"""Number of pixels converted at a time. As float64 they take 8 MB; a film of 80 million pixels would take 640 MB."""

DEPTHS = (8, 10, 12, 14, 16)
"""Bits of detectors and of the files that hold their films."""

OUTLIER_SHARE, DARK_DISTANCE, BRIGHT_DISTANCE = 0.02, 1.5, 1.0
"""Outliers are at most this share of the pixels at either end of the intensities, and at least this far from the other
pixels, as a multiple of the range of these. Of 1,293 real films, none has a dark pixel at more than 1.15 ranges, and
three have bright ones at 1.1 to 1.23: dense markers, whose scale stays the same unless it has more than two bits in
reserve."""

BORDER_DISTANCE, MAX_BORDER_SHARE, MAX_BETWEEN_SHARE = 3.0, 0.7, 0.01
"""The same for a border or a large marker: its distance, its maximum share, and the maximum share of the pixels between
it and the film, such as its soft edges. At 3, the film uses a quarter of the scale, which is the step between two
depths (10 and 12 bits, or 12 and 14)."""

MAX_TAIL = 0.5
"""Where outliers begin next to the film, as a multiple of its range, in a file that has outliers: their soft edges. The
brightest pixel of real films is 0.1 to 0.3 ranges away from the others."""

CLIPPED_SHARE = 0.001
"""Maximum share of the pixels above white in a film without outliers."""

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


def look_up(table: npt.NDArray[Any], values: npt.NDArray[Any], first: int = 0) -> npt.NDArray[Any]:
    """`table[values - first]` for `[H, W]` integers of at least `first`; those above the table get its last entry.

    In slices of rows, since NumPy makes a 64-bit index of the values; with `mode="clip"`, without which it also makes a
    copy of the output. Together this takes half of the time.
    """
    mapped = np.empty(values.shape, table.dtype)
    if first > 0 and values.dtype.kind == "u":
        table, first = np.concatenate([np.zeros(first, table.dtype), table]), 0
    for rows in row_slices(*values.shape):
        index = values[rows] if first == 0 else values[rows].astype(np.intp) - first
        np.take(table, index, out=mapped[rows], mode="clip")
    return mapped


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
    pixels = _to_uint16(values)
    conversions = _conversions.get()
    if conversions is not None:
        conversions.append((values, pixels))
    return pixels


@contextmanager
def record_conversions() -> Iterator[list[tuple[npt.NDArray[Any], npt.NDArray[np.uint16]]]]:
    """Collect (values, pixels) of each call of `to_uint16` in the block, for the viewer, which shows the values."""
    conversions: list[tuple[npt.NDArray[Any], npt.NDArray[np.uint16]]] = []
    token = _conversions.set(conversions)
    try:
        yield conversions
    finally:
        _conversions.reset(token)


_conversions: ContextVar[list[tuple[npt.NDArray[Any], npt.NDArray[np.uint16]]] | None] = ContextVar(
    "conversions", default=None
)


def _to_uint16(values: npt.NDArray[np.generic]) -> npt.NDArray[np.uint16]:
    check_finite(values)
    lowest, highest = float(values.min()), float(values.max())
    film = film_range(values, lowest, highest)
    unit = 65535.0 if values.dtype.kind == "f" and lowest >= 0 and film.high <= 1 else 1.0
    keeps_values = film.low == lowest >= 0 and film.high * unit <= 65535 and (unit != 1 or values.dtype.kind in "iu")
    if not keeps_values:
        return _rescale_slices(values, film.low, film.high)
    white = next((2**bits - 1 for bits in DEPTHS if film.white * unit < 2**bits), 65535)
    if film.levels >= MIN_LEVELS and (film.high - film.low) * unit < MIN_SCALE_SHARE * white:
        return _rescale_slices(values, film.low, film.high)
    if unit != 1:
        return np.minimum(_rescale_slices(values, 0.0, 1.0), np.uint16(white))
    return (np.minimum(values, white) if highest > white else values).astype(np.uint16, copy=False)


def check_finite(values: npt.NDArray[np.generic]) -> None:
    """Raise `UnreadableImage` if `[H, W]` contains NaN or infinite values."""
    if values.dtype.kind == "f" and not all(np.isfinite(values[rows]).all() for rows in row_slices(*values.shape)):
        raise UnreadableImage(message("The image contains NaN or infinite values. Allowed: finite values."))


class FilmRange(NamedTuple):
    """Range of a film without its outliers.

    `low` and `high` are its extreme values, `white` is a value that only few pixels exceed, by which the depth is
    chosen, and `levels` is the number of different values in the sample.
    """

    low: float
    high: float
    white: float
    levels: int


def film_range(values: npt.NDArray[np.generic], lowest: float, highest: float) -> FilmRange:
    """The range of the pixels that are neither outliers nor a border or marker far away from the film.

    `lowest` and `highest` are the extreme values of `values`.
    """
    levels, counts = _count_levels(sample_pixels(values))
    for _ in range(2):  # a film may have both, a border of padding and a marker
        levels, counts = _without_border(*_without_outliers(levels, counts))
    body_low, body_high = _quantiles(levels, counts, OUTLIER_SHARE)
    spread = body_high - body_low
    low, high, white = lowest, highest, _quantiles(levels, counts, CLIPPED_SHARE)[1]
    if 0 < DARK_DISTANCE * spread <= body_low - lowest:
        low = float(levels[levels >= body_low - MAX_TAIL * spread][0])
    if 0 < BRIGHT_DISTANCE * spread <= highest - body_high:
        is_film = levels <= body_high + MAX_TAIL * spread
        high, white = _quantiles(levels[is_film], counts[is_film], CLIPPED_SHARE)[1], body_high
    return FilmRange(low, high, white, len(levels))


def _count_levels(sample: npt.NDArray[Any]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """(the values that occur, sorted; how often)."""
    if sample.dtype.kind in "iu" and sample.dtype.itemsize <= 2:  # counting takes a fifth of the time of sorting
        first = int(sample.min())
        counts = np.bincount(sample.astype(np.intp) - first)
        levels = np.flatnonzero(counts)
        return (levels + first).astype(np.float64), counts[levels]
    levels, counts = np.unique(sample, return_counts=True)
    return levels.astype(np.float64), counts


def _quantiles(levels: npt.NDArray[np.float64], counts: npt.NDArray[np.int64], share: float) -> tuple[float, float]:
    """(level below which at most `share` of the pixels are, level above which at most `share` are)."""
    cumulated = np.cumsum(counts)
    few = share * cumulated[-1]
    first, last = np.searchsorted(cumulated, few, "right"), np.searchsorted(cumulated, cumulated[-1] - few)
    return float(levels[first]), float(levels[last])


def _without_outliers(
    levels: npt.NDArray[np.float64], counts: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """The sorted levels and their counts without few pixels that are far away."""
    low, high = _quantiles(levels, counts, OUTLIER_SHARE)
    if high == low:  # a constant image, in which all other values are content
        return levels, counts
    spread = high - low
    is_typical = (levels > low - DARK_DISTANCE * spread) & (levels < high + BRIGHT_DISTANCE * spread)
    return levels[is_typical], counts[is_typical]


def _without_border(
    levels: npt.NDArray[np.float64], counts: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """The sorted levels and their counts without many pixels that are far away, for example a border of padding.

    Nearly no pixel has a value in the middle half of the range then. Of the two groups at its ends, the film is the one
    with more grey levels.
    """
    quarter = (levels[-1] - levels[0]) / (BORDER_DISTANCE + 1)
    lower, upper = levels <= levels[0] + quarter, levels >= levels[-1] - quarter
    total = counts.sum()
    if counts[~(lower | upper)].sum() > MAX_BETWEEN_SHARE * total:
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
