"""From a file to the model input: bytes -> `Radiograph` -> `[150, 150, 3]`; used by training and serving."""

from .radiograph import Radiograph
from .reader import (
    FORMATS,
    INPUT_SIDE,
    INVERTED_WARNING,
    LOW_RESOLUTION_SIDE,
    MIN_SIDE,
    REDUCED_SIDE,
    Source,
    detect_format,
    invert,
    read,
    to_display,
    to_input,
)

__all__ = [
    "FORMATS",
    "INPUT_SIDE",
    "INVERTED_WARNING",
    "LOW_RESOLUTION_SIDE",
    "MIN_SIDE",
    "REDUCED_SIDE",
    "Radiograph",
    "Source",
    "invert",
    "read",
    "detect_format",
    "to_display",
    "to_input",
]
