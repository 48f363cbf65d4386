"""What the network sees of a film: `Radiograph` -> `[150, 150, 3]` uint8."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from .radiograph import Pixels, Radiograph

INPUT_SIDE = 150
"""Side of the model input in pixels: the seed's 150 x 150."""

INVERTED_WARNING = "The film looked inverted (bones dark); it was corrected."


def to_input(film: Radiograph) -> npt.NDArray[np.uint8]:
    """The network's view of a film: `[150, 150, 3]` uint8, three equal channels, one memory, not to be written to.

    The film is stretched to a square by one bilinear resize with antialiasing and then brought to 8 bits. Deeper films
    are scaled by the smallest detector depth (8, 10, 12, 14, 16 bits) that holds their brightest pixel, so that a
    12-bit film in a 16-bit file is not seen as black.
    """
    image = _as_image(film.pixels) if film.pixels.dtype == np.uint8 else Image.fromarray(film.pixels.astype(np.float32))
    resized = image.resize((INPUT_SIDE, INPUT_SIDE), Image.Resampling.BILINEAR)
    if film.pixels.dtype != np.uint8:
        levels = np.rint(np.asarray(resized) * (255.0 / full_scale(film.pixels)))
        resized = Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))
    channel = np.frombuffer(resized.tobytes(), np.uint8).reshape(INPUT_SIDE, INPUT_SIDE, 1)
    return np.broadcast_to(channel, (INPUT_SIDE, INPUT_SIDE, 3))


def to_display(film: Radiograph) -> npt.NDArray[np.uint8]:
    """The film in its own size `[H, W]` at 8 bits, scaled as `to_input` scales it: what a person should compare."""
    if film.pixels.dtype == np.uint8:
        return film.pixels.astype(np.uint8, copy=False)
    scaled: npt.NDArray[np.uint8] = np.rint(film.pixels * (255.0 / full_scale(film.pixels))).astype(np.uint8)
    return scaled


def invert(film: Radiograph) -> Radiograph:
    """The film with dark and bright exchanged within its own depth, and a warning that says so."""
    pixels = film.pixels.dtype.type(full_scale(film.pixels)) - film.pixels
    return replace(film, pixels=pixels, warnings=(*film.warnings, INVERTED_WARNING))


def full_scale(pixels: Pixels) -> float:
    """The largest value of the smallest detector depth that holds the brightest pixel."""
    brightest = int(pixels.max())
    return float(next(2**bits - 1 for bits in (8, 10, 12, 14, 16) if brightest < 2**bits))


def _as_image(pixels: Pixels) -> Image.Image:
    """`[H, W]` uint8 as a picture of the same memory, without what `Image.fromarray` asks of any array."""
    return Image.frombuffer("L", (pixels.shape[1], pixels.shape[0]), np.ascontiguousarray(pixels), "raw", "L", 0, 1)
