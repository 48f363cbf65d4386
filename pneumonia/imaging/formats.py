"""Detection of the file format by magic bytes."""

from __future__ import annotations

from ..errors import UnsupportedFormat

_MAGIC: tuple[tuple[str, int, bytes], ...] = (
    ("PNG", 0, b"\x89PNG\r\n\x1a\n"),
    ("JPEG", 0, b"\xff\xd8\xff"),
    ("WEBP", 8, b"WEBP"),
    ("TIFF", 0, b"II*\x00"),
    ("TIFF", 0, b"MM\x00*"),
    ("TIFF", 0, b"II+\x00"),
    ("TIFF", 0, b"MM\x00+"),
    ("BMP", 0, b"BM"),
    ("DICOM", 128, b"DICM"),
)
FORMATS = "PNG, JPEG, WebP, TIFF, BMP or DICOM"


def detect_format(data: bytes) -> str:
    """Detect the format from the first bytes: PNG, JPEG, WEBP, TIFF, BMP or DICOM.

    The file name is not used. 16 bytes are enough for every format except DICOM, which needs 132. Raises
    `UnsupportedFormat` for any other file.
    """
    for name, offset, magic in _MAGIC:
        if data[offset : offset + len(magic)] == magic:
            return name
    if _is_bare_dicom(data):
        return "DICOM"
    raise UnsupportedFormat(
        f"Unsupported file format. Allowed: {FORMATS}. Received: {_describe_unsupported_file(data)}."
    )


def _is_bare_dicom(data: bytes) -> bool:
    """True for a DICOM data set without preamble.

    It starts with group 0002 or 0008, followed by a value representation or a length below 65,536.
    """
    is_explicit = data[4:6] in {b"UL", b"OB", b"CS", b"UI", b"SH"}
    return data[:2] in {b"\x02\x00", b"\x08\x00"} and (is_explicit or data[6:8] == b"\x00\x00")


def _describe_unsupported_file(data: bytes) -> str:
    """Describe an unsupported file for the error message, without quoting it."""
    descriptions = (
        (b"%PDF", "a PDF"),
        (b"PK\x03\x04", "a ZIP or office file"),
        (b"GIF8", "a GIF"),
        (b"<", "a text file"),
    )
    return next(
        (name for magic, name in descriptions if data.startswith(magic)), f"an unknown format ({len(data)} bytes)"
    )
