"""Functional groups of enhanced images: the first frame's window and rescale lie in nested sequences.

See DICOM PS3.3 C.7.6.16.2.9 (Pixel Value Transformation) and C.7.6.16.2.10 (Frame VOI LUT).
"""

from __future__ import annotations

from collections.abc import Iterator

import pydicom
from pydicom.tag import Tag

from . import elements
from .lookup_table import items

_GROUPS = ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence")
_MACROS = {
    "PixelValueTransformationSequence": ("RescaleSlope", "RescaleIntercept"),
    "FrameVOILUTSequence": ("WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence"),
}


def copy_transforms(dataset: pydicom.Dataset) -> None:
    """Copy the rescale and the window of the first frame to the data set, unless it has its own."""
    for macro, keywords in _MACROS.items():
        item = next(frame_items(dataset, macro), None)
        if item is None or any(keyword in dataset for keyword in keywords):
            continue
        for keyword in keywords:
            if keyword in item:
                dataset[keyword] = elements.raw_element(item, Tag(keyword))


def frame_items(dataset: pydicom.Dataset, macro: str) -> Iterator[pydicom.Dataset]:
    """The items of a sequence in the functional groups of the first frame, then in those that all frames share."""
    for group in _GROUPS:
        for frame in items(dataset, group)[:1]:
            yield from items(frame, macro)
