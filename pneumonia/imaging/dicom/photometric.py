"""PhotometricInterpretation, completed if it is missing, misspelt or unknown."""

from __future__ import annotations

import pydicom

from ...messages import message
from . import elements

PHOTOMETRIC_WARNING = message(
    "The DICOM header lacks the display of the pixels (PhotometricInterpretation); high values were "
    "taken as bright. Check that bone is bright."
)

_GREY = ("MONOCHROME1", "MONOCHROME2")
_COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_OTHER = ("PALETTE COLOR", "HSV", "ARGB", "CMYK", "YBR_PARTIAL_420", "YBR_PARTIAL_422", "XYB")


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).upper()


_BY_LETTERS = {_letters(name): name for name in (*_GREY, *_COLOUR, *_OTHER)} | {"PALETTECOLOUR": "PALETTE COLOR"}
"""Terms without spaces and underscores, which writers confuse."""


SAMPLES = {**dict.fromkeys(_GREY, 1), "PALETTE COLOR": 1, **dict.fromkeys(_COLOUR, 3)}
"""Term -> samples per pixel, of the terms that are supported."""


def term(dataset: pydicom.Dataset) -> str | None:
    """The defined term that the file states, None if it is missing or unknown."""
    return _BY_LETTERS.get(_letters(elements.first_text(dataset, "PhotometricInterpretation")))


def is_supported(dataset: pydicom.Dataset) -> bool:
    """True if the term is supported, and has the number of samples that the header declares."""
    stated = elements.text(dataset, "PhotometricInterpretation")
    return SAMPLES.get(stated) == elements.integer(dataset, "SamplesPerPixel", 1)


def complete(dataset: pydicom.Dataset, samples: int, colour: str) -> list[str]:
    """Set a defined term in upper case; derive a missing one from the number of samples. Returns warnings.

    `colour` is the interpretation of three samples. Without a term, PresentationLUTShape states the display of a grey
    film (PS3.3, C.11.6.1.2), else high values are bright.
    """
    stated, warnings = term(dataset), list[str]()
    if stated is None and samples == 3:
        stated = colour
    elif stated is None and samples == 1:
        shape = elements.text(dataset, "PresentationLUTShape").upper()
        has_palette = "RedPaletteColorLookupTableData" in dataset
        stated = "PALETTE COLOR" if has_palette else _GREY[0] if shape == "INVERSE" else _GREY[1]
        warnings = [PHOTOMETRIC_WARNING] if not has_palette and shape not in {"INVERSE", "IDENTITY"} else []
    if stated is not None:
        elements.set_value(dataset, "PhotometricInterpretation", stated)
    return warnings
