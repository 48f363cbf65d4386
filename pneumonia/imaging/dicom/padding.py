"""Padding: pixels outside the film, which PixelPaddingValue marks (DICOM PS3.3 C.7.5.1.1.2).

They are black and take no part in the intensity scale, in both photometric interpretations.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom

from ..area import Area
from ..edge_runs import reached_from_edges
from ..frame import MAX_LINE
from . import optional_numbers

MAX_SHARE = 0.95
"""A file in which more of the pixels would be padding has a wrong tag: padding is ignored."""

_PADDING_TAGS = {
    "PixelData": ("PixelPaddingValue", "PixelPaddingRangeLimit"),
    "FloatPixelData": ("FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit"),
    "DoubleFloatPixelData": ("DoubleFloatPixelPaddingValue", "DoubleFloatPixelPaddingRangeLimit"),
}


def padding_mask(dataset: pydicom.Dataset, stored: npt.NDArray[Any]) -> npt.NDArray[np.bool_] | None:
    """`[H, W]`, true where a stored value is padding; None if there is none.

    Padding reaches from an edge of the image to the film. A padding value inside the film is a grey value of the film:
    writers use legal values, such as 0, as well.
    """
    limits = _padding_range(dataset, stored)
    if limits is None:
        return None
    has_value = (stored >= limits[0]) & (stored <= limits[1])
    if not any(edge.any() for edge in (has_value[0], has_value[-1], has_value[:, 0], has_value[:, -1])):
        return None
    mask = reached_from_edges(has_value)
    return mask if 0 < mask.mean() <= MAX_SHARE else None


def padding_free_area(mask: npt.NDArray[np.bool_] | None) -> Area | None:
    """The part of an image without the rows and columns at its edges that are only padding; None without these.

    A black film does not end in a step at black padding, so the search for a uniform frame does not find it. One or two
    rows are kept, as without a tag.
    """
    if mask is None:
        return None
    height, width = mask.shape
    rows, columns = (np.flatnonzero(~mask.all(axis=axis)) for axis in (1, 0))
    left, top, right, bottom = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    if left + top + width - right + height - bottom <= MAX_LINE:
        return None
    return Area(left / width, top / height, right / width, bottom / height)


def _padding_range(dataset: pydicom.Dataset, stored: npt.NDArray[Any]) -> tuple[float, float] | None:
    """(smallest, largest) padding value. Signed and unsigned notation of one 16-bit value are the same."""
    value_tag, limit_tag = next(tags for data, tags in _PADDING_TAGS.items() if data in dataset)
    value = optional_numbers.first_number(dataset, value_tag)
    if value is None:
        return _undeclared_range(stored)
    limit = optional_numbers.first_number(dataset, limit_tag)
    ends = [_as_stored(end, stored) for end in (value, value if limit is None else limit)]
    return min(ends), max(ends)


def _undeclared_range(stored: npt.NDArray[Any]) -> tuple[float, float] | None:
    """A single negative value in a film whose other values are not negative is padding without a tag."""
    lowest = stored.min()
    if lowest >= 0 or np.count_nonzero(stored < 0) != np.count_nonzero(stored == lowest):
        return None
    return float(lowest), float(lowest)


def _as_stored(value: float, stored: npt.NDArray[Any]) -> float:
    if stored.dtype.kind == "u" and value < 0:
        return value + 2.0 ** (8 * stored.dtype.itemsize)
    if stored.dtype.kind == "i" and value >= 2.0 ** (8 * stored.dtype.itemsize - 1):
        return value - 2.0 ** (8 * stored.dtype.itemsize)
    return value
