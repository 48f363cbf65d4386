"""Rotation of a film by the orientation tag of its EXIF or XMP metadata."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...messages import message
from ..radiograph import Pixels
from . import tiff_directory

ORIENTATION_TAG = 274
"""Tag Orientation (Exif 2.32, 4.6.4); 1: upright."""

DAMAGED_WARNING = message("The EXIF tags are damaged; if they declare a rotation of the film, it was not applied.")

_EXIF_PREFIX = b"Exif\0\0"
_XMP_ORIENTATION = re.compile(rb"""tiff:Orientation(?:\s*=\s*["']|\s*>)\s*([1-8])\b""")
"""The property as an attribute or an element; XML allows single quotes and white space."""

_XMP_BYTES = 1_000_000
"""Number of bytes of XMP that are searched; writers put these properties at the start."""


@dataclass(frozen=True)
class Orientation:
    """Value of the orientation tag, 1 to 8, and warnings for the user."""

    value: int = 1
    warnings: tuple[str, ...] = ()

    def apply(self, pixels: Pixels) -> Pixels:
        """`[H, W]` upright; without a copy if it is upright already."""
        return pixels if self.value == 1 else _turn(pixels, self.value).copy()


def from_value(value: int) -> Orientation:
    """The orientation for a value of the tag; any value other than 1 to 8 means upright."""
    return Orientation(value if value in range(1, 9) else 1)


def from_metadata(exif: bytes | None, xmp: bytes | None = None) -> Orientation:
    """The orientation that EXIF tags declare, or else XMP; upright, with a warning, if the EXIF tags are damaged."""
    is_damaged = False
    if exif:
        while exif.startswith(_EXIF_PREFIX):
            exif = exif[len(_EXIF_PREFIX) :]
        header = tiff_directory.read_header(exif)
        directory = tiff_directory.Directory(exif, header, header.first) if header else None
        if directory is not None and ORIENTATION_TAG in directory:
            return from_value(directory.integer(ORIENTATION_TAG, 1))
        is_damaged = directory is None or directory.is_damaged
    declared = _XMP_ORIENTATION.search((xmp or b"")[:_XMP_BYTES])
    if declared is not None:
        return from_value(int(declared[1]))
    return Orientation(1, (DAMAGED_WARNING,) if is_damaged else ())


def _turn(pixels: Pixels, value: int) -> Pixels:
    turned: dict[int, Pixels] = {
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: pixels.T,
        6: pixels[::-1].T,
        7: pixels[::-1, ::-1].T,
        8: pixels.T[::-1],
    }
    return turned[value]
