"""Opening of image files with Pillow, within limits that Pillow does not have.

The readers of Pillow are used directly and not through `PIL.Image.open`, which applies the host's limit on pixels
(`PIL.Image.MAX_IMAGE_PIXELS`) and warns on behalf of the host. The size of an opened image is checked before decoding.
"""

from __future__ import annotations

import io
import struct

from PIL import Image, UnidentifiedImageError

from ..errors import TooLarge
from .decode_limits import MAX_TIFF_FRAMES, BoundedReader
from .decoding import translate_decoder_errors
from .tag_lists import check_exif


def open_image(data: bytes, file_format: str) -> Image.Image:
    """Open an image file of a format that `detect_format` returns; the pixels are not decoded yet.

    Raises `TooLarge` or `UnreadableImage`.
    """
    with translate_decoder_errors("image"):
        try:
            return _open(data, file_format)
        except (SyntaxError, IndexError, TypeError, struct.error):
            raise UnidentifiedImageError from None  # as `PIL.Image.open` does


def _open(data: bytes, file_format: str) -> Image.Image:
    # Pillow's readers are imported for the first film of each format, since together they take 10 ms to import.
    if file_format == "BMP":
        from PIL.BmpImagePlugin import BmpImageFile

        # The limit on reads does not apply to BMP: Pillow reads its run-length data two bytes at a time and keeps no
        # object for each read, so the limit on the file size is enough.
        return BmpImageFile(io.BytesIO(data))
    if file_format == "TIFF":
        from .bounded_tiff import BoundedTiff

        return BoundedTiff(BoundedReader(data))
    if file_format == "PNG":
        from PIL.PngImagePlugin import PngImageFile

        return PngImageFile(BoundedReader(data))
    if file_format == "WEBP":
        from PIL.WebPImagePlugin import WebPImageFile

        return WebPImageFile(BoundedReader(data))
    from .bounded_jpeg import open_jpeg

    return open_jpeg(data)


def count_frames(picture: Image.Image) -> int:
    """Number of images in the file; raises `TooLarge` for a TIFF with more than `MAX_TIFF_FRAMES`.

    The images of a TIFF are not indexed, so they are counted one by one.
    """
    with translate_decoder_errors("image"):
        if picture.format != "TIFF":
            return int(getattr(picture, "n_frames", 1))
        for index in range(1, MAX_TIFF_FRAMES + 1):
            try:
                picture.seek(index)
            except EOFError:
                return index
    raise TooLarge(f"The TIFF contains too many images. Allowed: {MAX_TIFF_FRAMES:,}.")


def read_exif(picture: Image.Image) -> Image.Exif:
    """The EXIF tags of a decoded image; raises `UnreadableImage` if they exceed `MAX_TAG_BYTES`."""
    check_exif(picture.info)
    return picture.getexif()
