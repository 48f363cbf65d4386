"""Greyscale transformation of a DICOM frame: modality transform, VOI LUT or window, inversion so that air is dark.

See DICOM PS3.3 C.11.1, C.11.2 and C.7.6.3.1.2. All transforms are functions of one value; for samples of up to 16 bits
they are computed once per value. A rule that would hide the film, such as a window outside its values, is not used: the
next one is, and finally the range of the film's own values, as viewers do for a film without a window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pydicom

from ..intensity import check_finite, full_scale, look_up, row_slices, sample_pixels, to_uint16
from ..radiograph import Pixels
from . import elements, functional_groups, optional_numbers
from .lookup_table import read_tables

Values: TypeAlias = npt.NDArray[Any]
Transform: TypeAlias = Callable[[Values], npt.NDArray[np.float64]]
"""Values of any shape -> values of the same shape."""

MAX_CLIPPED_SHARE, MAX_CLIPPED_ONE_SIDE = 0.9, 0.72
"""A window or VOI LUT is not used if it makes more of the film black or white, at both ends together or at one of them.
The film is all pixels but those with its smallest and largest value, which may be a border. Of 240 real films, a window
around the middle of the grey values with a quarter of their range clips 60 % (95th percentile: 82 %), at one end 45 %
(75 %); a window for 8 bits on 12-bit values clips 97 % (5th percentile: 87 %), nearly all of them at one end."""

MIN_OUTPUT_RANGE = 0.25
"""Minimum range of the output, between the percentiles 1 and 99 of the film; black and white are 0 and 1. Below it, a
film of 12 bits has a window for 14 bits or more."""

MAX_WINDOWS = 10
"""Number of windows of a file that are tried."""

_BLACK, _WHITE = 1 / 255, 254 / 255
_MAX_TABLE_BITS = 16


def apply_rescale_and_voi(
    dataset: pydicom.Dataset, stored: Values, padding: npt.NDArray[np.bool_] | None = None
) -> Pixels:
    """Grey values as a viewer shows them: modality transform, then VOI LUT or window, and inversion of MONOCHROME1.

    `stored` is `[H, W]`, integers or floats; the result is uint8 or uint16. The first usable VOI LUT is preferred to
    the first usable window, as in `pydicom.pixels.apply_voi_lut`. Pixels where `padding` is true become black.
    """
    functional_groups.copy_transforms(dataset)
    if padding is not None:
        film = stored[~padding]
        stored = np.where(padding, np.median(film[:: max(1, film.size // 10_000)]).astype(stored.dtype), stored)
    check_finite(stored)
    with np.errstate(over="ignore"):  # a rescale may exceed the range of floats; its window is then not usable
        pixels = _transform(dataset, stored)
    if padding is not None:
        pixels[padding] = 0
    return pixels


def linear_rescale(dataset: pydicom.Dataset) -> tuple[float, float] | None:
    """(slope, intercept) of the modality transform; None if it changes no value, or is a table."""
    rescale = _rescale(dataset)
    return None if rescale == (1.0, 0.0) or "ModalityLUTSequence" in dataset else rescale


def _transform(dataset: pydicom.Dataset, stored: Values) -> Pixels:
    is_inverted = elements.text(dataset, "PhotometricInterpretation") == "MONOCHROME1"
    sample = sample_pixels(stored)
    slope, intercept = _rescale(dataset)
    table = next(read_tables(dataset, "ModalityLUTSequence", sample), None)
    modality: Transform = table or (lambda values: values * slope + intercept)
    voi = next(_usable_transforms(dataset, sample, modality, slope < 0 and table is None), None)
    if voi is not None:
        white = np.uint16(65535)
        pixels = _map(stored, lambda values: np.rint(65535 * voi(values)), np.dtype(np.uint16))
        return white - pixels if is_inverted else pixels
    if table is not None:
        return _own_range(_map(stored, table, np.dtype(np.uint16)), is_inverted)
    # A linear rescale keeps the order of intensities, so only the sign of its slope matters.
    return _own_range(_expand_bits(dataset, stored), is_inverted ^ (slope < 0))


def _own_range(values: Values, is_inverted: bool) -> Pixels:
    """The values at their own depth, so that a film equals the same film saved as an image file.

    Black and white are exchanged at the real depth of the values, which BitsStored may exceed.
    """
    if values.dtype == np.uint8:
        return 255 - values if is_inverted else values
    pixels = to_uint16(values)
    return to_uint16(np.uint16(full_scale(pixels)) - pixels) if is_inverted else pixels


def _expand_bits(dataset: pydicom.Dataset, stored: Values) -> Values:
    """Bytes with samples of fewer than 8 bits are scaled to 0..255; other values are returned unchanged."""
    bits = int(optional_numbers.first_number(dataset, "BitsStored") or 8)
    if stored.dtype != np.uint8 or not 1 <= bits < 8 or int(stored.max()) >= 2**bits:
        return stored
    return _map(stored, lambda values: np.rint(values * (255 / (2**bits - 1))), np.dtype(np.uint8))


def _rescale(dataset: pydicom.Dataset) -> tuple[float, float]:
    """(slope, intercept); a missing slope is 1, as in most viewers. (1, 0) if the slope is zero, which is invalid."""
    slope = optional_numbers.first_number(dataset, "RescaleSlope")
    if slope == 0:
        return 1.0, 0.0
    return slope or 1.0, optional_numbers.first_number(dataset, "RescaleIntercept") or 0.0


def _usable_transforms(
    dataset: pydicom.Dataset, sample: Values, modality: Transform, has_negative_slope: bool
) -> Iterator[Transform]:
    """Transforms of stored values to 0..1 by preference: VOI LUTs, windows, and both in units of the stored values.

    `sample` contains stored values of the film.
    """
    if "WindowCenter" not in dataset and "VOILUTSequence" not in dataset:
        return
    values = modality(sample)
    for voi in (*_tables(dataset, values), *_windows(dataset)):
        if _is_usable(voi(values), values):
            yield _chain(modality, voi)
    # Some devices write a window for the stored values although the file has a rescale.
    for voi in (*_tables(dataset, sample), *_windows(dataset)):
        if _is_usable(voi(sample), sample):
            yield _chain(voi, lambda output: 1 - output) if has_negative_slope else voi


def _chain(first: Transform, second: Transform) -> Transform:
    return lambda values: second(first(values))


def _tables(dataset: pydicom.Dataset, inputs: Values) -> list[Transform]:
    """The usable VOI LUTs in order, each as a function of its input to 0..1."""
    return [table.to_unit_range for table in read_tables(dataset, "VOILUTSequence", inputs)]


def valid_windows(dataset: pydicom.Dataset) -> Iterator[tuple[float, float]]:
    """(centre, width) of the valid windows in order, of the first `MAX_WINDOWS`."""
    min_width = 1e-9 if window_function(dataset) in {"LINEAR_EXACT", "SIGMOID"} else 1.0
    centres, widths = (optional_numbers.numbers(dataset, keyword) for keyword in ("WindowCenter", "WindowWidth"))
    for centre, width in list(zip(centres, widths, strict=False))[:MAX_WINDOWS]:
        if np.isfinite(centre) and width >= min_width:
            yield centre, width


def window_function(dataset: pydicom.Dataset) -> str:
    """The VOI LUT function in capitals; "" if the file states none, which means linear."""
    return elements.text(dataset, "VOILUTFunction").strip().upper()


def _windows(dataset: pydicom.Dataset) -> list[Transform]:
    """The valid windows in order, each as a function of its input to 0..1."""
    function = window_function(dataset)
    return [_window(function, centre, width) for centre, width in valid_windows(dataset)]


def _window(function: str, centre: float, width: float) -> Transform:
    """The window of PS3.3 C.11.2.1.2 (linear, by default) or C.11.2.1.3 (sigmoid, linear exact)."""
    if function == "SIGMOID":
        return lambda values: 1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -700, 700)))
    if function == "LINEAR_EXACT":
        return lambda values: np.clip((values - centre) / width + 0.5, 0, 1)
    if width == 1:
        return lambda values: (values > centre - 0.5).astype(np.float64)
    return lambda values: np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)


def _is_usable(output: npt.NDArray[np.float64], values: Values) -> bool:
    """True if the output shows the film: it is neither nearly all black or white nor nearly without contrast."""
    film = output[(values > values.min()) & (values < values.max())]
    if film.size == 0:
        return False
    black, white = float(np.mean(film < _BLACK)), float(np.mean(film > _WHITE))
    low, high = np.percentile(film, [1, 99])
    is_clipped = max(black, white) > MAX_CLIPPED_ONE_SIDE or black + white > MAX_CLIPPED_SHARE
    return not is_clipped and bool(high - low >= MIN_OUTPUT_RANGE)


def _map(stored: Values, transform: Transform, output: np.dtype[Any]) -> Values:
    """Apply a transform to `[H, W]`: once per value if the samples have up to 16 bits, else once per pixel."""
    if stored.dtype.kind in "iu" and 8 * stored.dtype.itemsize <= _MAX_TABLE_BITS:
        lowest, highest = int(stored.min()), int(stored.max())
        return look_up(transform(np.arange(lowest, highest + 1)).astype(output), stored, first=lowest)
    mapped = np.empty(stored.shape, output)
    for rows in row_slices(*stored.shape):
        mapped[rows] = transform(stored[rows].astype(np.float64)).astype(output)
    return mapped
