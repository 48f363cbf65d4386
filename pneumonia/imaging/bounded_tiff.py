"""TIFF files, read by Pillow with a limit on tag lists."""

from __future__ import annotations

from typing import Any

from PIL import TiffImagePlugin

from .decode_limits import BoundedReader

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
