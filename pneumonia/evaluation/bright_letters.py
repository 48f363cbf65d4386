"""Removal of letters and markers from films, to measure whether a network reads them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

Grey = npt.NDArray[np.uint8]

CONTRAST = 35
"""Minimum grey levels above the surroundings. At 150 px, a letter with strokes of half a pixel is grey, not white."""

AREA = (4, 180)
"""Smallest and largest area of a letter in pixels: from a stroke to a lead marker."""

MAX_EXTENT = 0.12
"""Largest height and width of a letter as a share of the film's side."""

RIM, RING = 1, 4
"""Width in pixels of the blurred edge of a letter, which is removed too, and of the ring around that."""

RING_MARGIN = 25
RING_SHARE = 0.92
"""This share of the ring is darker than the letter by `RING_MARGIN` grey levels. Ribs, clavicles and the edge of the
chest continue in the ring; a letter stands alone."""

CENTRE = 0.2
"""Letters lie in the outer part of this width, as a share of the side; what is bright inside may be disease."""

_BLOCK, _WINDOW = 5, 5
"""Surroundings: the median of 5 x 5 blocks of 5 x 5 pixels, a sixth of the film's side, wider than a letter."""


def letter_mask(film: Grey) -> npt.NDArray[np.bool_]:
    """Pixels of a film `[150, 150]` that belong to letters, with their rim."""
    bright = film.astype(np.int16) - surroundings(film) >= CONTRAST
    labelled, _ = ndimage.label(bright, np.ones((3, 3)))
    mask = np.zeros(film.shape, bool)
    for number, place in enumerate(ndimage.find_objects(labelled), start=1):
        component = labelled[place] == number
        if _is_small_and_outside(component, place, film.shape):
            letter = np.zeros(film.shape, bool)
            letter[place] = component
            if _stands_alone(letter, film):
                mask |= _grow(letter, RIM)
    return mask


def blank_letters(film: Grey) -> Grey:
    """The film with each letter replaced by the median of its surroundings; unchanged if it has none."""
    mask = letter_mask(film)
    return np.where(mask, surroundings(film), film) if mask.any() else film


def surroundings(film: Grey) -> Grey:
    """Brightness `[150, 150]` around each pixel, in which a letter does not show."""
    size = (film.shape[1] // _BLOCK, film.shape[0] // _BLOCK)
    blocks = np.asarray(Image.fromarray(film).resize(size, Image.Resampling.BOX))
    smooth = Image.fromarray(ndimage.median_filter(blocks, _WINDOW, mode="nearest"))
    return np.asarray(smooth.resize(film.shape[::-1], Image.Resampling.BILINEAR))


def _is_small_and_outside(component: npt.NDArray[np.bool_], place: tuple[slice, ...], shape: tuple[int, ...]) -> bool:
    extents = [part.stop - part.start for part in place]
    centres = [(part.start + part.stop) / 2 / length for part, length in zip(place, shape, strict=True)]
    outside = any(centre < CENTRE or centre > 1 - CENTRE for centre in centres)
    return bool(outside and AREA[0] <= component.sum() <= AREA[1] and max(extents) <= MAX_EXTENT * shape[0])


def _stands_alone(letter: npt.NDArray[np.bool_], film: Grey) -> bool:
    inner = _grow(letter, RIM)
    ring = _grow(inner, RING) & ~inner
    return float(np.quantile(film[ring], RING_SHARE)) <= float(film[letter].mean()) - RING_MARGIN


def _grow(mask: npt.NDArray[np.bool_], pixels: int) -> npt.NDArray[np.bool_]:
    return np.asarray(ndimage.binary_dilation(mask, np.ones((3, 3)), iterations=pixels))
