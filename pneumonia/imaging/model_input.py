"""Preprocessing: `Radiograph` -> model input `[150, 150, 3]` uint8, and the matching 8-bit display image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..messages import message
from .area import WHOLE, Area
from .frame import find_area
from .intensity import full_scale, look_up
from .radiograph import Pixels, Radiograph

INPUT_SIDE = 150
"""Side of the model input in pixels; the network is trained on 150 x 150."""

INVERTED_WARNING = message("The film appeared inverted (dark bones) and was corrected.")


def to_input(film: Radiograph) -> npt.NDArray[np.uint8]:
    """Convert a film to the model input: `[150, 150, 3]` uint8. The three channels are read-only views of one array.

    A uniform frame around the film is left out (see `frame`). One bilinear resize with antialiasing makes the film
    square, without keeping its aspect ratio; then it is converted to 8 bits. Films deeper than 8 bits are scaled by
    `full_scale`, so that a 12-bit film in a 16-bit file does not become nearly black.
    """
    pixels = crop(film.pixels, film.area or film_area(film.pixels))
    levels = np.asarray(as_image(pixels).resize((INPUT_SIDE, INPUT_SIDE), Image.Resampling.BILINEAR))
    if pixels.dtype != np.uint8:
        levels = np.clip(np.rint(levels * (255.0 / full_scale(pixels))), 0, 255).astype(np.uint8)
    return np.broadcast_to(levels[:, :, None], (INPUT_SIDE, INPUT_SIDE, 3))


def film_area(pixels: Pixels, known: Area = WHOLE) -> Area:
    """The part of `[H, W]` pixels inside a uniform frame; the whole image if there is no frame.

    Outside of `known` the file declares that there is no film; the frame is searched inside of it.
    """
    searched = crop(pixels, known)
    area = find_area(searched, 255.0 if pixels.dtype == np.uint8 else full_scale(searched))
    return area if known == WHOLE else area.inside(known)


def crop(pixels: Pixels, area: Area) -> Pixels:
    """The pixels of an area, a view of `pixels`."""
    left, top, right, bottom = area.box(pixels.shape[1], pixels.shape[0])
    return pixels[top:bottom, left:right]


def to_display(film: Radiograph) -> npt.NDArray[np.uint8]:
    """Convert a film for display: `[H, W]` uint8 at its own size, with the same intensity scale as `to_input`.

    A frame around the film is displayed, at most white.
    """
    if film.pixels.dtype == np.uint8:
        return film.pixels.astype(np.uint8, copy=False)
    white = white_value(film)
    # A table takes a third of the time of a calculation for each pixel. Larger values get its last entry.
    return look_up(display_levels(np.arange(int(white) + 1, dtype=np.uint16), white), film.pixels)


def display_levels(pixels: Pixels, white: np.uint8 | np.uint16) -> npt.NDArray[np.uint8]:
    """The levels of `to_display` for a part of the pixels of a film; `white` is its `white_value`."""
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint8, copy=False)
    return np.rint(np.minimum(pixels, white) * (255.0 / float(white))).astype(np.uint8)


def invert(film: Radiograph) -> Radiograph:
    """Invert the grey values of a film (`full_scale` minus value) and append `INVERTED_WARNING` to its warnings."""
    white = white_value(film)
    return replace(film, pixels=white - np.minimum(film.pixels, white), warnings=(*film.warnings, INVERTED_WARNING))


def white_value(film: Radiograph) -> np.uint8 | np.uint16:
    """The pixel value of a film that is displayed as white; a frame around the film does not decide it."""
    if film.pixels.dtype == np.uint8:
        return np.uint8(255)
    return np.uint16(full_scale(film.pixels if film.area is None else crop(film.pixels, film.area)))


def as_image(pixels: Pixels) -> Image.Image:
    """`[H, W]` as an image in mode "L" that shares its memory, or in mode "F" for uint16.

    `Image.fromarray` takes ten times as long for floats: it fills the new image with zeros first.
    """
    mode = "L" if pixels.dtype == np.uint8 else "I;16"
    contiguous = np.ascontiguousarray(pixels, "u1" if mode == "L" else "<u2")
    image = Image.frombuffer(mode, (pixels.shape[1], pixels.shape[0]), contiguous, "raw", mode, 0, 1)
    return image if mode == "L" else image.convert("F")
