"""Detection of the file format by magic bytes."""

from __future__ import annotations

from ..errors import UnsupportedFormat
from ..messages import message
from .dicom import element_headers
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
    *(
        ("PNM", 0, start + space)
        for start in (b"P2", b"P3", b"P5", b"P6")
        for space in (b"\n", b" ", b"\r", b"\t", b"#")
    ),
    ("DICOM", 128, b"DICM"),
)
FORMATS = message("PNG, JPEG, WebP, TIFF, BMP, GIF, PGM, JPEG 2000, AVIF or DICOM")


def detect_format(data: bytes) -> str:
    """Detect the format from the first bytes: PNG, JPEG, JPEG2000, WEBP, AVIF, TIFF, BMP, GIF, PNM or DICOM.

    The file name is not used. 16 bytes are enough for every format except DICOM, which needs 140, or 512 without a
    preamble. Raises `UnsupportedFormat` for any other file.
    """
    if _has_dicom_prefix(data):
        return "DICOM"
    for name, offset, magic in _MAGIC:
        if data[offset : offset + len(magic)] == magic:
            return name
    if data[4:8] == b"ftyp" and _is_avif(data):
        return "AVIF"
    if element_headers.is_data_set(data):
        return "DICOM"
    name, advice = describe(data)
    values = {"advice": advice, "formats": FORMATS, "name": name}
    if not advice:
        raise UnsupportedFormat(message("Unsupported file format. Allowed: {formats}. Received: {name}.", **values))
    raise UnsupportedFormat(
        message("Unsupported file format: {advice}. Allowed: {formats}. Received: {name}.", **values)
    )


def _has_dicom_prefix(data: bytes) -> bool:
    """True for a DICOM file with preamble, which may be anything, even the beginning of a TIFF or BMP (PS3.10, 7.1)."""
    end = element_headers.PREFIX_END
    return data[end - 4 : end] == b"DICM" and (len(data) < end + 8 or element_headers.starts_with_element(data, end))


def _is_avif(data: bytes) -> bool:
    """True if a file of the ISO base media format names AVIF as its brand, or among the first compatible ones."""
    brands = (data[8:12], *(data[at : at + 4] for at in range(16, min(40, int.from_bytes(data[:4])), 4)))
    return b"avif" in brands or b"avis" in brands
