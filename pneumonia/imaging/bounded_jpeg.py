"""JPEG files, read by Pillow with a limit on tag lists."""

from __future__ import annotations

from PIL import Image, JpegImagePlugin

from .decode_limits import BoundedReader
from .tag_lists import check_exif, check_tag_list


class BoundedJpeg(JpegImagePlugin.JpegImageFile):
    """A JPEG whose EXIF tags are limited to `MAX_TAG_BYTES`; Pillow reads them when it opens the file."""

    def getexif(self) -> Image.Exif:
        check_exif(self.info)
        return super().getexif()


def open_jpeg(data: bytes) -> Image.Image:
    """Open a JPEG, or a file with several (MPO). Raises `UnreadableImage`, or any exception of Pillow."""
    picture = BoundedJpeg(BoundedReader(data))
    if "mp" not in picture.info:
        return picture
    # A file with several images (MPO), which Pillow lists by tags. Both tag lists are checked before Pillow reads them.
    check_exif(picture.info)
    check_tag_list(picture.info["mp"])
    return JpegImagePlugin.jpeg_factory(BoundedReader(data))
