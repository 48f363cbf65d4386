"""Portable greymap and pixmap (PGM, PPM) -> `Radiograph`: DICOM tools and ImageMagick write films in these formats.

Pillow reads those with other maximum values than 255 and 65535 in Python, sample by sample, and rescales them.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ...errors import UnreadableImage
from ...messages import message
from .. import greyscale
from ..byte_order import correct_byte_order
from ..decoding import check_pixel_count
from ..intensity import to_uint16
from ..radiograph import Pixels, Radiograph

_HEADER = re.compile(rb"P([2356])" + 3 * rb"(?:\s|#[^\n]*\n)+(\d{1,10})" + rb"(?:#[^\n]*)?\s")
"""Type, width, height and maximum value, each after white space or comments."""

_HEADER_END = re.compile(rb"(?:\s|#[^\n]*\n)+")
"""White space and comments that some writers put between the header and the samples."""

_MAX_HEADER_BYTES = 10_000
_CHANNELS = {b"2": 1, b"3": 3, b"5": 1, b"6": 3}
_IS_TEXT = {b"2", b"3"}


def read(data: bytes) -> Radiograph:
    """Decode the first image of a PGM or PPM file. Raises `TooLarge` or `UnreadableImage`."""
    header = _HEADER.match(data[:_MAX_HEADER_BYTES])
    if header is None:
        raise UnreadableImage(message("The PNM file is damaged: it has no complete header."))
    width, height, brightest = (int(number) for number in header.groups()[1:])
    check_pixel_count(width, height)
    if not width or not height or not 0 < brightest < 65_536:
        raise UnreadableImage(
            message("The PNM file is damaged: its header declares an impossible size or maximum value.")
        )
    channels = _CHANNELS[header[1]]
    read_samples = _read_text if header[1] in _IS_TEXT else _read_binary
    samples = read_samples(data, header.end(), width * height * channels, brightest)
    if samples is None:
        raise UnreadableImage(message("The PNM file is truncated: its image data are incomplete."))
    if brightest < 255:
        samples = np.rint(samples * (255 / brightest)).clip(0, 255).astype(np.uint8)
    pixels, warnings = _to_grey(samples.reshape(height, width, channels))
    return Radiograph(pixels, "PNM", warnings)


def _read_binary(data: bytes, start: int, count: int, brightest: int) -> npt.NDArray[Any] | None:
    kind = np.dtype(np.uint8 if brightest < 256 else ">u2")
    excess = len(data) - start - count * kind.itemsize
    if excess < 0:
        return None
    # After the maximum value one character of white space is allowed. If exactly the bytes of more of it, or of a
    # comment, are too many in the file, they are no samples.
    rest = _HEADER_END.match(data, start, start + _MAX_HEADER_BYTES)
    start += excess if rest is not None and excess == rest.end() - start else 0
    return np.frombuffer(data, kind, count, start).astype(kind.newbyteorder("="))


def _read_text(data: bytes, start: int, count: int, brightest: int) -> npt.NDArray[Any] | None:
    text = re.sub(rb"#[^\n]*", b"", data[start:])
    if len(text) < 2 * count - 1 or not re.fullmatch(rb"[\d\s]*", text):
        return None
    values = np.fromstring(text.decode("ascii"), np.uint32, count, sep=" ")
    if len(values) < count or values.max() > brightest:
        return None
    return values.astype(np.uint8 if brightest < 256 else np.uint16)


def _to_grey(samples: npt.NDArray[Any]) -> tuple[Pixels, tuple[str, ...]]:
    if samples.shape[2] == 1:
        grey = np.ascontiguousarray(samples[:, :, 0])
        return (grey if grey.dtype == np.uint8 else to_uint16(correct_byte_order(grey))), ()
    if samples.dtype == np.uint8:
        return greyscale.to_grey(Image.fromarray(samples))
    grey, warnings = greyscale.channels_to_grey([samples[:, :, index] for index in range(3)])
    return to_uint16(correct_byte_order(grey)), warnings
