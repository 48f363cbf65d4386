"""Grey value transformations of the film for a presentation state: those with which the source is displayed.

A presentation state replaces all transformations of the image, and its photometric interpretation (PS3.4, N.2.1): what
it leaves out is an identity. So it repeats rescale, VOI LUT or window, and polarity of the source. Without a window in
the source, it has one over the range of the film's depth, because an identity would show 12-bit values of an image with
16 bits stored as black.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom import Dataset

from ...imaging.dicom import functional_groups, lookup_table, parser, voi
from ...imaging.dicom.lookup_table import LookupTable
from ...imaging.intensity import full_scale
from .film_result import FilmResult

if TYPE_CHECKING:
    from highdicom import ModalityLUTTransformation
    from highdicom.pr import SoftcopyVOILUTTransformation

_FULL_RANGE = 65535.0
_ALL_INPUTS = np.arange(2**16)
_FUNCTIONS = {"LINEAR", "LINEAR_EXACT", "SIGMOID"}


def transformations(film: FilmResult) -> dict[str, Any]:
    """The keyword arguments of highdicom's presentation state for the three steps of the grey values."""
    from highdicom import PresentationLUTTransformation

    dataset = parser.parse(film.data).dataset
    functional_groups.copy_transforms(dataset)
    is_inverse = film.source.header.get("PhotometricInterpretation") == "MONOCHROME1"
    table = _table(dataset, "ModalityLUTSequence")
    return {
        "modality_lut_transformation": _modality(dataset, table),
        "voi_lut_transformations": [_voi(film, dataset, table)],
        "presentation_lut_transformation": PresentationLUTTransformation("INVERSE" if is_inverse else "IDENTITY"),
    }


def _table(dataset: Dataset, keyword: str) -> LookupTable | None:
    """The first table that highdicom can write: its first input is not negative."""
    for item in lookup_table.items(dataset, keyword)[: lookup_table.MAX_TABLES]:
        table = lookup_table.read_table(item, "LUT", _ALL_INPUTS)
        if table is not None and 0 <= table.first < 2**16 and len(table.entries) <= 2**16:
            return table
    return None


def _modality(dataset: Dataset, table: LookupTable | None) -> ModalityLUTTransformation:
    """The rescale of the source; an identity without one, since highdicom looks for one elsewhere if none is given."""
    from highdicom import ModalityLUT, ModalityLUTTransformation

    if table is not None:
        return ModalityLUTTransformation(modality_lut=ModalityLUT("US", table.first, table.entries))
    slope, intercept = _rescale(dataset)
    return ModalityLUTTransformation(rescale_intercept=intercept, rescale_slope=slope, rescale_type="US")


def _rescale(dataset: Dataset) -> tuple[float, float]:
    """(slope, intercept); (1, 0) without a valid slope."""
    return voi.linear_rescale(dataset) or (1.0, 0.0)


def _voi(film: FilmResult, dataset: Dataset, modality: LookupTable | None) -> SoftcopyVOILUTTransformation:
    """The first VOI LUT, else the first window, else the range of the film's depth, as `imaging` prefers them."""
    from highdicom import VOILUT
    from highdicom.pr import SoftcopyVOILUTTransformation

    table = _table(dataset, "VOILUTSequence")
    if table is not None:
        entries = np.rint(np.minimum(table.entries / table.white, 1) * _FULL_RANGE).astype(np.uint16)
        return SoftcopyVOILUTTransformation(voi_luts=[VOILUT(table.first, entries)])
    window = _window(dataset)
    if window is not None:
        centre, width, function = window
        return SoftcopyVOILUTTransformation(centre, width, voi_lut_function=function)
    low, high = _range(film, dataset, modality)
    return SoftcopyVOILUTTransformation(window_center=(low + high + 1) / 2, window_width=high - low + 1)


def _window(dataset: Dataset) -> tuple[float, float, str | None] | None:
    """(centre, width, function or None for the default) of the first valid window."""
    window, function = next(voi.valid_windows(dataset), None), voi.window_function(dataset)
    return None if window is None else (*window, function if function in _FUNCTIONS else None)


def _range(film: FilmResult, dataset: Dataset, modality: LookupTable | None) -> tuple[float, float]:
    """(lowest, highest) output of the rescale for the depth of the film."""
    if modality is not None:
        return 0.0, modality.white
    header = film.source.header
    bits = int(header.get("BitsStored") or header.get("BitsAllocated") or 8)
    low = -(2 ** (bits - 1)) if header.get("PixelRepresentation") == 1 else 0
    high = low + 2**bits - 1
    pixels = None if film.reading is None else film.reading.film.pixels
    if low == 0 and bits > 8 and pixels is not None and pixels.size and pixels.dtype == np.uint16:
        # Often 16 bits are declared where a detector of 12 or 14 bits was used.
        high = min(high, int(full_scale(pixels)))
    slope, intercept = _rescale(dataset)
    first, last = slope * low + intercept, slope * high + intercept
    return min(first, last), max(first, last)
