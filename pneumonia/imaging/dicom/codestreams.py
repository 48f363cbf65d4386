"""Headers and ends of compressed frames: which compression it is, the layout of the samples, and whether all is there.

A JPEG, JPEG-LS or JPEG 2000 codestream states its own layout (ISO/IEC 10918-1 B.2.2, 14495-1 C.2.2, 15444-1 A.5.1). It
is used where the DICOM header contradicts it or lacks an element.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from pydicom import uid
from pydicom.uid import UID

from .decoder_worker import END_MARKER

_JPEG_START, _JPEG_2000_START, _JP2_START = b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  "
_RLE_HEADER_BYTES = 64
_MAX_RLE_SEGMENTS = 15
_MAX_SEGMENTS = 1_000
"""JPEG segments before the frame header; a colour profile and EXIF data take a few."""

_FRAME_HEADERS = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xDA)}


_MAX_END_DISTANCE = 64
"""Maximum distance in bytes between the end marker and the end of the frame; writers may add padding."""


class Codestream(NamedTuple):
    """What the header of a compressed frame states.

    `syntaxes` are the transfer syntaxes that it may have, the usual one first. `bits` are those of a sample. For RLE,
    rows and columns are None, and bits are those allocated.
    """

    syntaxes: tuple[UID, ...]
    rows: int | None
    columns: int | None
    samples: int
    bits: int
    is_signed: bool = False
    is_rgb: bool = False


def starts_codestream(data: bytes) -> bool:
    """True if a compressed frame begins here."""
    return data.startswith((_JPEG_START, _JPEG_2000_START, _JP2_START)) or _is_rle(data)


def read_header(data: bytes) -> Codestream | None:
    """The header of a compressed frame; None if it has none or is damaged."""
    try:
        if data.startswith(_JPEG_START):
            return _read_jpeg(data)
        if data.startswith((_JPEG_2000_START, _JP2_START)):
            return _read_jpeg_2000(data)
    except (struct.error, IndexError):
        return None
    return _read_rle(data) if _is_rle(data) else None


def has_end_marker(syntax: UID, frame: bytes) -> bool:
    """True if the frame ends with its end marker, and is therefore complete; always true for RLE.

    Decoders fill in the missing part of a truncated frame, but such a film must not be scored. The two bytes of the
    marker do not occur in the entropy-coded data of JPEG, JPEG-LS and JPEG 2000. RLE has no marker; its decoder checks
    the number of samples. Zeros after the marker are padding of any length.
    """
    return syntax == uid.RLELossless or END_MARKER in frame.rstrip(b"\0")[-_MAX_END_DISTANCE:]


def frame_size(syntax: UID, frame: bytes) -> tuple[int, int] | None:
    """(height, width) in the header of the frame; None for RLE, which has no such header.

    A decoder uses this size. If it differs from the DICOM header, the samples would be arranged in wrong rows. Raises
    `IndexError` or `struct.error` if the header is incomplete.
    """
    if syntax == uid.RLELossless:
        return None
    if syntax in uid.JPEG2000TransferSyntaxes:
        position = frame.find(_JPEG_2000_START) + len(_JPEG_2000_START)
        right, bottom, left, top = struct.unpack_from(">4L", frame, position + 4)
        return bottom - top, right - left
    position = 2
    while frame[position + 1] not in _FRAME_HEADERS:
        position += 1 if frame[position + 1] == 0xFF else 2 + int.from_bytes(frame[position + 2 : position + 4])
    height, width = struct.unpack_from(">HH", frame, position + 5)
    return height, width


def _is_rle(data: bytes) -> bool:
    if len(data) < _RLE_HEADER_BYTES:
        return False
    segments, *offsets = struct.unpack_from("<16L", data)
    used = offsets[:segments]
    return (
        1 <= segments <= _MAX_RLE_SEGMENTS
        and used[0] == _RLE_HEADER_BYTES
        and used == sorted(used)
        and not any(offsets[segments:])
    )


def _read_rle(data: bytes) -> Codestream:
    """Each segment holds one byte of each sample, so three segments are colours of 8 bits (PS3.5, annex G)."""
    (segments,) = struct.unpack_from("<L", data)
    samples = 3 if segments % 3 == 0 else 1
    return Codestream((uid.RLELossless,), None, None, samples, 8 * segments // samples)


def _read_jpeg(data: bytes) -> Codestream | None:
    position, is_adobe_rgb = 2, False
    for _ in range(_MAX_SEGMENTS):
        while data[position + 1] == 0xFF:  # fill bytes
            position += 1
        if data[position] != 0xFF:
            return None
        marker = data[position + 1]
        if marker in _WITHOUT_LENGTH:
            position += 2
            continue
        (length,) = struct.unpack_from(">H", data, position + 2)
        if marker in _FRAME_HEADERS:
            bits, rows, columns, samples = struct.unpack_from(">BHHB", data, position + 4)
            identifiers = bytes(data[position + 10 : position + 10 + 3 * samples : 3])
            is_rgb = samples == 3 and (is_adobe_rgb or identifiers == b"RGB")
            return Codestream(_jpeg_syntaxes(marker, bits), rows, columns, samples, bits, is_rgb=is_rgb)
        if marker == 0xEE and data[position + 4 : position + 9] == b"Adobe":
            is_adobe_rgb = data[position + 15] == 0
        position += 2 + length
    return None


def _jpeg_syntaxes(marker: int, bits: int) -> tuple[UID, ...]:
    if marker == 0xF7:
        return uid.JPEGLSLossless, uid.JPEGLSNearLossless
    if marker == 0xC3:
        return uid.JPEGLosslessSV1, uid.JPEGLossless
    return (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit) if bits == 8 else (uid.JPEGExtended12Bit,)


def _read_jpeg_2000(data: bytes) -> Codestream | None:
    position = data.find(_JPEG_2000_START)
    if position < 0:
        return None
    right, bottom, left, top = struct.unpack_from(">4L", data, position + 8)
    samples, depth = struct.unpack_from(">HB", data, position + 40)
    syntaxes = (uid.JPEG2000, uid.JPEG2000Lossless)
    return Codestream(syntaxes, bottom - top, right - left, samples, (depth & 0x7F) + 1, bool(depth & 0x80))
