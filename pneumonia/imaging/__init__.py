"""From a file to the model input: bytes -> `Radiograph` -> `[150, 150, 3]`; used by training and serving."""

from .radiograph import Radiograph
from .reader import (
    FORMATS,
    INPUT_SIDE,
    INVERTED_NOTE,
    LOW_RESOLUTION_SIDE,
    MIN_SIDE,
    REDUCED_SIDE,
    Source,
    negative,
    read,
    sniff,
    to_display,
    to_input,
)

__all__ = [
    "FORMATS",
    "INPUT_SIDE",
    "INVERTED_NOTE",
    "LOW_RESOLUTION_SIDE",
    "MIN_SIDE",
    "REDUCED_SIDE",
    "Radiograph",
    "Source",
    "negative",
    "read",
    "sniff",
    "to_display",
    "to_input",
]
