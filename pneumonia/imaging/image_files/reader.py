"""Image files -> `Radiograph`: the reader of each format.

Readers of Pillow are used directly and not through `PIL.Image.open`, which applies the host's limit on pixels
(`PIL.Image.MAX_IMAGE_PIXELS`) and warns on behalf of the host. The size of an opened image is checked before decoding.
"""

from __future__ import annotations

import io
import struct

from PIL import Image, UnidentifiedImageError

from ...errors import UnsupportedFormat
from ...messages import message
from ..decode_limits import BoundedReader
from ..decoding import translate_decoder_errors
from ..radiograph import Radiograph
from .pictures import from_pil_image

_UNSUPPORTED_BMP = "Unsupported BMP"
"""Start of Pillow's messages for masks, depths and compressions that it does not read."""


def read(data: bytes, file_format: str, reduced_side: int | None) -> Radiograph:
    """Read an image file of a format that `detect_format` returns, except DICOM.

    A JPEG is decoded at reduced size if both sides then still have `reduced_side` pixels. Raises `TooLarge`,
    `UnreadableImage` or `UnsupportedFormat`.
    """
    # The readers are imported for the first film of each format, since together they take 10 ms to import.
    if file_format == "JPEG":
        from . import jpeg_file

        return jpeg_file.read(data, reduced_side)
    if file_format == "PNG":
        from . import png_file

        return png_file.read(data)
    if file_format == "TIFF":
        from . import tiff_file

        return tiff_file.read(data)
    if file_format == "PNM":
        from . import pnm_file

        return pnm_file.read(data)
    if file_format == "JPEG2000":
        from . import jpeg_2000_file

        return jpeg_2000_file.read_jpeg_2000(data)
    with _open_image(data, file_format) as picture:
        return from_pil_image(picture, file_format)


def _open_image(data: bytes, file_format: str) -> Image.Image:
    """Open an image file that Pillow reads as it is; the pixels are not decoded yet."""
    with translate_decoder_errors():
        try:
            return _open(data, file_format)
        except (SyntaxError, IndexError, TypeError, struct.error):
            raise UnidentifiedImageError from None  # as `PIL.Image.open` does


def _open(data: bytes, file_format: str) -> Image.Image:
    if file_format == "BMP":
        return _open_bmp(data)
    if file_format == "GIF":
        from PIL.GifImagePlugin import GifImageFile

        return GifImageFile(BoundedReader(data))
    if file_format == "AVIF":
        from PIL import AvifImagePlugin

        if not AvifImagePlugin.SUPPORTED:
            raise UnsupportedFormat(message("AVIF is not supported by the Pillow of this installation."))
        return AvifImagePlugin.AvifImageFile(BoundedReader(data))
    from PIL.WebPImagePlugin import WebPImageFile

    from .webp_chunks import without_metadata

    return WebPImageFile(BoundedReader(without_metadata(data)))


def _open_bmp(data: bytes) -> Image.Image:
    from PIL.BmpImagePlugin import BmpImageFile

    # The limit on reads does not apply to BMP: Pillow reads its run-length data two bytes at a time and keeps no
    # object for each read, so the limit on the file size is enough.
    try:
        return BmpImageFile(io.BytesIO(_with_valid_colour_count(data)))
    except OSError as error:
        if not str(error).startswith(_UNSUPPORTED_BMP):
            raise
        raise UnsupportedFormat(
            message(
                "This kind of BMP is not supported: export the film as PNG or JPEG. Allowed: 1, 4, 8, 16, 24 or 32 "
                "bits with the usual masks, not compressed or run-length encoded."
            )
        ) from None


def _with_valid_colour_count(data: bytes) -> bytes:
    """A BMP whose colour table has at most as many entries as its bits allow; 0 stands for all."""
    header_size, bits = int.from_bytes(data[14:18], "little"), int.from_bytes(data[28:30], "little")
    colours = int.from_bytes(data[46:50], "little")
    if header_size < 40 or bits > 8 or colours <= 2**bits:
        return data
    return data[:46] + bytes(4) + data[50:]
