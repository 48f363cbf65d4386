"""Opening of image files with Pillow, within limits that Pillow does not have.

The readers of Pillow are used directly and not through `PIL.Image.open`, which applies the host's limit on pixels
(`PIL.Image.MAX_IMAGE_PIXELS`) and warns on behalf of the host. The size of an opened image is checked before decoding.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from PIL import (
    BmpImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from ..errors import PneumoniaError, TooLarge
from .decode_limits import MAX_TIFF_FRAMES, BoundedReader
from .decoding import translate_decoder_errors

_EXIF_PREFIX = b"Exif\0\0"
_PNG_PROFILE = "Raw profile type exif"

_LISTS_PER_SEEK = 2
"""Number of times that Pillow reads the tag list of an image when it opens it."""

_LISTS_AT_END = 4
"""Tag lists that Pillow reads after the pixels of a TIFF: those of the image, EXIF, GPS and interoperability."""


class BoundedTiff(TiffImagePlugin.TiffImageFile):
    """A TIFF whose tag lists are limited to `MAX_TAG_BYTES` each.

    Pillow reads a list when it opens or seeks an image, and lists of EXIF and GPS after the pixels.
    """

    def __init__(self, file: BoundedReader) -> None:
        self._reader = file
        file.limit_tags(_LISTS_PER_SEEK)
        super().__init__(file)

    def seek(self, frame: int) -> None:
        self._reader.limit_tags(_LISTS_PER_SEEK)
        super().seek(frame)

    def load(self) -> Any:
        self._reader.lift_tag_limit()
        return super().load()

    def load_end(self) -> None:
        self._reader.limit_tags(_LISTS_AT_END)
        super().load_end()


class BoundedJpeg(JpegImagePlugin.JpegImageFile):
    """A JPEG whose EXIF tags are limited to `MAX_TAG_BYTES`; Pillow reads them when it opens the file."""

    def getexif(self) -> Image.Exif:
        _check_exif(self.info)
        return super().getexif()


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
    if file_format == "BMP":
        # The limit on reads does not apply to BMP: Pillow reads its run-length data two bytes at a time and keeps no
        # object for each read, so the limit on the file size is enough.
        return BmpImagePlugin.BmpImageFile(io.BytesIO(data))
    file = BoundedReader(data)
    if file_format == "TIFF":
        return BoundedTiff(file)
    if file_format == "PNG":
        return PngImagePlugin.PngImageFile(file)
    if file_format == "WEBP":
        return WebPImagePlugin.WebPImageFile(file)
    return _open_jpeg(data, file)


def _open_jpeg(data: bytes, file: BoundedReader) -> Image.Image:
    picture = BoundedJpeg(file)
    if "mp" not in picture.info:
        return picture
    # A file with several images (MPO), which Pillow lists by tags. Both tag lists are checked before Pillow reads them.
    _check_exif(picture.info)
    _check_tag_list(picture.info["mp"])
    return JpegImagePlugin.jpeg_factory(BoundedReader(data))


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
    _check_exif(picture.info)
    return picture.getexif()


def _check_exif(info: Mapping[Any, Any]) -> None:
    exif = info.get("exif")
    if exif is None and _PNG_PROFILE in info:
        with suppress(ValueError):  # Pillow raises it again when it reads the tags
            exif = bytes.fromhex("".join(info[_PNG_PROFILE].split("\n")[3:]))
    if isinstance(exif, bytes):
        _check_tag_list(exif)


def _check_tag_list(data: bytes) -> None:
    """Read the first tag list of `data` as Pillow does, but within the limit.

    Only exceeding the limit is an error here. A list may be damaged in other ways; Pillow ignores some of them.
    """
    while data.startswith(_EXIF_PREFIX):
        data = data[len(_EXIF_PREFIX) :]
    file = BoundedReader(data)
    file.limit_tags(1)
    try:
        directory = TiffImagePlugin.ImageFileDirectory_v2(file.read(8))
        file.seek(directory.next)
        directory.load(file)
    except PneumoniaError:
        raise
    except Exception:
        return  # Pillow raises it again when it reads the list
