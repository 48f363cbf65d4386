"""PNG file -> `Radiograph`.

Pillow decodes the chunks that `png_chunks` selects. It reduces colour with 16 bits to 8; here both bytes are kept.
"""

from __future__ import annotations

import io
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ...errors import UnreadableImage
from ...messages import message
from .. import greyscale
from ..byte_order import correct_byte_order
from ..decoding import check_pixel_count, translate_decoder_errors
from ..intensity import to_uint16
from ..radiograph import Pixels, Radiograph
from . import orientation, png_chunks
from .pictures import first_frame_warnings, grey_pixels
from .png_chunks import PngChunks

_GREY_ALPHA = 4
_DEEP_COLOURS = {2: "RGB", _GREY_ALPHA: "RGBA", 6: "RGBA"}
"""Colour types that Pillow reduces from 16 to 8 bits -> mode of Pillow."""


def read(data: bytes) -> Radiograph:
    """Decode the first picture of a PNG. Raises `TooLarge` or `UnreadableImage`."""
    chunks = png_chunks.scan(data)
    check_pixel_count(*chunks.size)
    if not chunks.is_header_valid and not (chunks.has_valid_data() and chunks.has_complete_rows()):
        raise UnreadableImage(message("The PNG is damaged: its header has a wrong checksum."))
    film_orientation = orientation.from_metadata(chunks.exif, chunks.xmp)
    try:
        pixels, warnings = _decode(chunks)
    except UnreadableImage:
        # The compressed data have two checksums. They are intact if one is right and no row is missing.
        if not (chunks.has_valid_data() and chunks.has_complete_rows()):
            raise
        rows = zlib.compress(png_chunks.inflate(chunks), 1)
        chunks.data, chunks.is_regular = [(memoryview(rows), b"")], False
        pixels, warnings = _decode(chunks)
    frames = first_frame_warnings(chunks.frames)
    return Radiograph(film_orientation.apply(pixels), "PNG", (*frames, *film_orientation.warnings, *warnings))


def _decode(chunks: PngChunks) -> tuple[Pixels, tuple[str, ...]]:
    if chunks.depth == 16 and chunks.colour_type in _DEEP_COLOURS:
        return _decode_deep_colour(chunks)
    with translate_decoder_errors():
        picture = _open(chunks)
        picture.load()
    return grey_pixels(picture)


def _open(chunks: PngChunks) -> Image.Image:
    from PIL.PngImagePlugin import PngImageFile

    try:
        return PngImageFile(io.BytesIO(chunks.as_png()))
    except (SyntaxError, IndexError, TypeError):
        raise ValueError from None


def _decode_deep_colour(chunks: PngChunks) -> tuple[Pixels, tuple[str, ...]]:
    """Grey of an image in colour or with alpha, at 16 bits."""
    if chunks.colour_type == _GREY_ALPHA:
        pairs = _raw(chunks, "RGBA").view(">u2")  # two samples of two bytes, read as four samples
        grey = correct_byte_order(pairs[:, :, 0].astype(np.uint16))
        return to_uint16(greyscale.apply_alpha(grey, pairs[:, :, 1])), ()
    mode = _DEEP_COLOURS[chunks.colour_type]
    # Pillow can return the high or the low byte of each sample.
    samples = _raw(chunks, f"{mode};16B").astype(np.uint16) << 8
    samples |= _raw(chunks, f"{mode};16L")
    grey, warnings = greyscale.channels_to_grey([samples[:, :, index] for index in range(3)])
    grey = correct_byte_order(grey)
    if mode == "RGBA":
        grey = greyscale.apply_alpha(grey, samples[:, :, 3])
    return to_uint16(grey), warnings


def _raw(chunks: PngChunks, raw_mode: str) -> npt.NDArray[Any]:
    """`[H, W, samples]` uint8, decoded with another arrangement of bytes than Pillow's own."""
    with translate_decoder_errors():
        picture: Any = _open(chunks)
        picture.tile = [tile._replace(args=raw_mode) for tile in picture.tile]
        return np.asarray(picture)
