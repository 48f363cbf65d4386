"""Image reading and preprocessing: file -> `Radiograph` -> model input `[150, 150, 3]`.

Training, evaluation, page, API and command line share this one definition.
"""

from .area import WHOLE, Area
from .false_colours import has_false_colours
from .film_values import FilmValues, ValueKind
from .formats import FORMATS, detect_format
from .model_input import INPUT_SIDE, INVERTED_WARNING, film_area, invert, to_display, to_input
from .photograph import is_photograph
from .radiograph import Radiograph
from .reader import FRAME_WARNING, LOW_RESOLUTION_SIDE, MIN_SIDE, REDUCED_SIDE, Source, read, read_values
from .sides import Sides, turn_back

__all__ = [
    "Area",
    "FORMATS",
    "FRAME_WARNING",
    "FilmValues",
    "INPUT_SIDE",
    "INVERTED_WARNING",
    "LOW_RESOLUTION_SIDE",
    "MIN_SIDE",
    "REDUCED_SIDE",
    "Radiograph",
    "Sides",
    "Source",
    "ValueKind",
    "WHOLE",
    "film_area",
    "has_false_colours",
    "invert",
    "is_photograph",
    "read",
    "read_values",
    "detect_format",
    "to_display",
    "to_input",
    "turn_back",
]
