"""Numbers of a data set that may be missing or malformed: such a value is None or NaN, and the film is still read."""

from __future__ import annotations

import math

import pydicom

from ...errors import UnreadableImage
from ...messages import message
from . import elements

RESCALE_WARNING = message(
    "A rescale value of the DICOM header cannot be read (RescaleSlope, RescaleIntercept); it was not applied."
)
WINDOW_WARNING = message(
    "The window of the DICOM header cannot be read (WindowCenter, WindowWidth); it was not applied."
)


def numbers(dataset: pydicom.Dataset, keyword: str) -> list[float]:
    """The values of an element; NaN stands for each value that is empty, malformed or infinite.

    An empty list if the element is missing or cannot be read. `number_parser` states which faults are accepted.
    """
    try:
        return [math.nan if number is None else number for number in elements.numbers(dataset, keyword)]
    except UnreadableImage:
        return []


def first_number(dataset: pydicom.Dataset, keyword: str) -> float | None:
    """The first value of an element, or None if it is missing, malformed or infinite."""
    values = numbers(dataset, keyword)
    return values[0] if values and math.isfinite(values[0]) else None


def warnings(dataset: pydicom.Dataset) -> list[str]:
    """Warnings about a rescale or a window that has values, but none that can be read."""
    rescale = [numbers(dataset, keyword) for keyword in ("RescaleSlope", "RescaleIntercept")]
    window = [numbers(dataset, keyword) for keyword in ("WindowCenter", "WindowWidth")]
    has_window = any(math.isfinite(center + width) for center, width in zip(*window, strict=False))
    is_rescale_readable = all(math.isfinite(values[0]) for values in rescale if values)
    return [
        *([] if is_rescale_readable else [RESCALE_WARNING]),
        *([WINDOW_WARNING] if all(window) and not has_window else []),
    ]
