"""Samples and planes of a colour image, if the tags contradict the pixels.

Secondary captures of films are often saved in colour, and their tags are those of a grey image, or of the order that
another program wrote. Samples in the wrong order show a scrambled film, which the gate may accept.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom

from . import elements, photometric

MIN_COLOURED = 0.05
"""Minimum share of coloured pixels at which the declared layout is compared with others. A grey film with a coloured
marker has less; one that is read in the wrong order has about as many as it has neighbours of different values."""

MAX_COLOURED = 0.1
"""Coloured pixels in another layout, as a share of those in the declared one, up to which the other one is used."""

COMPARED_PIXELS = 250_000
"""Number of pixels that are compared."""

LOSSY_DIFFERENCE = 6
"""Maximum difference between the channels of a grey pixel after a lossy compression, in grey levels."""

_SPACES = ("RGB", "YBR_FULL")
_YBR = {"YBR_FULL", "YBR_FULL_422"}
_GREY_CHROMA = 128


def correct_samples(dataset: pydicom.Dataset, samples: int, colour: str) -> list[str]:
    """Let `PhotometricInterpretation` agree with the number of samples that the pixels have; returns warnings.

    MONOCHROME2 with three samples becomes `colour`, the term for three samples. A colour term with one sample becomes
    MONOCHROME2: high values are taken as bright. Other contradictions, such as MONOCHROME1 with three samples, remain
    and are refused later, since it is not certain how such pixels are displayed.
    """
    term = photometric.term(dataset)
    expected = photometric.SAMPLES.get(term or "")
    if expected is None or samples == expected:
        return []
    if term == "MONOCHROME2" and samples == 3:
        elements.set_value(dataset, "PhotometricInterpretation", colour)
    elif expected == 3 and samples == 1:
        elements.set_value(dataset, "PhotometricInterpretation", "MONOCHROME2")
        return [photometric.PHOTOMETRIC_WARNING]
    return []


def correct_colour(dataset: pydicom.Dataset, frame: bytes) -> None:
    """Set order (`PlanarConfiguration`) and colour space in which an uncompressed frame of bytes is grey, if one is.

    Most colour images of films are grey. In the wrong order, the samples of a pixel are three neighbours, or pixels of
    three parts of the film; in the wrong colour space, the film has a third of its contrast, or false colours.
    """
    term = photometric.term(dataset)
    if photometric.SAMPLES.get(term or "") == 3:
        elements.set_missing(dataset, "PlanarConfiguration", 0)
    if elements.integer(dataset, "BitsAllocated") != 8 or term not in _SPACES:
        return
    rows, columns, planar = (elements.integer(dataset, name) for name in ("Rows", "Columns", "PlanarConfiguration"))
    values = np.frombuffer(frame, np.uint8, 3 * rows * columns)
    orders = (values.reshape(-1, 3), values.reshape(3, -1).T)
    declared = _coloured_share(orders[planar], term)
    if declared < MIN_COLOURED:
        return
    layouts = [(order, space) for order in (planar, 1 - planar) for space in _SPACES]
    coloured, (order, space) = min((_coloured_share(orders[order], space), (order, space)) for order, space in layouts)
    if coloured <= MAX_COLOURED * declared:
        elements.set_value(dataset, "PlanarConfiguration", order)
        elements.set_value(dataset, "PhotometricInterpretation", space)


def has_conversion(term: str) -> bool:
    """True for a colour space that decoders return as it is stored, or convert, as `term` says."""
    return term in {"RGB", *_YBR}


def is_ybr(samples: npt.NDArray[Any], term: str) -> bool:
    """True if decoded samples `[H, W, 3]` are YBR_FULL and not RGB.

    They are what `term` says, unless the image is grey in the other colour space only: converters decode a film with
    its colours converted, and forget to change PhotometricInterpretation.
    """
    if samples.dtype != np.uint8 or samples.ndim != 3:
        return term in _YBR
    pixels = samples.reshape(-1, 3)
    rgb, ybr = (_coloured_share(pixels, space, LOSSY_DIFFERENCE) for space in _SPACES)
    declared, other = (ybr, rgb) if term in _YBR else (rgb, ybr)
    is_wrong = declared >= MIN_COLOURED and other <= MAX_COLOURED * declared
    return (term in _YBR) != is_wrong


def _coloured_share(pixels: npt.NDArray[Any], space: str, tolerance: int = 0) -> float:
    """Share of the pixels, `[N, 3]`, that are not grey; channels of a grey pixel differ by at most `tolerance`."""
    pixels = pixels[:: max(1, len(pixels) // COMPARED_PIXELS)].astype(np.int16)
    differences = pixels[:, 1:] - (_GREY_CHROMA if space == "YBR_FULL" else pixels[:, :1])
    return float(1 - np.mean((np.abs(differences) <= tolerance).all(axis=1)))
