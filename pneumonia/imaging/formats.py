"""Detection of the file format by magic bytes."""

from __future__ import annotations

from ..errors import UnsupportedFormat
from .foreign_formats import describe

_MAGIC: tuple[tuple[str, int, bytes], ...] = (
    ("PNG", 0, b"\x89PNG\r\n\x1a\n"),
    ("JPEG", 0, b"\xff\xd8\xff"),
    ("WEBP", 8, b"WEBP"),
    ("TIFF", 0, b"II*\x00"),
    ("TIFF", 0, b"MM\x00*"),
    ("TIFF", 0, b"II+\x00"),
    ("TIFF", 0, b"MM\x00+"),
    ("BMP", 0, b"BM"),
    ("GIF", 0, b"GIF87a"),
    ("GIF", 0, b"GIF89a"),
    ("JPEG2000", 0, b"\x00\x00\x00\x0cjP  \r\n\x87\n"),
    ("JPEG2000", 0, b"\xff\x4f\xff\x51"),
    ("AVIF", 4, b"ftypavif"),
    ("AVIF", 4, b"ftypavis"),
    *(("PNM", 0, start + space) for start in (b"P2", b"P3", b"P5", b"P6") for space in (b"\n", b" ", b"\r", b"\t")),
    ("DICOM", 128, b"DICM"),
)
FORMATS = "PNG, JPEG, WebP, TIFF, BMP, GIF, PGM, JPEG 2000, AVIF or DICOM"


def detect_format(data: bytes) -> str:
    """Detect the format from the first bytes: PNG, JPEG, JPEG2000, WEBP, AVIF, TIFF, BMP, GIF, PNM or DICOM.

    The file name is not used. 16 bytes are enough for every format except DICOM, which needs 132. Raises
    `UnsupportedFormat` for any other file.
    """
    for name, offset, magic in _MAGIC:
        if data[offset : offset + len(magic)] == magic:
            return name
    if _is_bare_dicom(data):
        return "DICOM"
    name, advice = describe(data)
    raise UnsupportedFormat(f"Unsupported file format{advice}. Allowed: {FORMATS}. Received: {name}.")


def _is_bare_dicom(data: bytes) -> bool:
    """True for a DICOM data set without preamble.

    It starts with group 0002 or 0008, followed by a value representation or a length below 65,536.
    """
    is_explicit = data[4:6] in {b"UL", b"OB", b"CS", b"UI", b"SH"}
    return data[:2] in {b"\x02\x00", b"\x08\x00"} and (is_explicit or data[6:8] == b"\x00\x00")
