"""TIFF file -> `Radiograph`.

`tiff_page` chooses the page and completes its layout; `tiff_samples` reads grey and RGB, Pillow the other colour models
and compressions. All other tags are ignored, so they may be damaged.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ...errors import UnsupportedFormat
from ...messages import message
from .. import greyscale
from ..byte_order import correct_byte_order
from ..decode_limits import BoundedReader
from ..decoding import check_pixel_count, translate_decoder_errors
from ..intensity import full_scale, to_uint16
from ..radiograph import Pixels, Radiograph
from . import tiff_page, tiff_rewrite, tiff_samples
from .pictures import grey_pixels
from .tiff_directory import Header, read_header
from .tiff_page import TiffPage
from .tiff_tags import Tag

_JPEG = {6, 7}
_COMPRESSIONS = {2, 3, 4, *_JPEG, 32_771, *tiff_samples.LOSSLESS}
"""Values of Compression that Pillow and libtiff decode."""

Decoded = tuple[Pixels, tuple[str, ...]]


def read(data: bytes) -> Radiograph:
    """Decode the page with the film. Raises `TooLarge`, `UnreadableImage` or `UnsupportedFormat`."""
    page, page_warnings = tiff_page.choose_page(data)
    check_pixel_count(page.width, page.height)
    check_pixel_count(*(page.tile or (0, 0)))
    if page.compression not in _COMPRESSIONS:
        raise UnsupportedFormat(
            message(
                "The compression of the TIFF is not supported. Allowed: none, LZW, deflate, PackBits, LZMA, "
                "Zstandard, JPEG or fax. Received: number {compression}.",
                compression=page.compression,
            )
        )
    header = read_header(data)
    assert header is not None  # `choose_page` has read it
    is_plain = page.photometric in {tiff_page.WHITE_IS_ZERO, tiff_page.BLACK_IS_ZERO, tiff_page.RGB}
    if _is_plain_ycbcr(page) or _is_plain_cmyk(page):
        pixels, warnings = _read_colour_model(data, header, page)
    elif is_plain and page.compression in tiff_samples.LOSSLESS:
        pixels, warnings = _read_plain(data, header, page)
    else:
        pixels, warnings = _read_with_pillow(data, header, page)
    return Radiograph(page.orientation.apply(pixels), "TIFF", (*page_warnings, *warnings))


def _read_with_pillow(data: bytes, header: Header, page: TiffPage) -> Decoded:
    from PIL.TiffImagePlugin import TiffImageFile

    with translate_decoder_errors():
        try:
            tags = tiff_rewrite.page_tags(page, len(data))
            picture = TiffImageFile(BoundedReader(tiff_rewrite.rewrite(data, header, tags)))
        except (SyntaxError, IndexError, TypeError):
            raise ValueError from None
        picture.load()
    return grey_pixels(picture)


def _is_plain_ycbcr(page: TiffPage) -> bool:
    """Whether the samples are luma and chroma of each pixel, 8 bits each; by default chroma is subsampled."""
    subsampling = page.directory.numbers(Tag.YCBCR_SUBSAMPLING).tolist()
    is_full = page.photometric == tiff_page.YCBCR and subsampling == [1, 1] and set(page.bits) == {8}
    return is_full and page.samples == 3 and page.compression in tiff_samples.LOSSLESS


def _is_plain_cmyk(page: TiffPage) -> bool:
    """Whether the samples are four inks of 8 bits each, and others, with which Pillow does not read them."""
    is_inks = page.photometric == tiff_page.CMYK and set(page.bits) == {8} and len(page.extra) > 0
    return is_inks and page.compression in tiff_samples.LOSSLESS


def _read_colour_model(data: bytes, header: Header, page: TiffPage) -> Decoded:
    channels = tiff_samples.read_samples(data, header, page)[: page.channels]
    mode = "YCbCr" if page.photometric == tiff_page.YCBCR else "CMYK"
    return grey_pixels(Image.merge(mode, [Image.fromarray(channel) for channel in channels]))


def _read_plain(data: bytes, header: Header, page: TiffPage) -> Decoded:
    channels = tiff_samples.read_samples(data, header, page)
    colours = channels[: page.channels]
    alpha = channels[len(colours)] if len(channels) > len(colours) else None
    if colours[0].dtype == np.uint8:
        return _from_bytes(page, colours, alpha)
    grey, warnings = greyscale.channels_to_grey(colours) if len(colours) == 3 else (colours[0], ())
    if alpha is not None:
        grey = greyscale.apply_alpha(grey, alpha)
    pixels = to_uint16(_in_known_range(correct_byte_order(grey)))
    if page.photometric == tiff_page.WHITE_IS_ZERO:
        pixels = np.uint16(full_scale(pixels)) - pixels
    return pixels, warnings


def _from_bytes(page: TiffPage, colours: list[npt.NDArray[Any]], alpha: npt.NDArray[Any] | None) -> Decoded:
    """Samples of 1 to 8 bits, by the same steps as those of other image files."""
    if page.bits[0] < 8:
        levels = np.rint(np.arange(2 ** page.bits[0]) * (255 / (2 ** page.bits[0] - 1))).astype(np.uint8)
        colours = [levels[channel] for channel in colours]
    if page.photometric == tiff_page.WHITE_IS_ZERO:
        colours = [255 - channel for channel in colours]
    if len(colours) == 1 and alpha is None:
        return np.ascontiguousarray(colours[0]), ()
    bands = [*(colours if len(colours) == 3 else colours * 3), *([] if alpha is None else [alpha])]
    return grey_pixels(Image.fromarray(np.stack(bands, axis=2)))


def _in_known_range(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Values whose scale is known from their type, so that their range must not be stretched.

    Whole numbers in 0..65535 stored as floats are the values of a film. Unsigned numbers of 32 or 64 bits that use the
    highest bit fill their type, and so do signed numbers of 8 bits. Unsigned numbers that the file declares as signed
    are recognised by the steps between neighbours.
    """
    if values.dtype.kind == "f" and _are_whole(values):
        return values.astype(np.uint16)
    if values.dtype.kind == "i" and values.dtype.itemsize <= 2 and values.min() < 0:
        unsigned = values.view(f"u{values.dtype.itemsize}")
        if _roughness(unsigned) < _roughness(values):
            return unsigned
        if values.dtype == np.int8:
            return (values.astype(np.int16) + 128).astype(np.uint8)
    bits = 8 * values.dtype.itemsize
    if values.dtype.kind == "u" and bits > 16 and int(values.max()) >> (bits - 1):
        values = values >> values.dtype.type(bits - 16)
        return values.astype(np.uint16)
    return values


def _roughness(values: npt.NDArray[Any]) -> float:
    """Mean difference between neighbours in some rows; large if high values of a film are taken for negative ones."""
    rows = values[:: max(1, len(values) // 100)].astype(np.int32)
    return float(np.abs(np.diff(rows, axis=1)).mean()) if rows.shape[1] > 1 else 0.0


def _are_whole(values: npt.NDArray[Any]) -> bool:
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and 1 < high <= 65535):
        return False
    return bool(np.array_equal(values[::16], np.rint(values[::16]))) and bool(np.array_equal(values, np.rint(values)))
