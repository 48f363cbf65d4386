"""Segments of a JPEG file (ISO/IEC 10918-1, annex B): what decoding needs, separated from the metadata.

Application segments and comments are removed before Pillow reads the file, so they may be damaged or very large. Those
of JFIF and Adobe remain, since they declare the colour model.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from ...errors import TooLarge, UnreadableImage
from ...messages import message
from ..decode_limits import MAX_READS
from . import tiff_directory

START, END_MARKER = b"\xff\xd8", b"\xff\xd9"

_START_OF_SCAN = 0xDA
_HUFFMAN_TABLES = 0xC4
_SEQUENTIAL = {0xC0, 0xC1}
"""Frame headers of sequential JPEG with Huffman coding; all its tables lie before the first scan."""

_NUMBER_OF_LINES = b"\xff\xdc\x00\x04"
"""Marker and length of the segment DNL."""

_GAP = bytes(64)
_COMMENT = 0xFE
_APPLICATION = range(0xE0, 0xF0)
_STANDALONE = {0x01, *range(0xD0, 0xDA)}
"""Markers without a segment: temporary use, restart, start and end of an image."""

_FRAMES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
"""Markers of frame headers; 0xF7 is JPEG-LS."""

_BETWEEN_SCANS = {_START_OF_SCAN, 0xC4, 0xCC, 0xDB, 0xDC, 0xDD, _COMMENT, *_APPLICATION}
"""Markers of segments that may lie between two scans: tables, number of lines, restart interval, metadata."""

_ANY_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""A marker that ends compressed data: any but restart markers, padding, and 0xFF followed by a zero."""

_DECODED = {*range(0xC0, 0xD0), *range(0xDB, 0xE0), 0xF7, 0xF8}
"""Markers of segments that decoders need: frame headers, tables, restart interval, parameters of JPEG-LS."""

_EXIF, _XMP, _IMAGES = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"MPF\0"
_NUMBER_OF_IMAGES = 0xB001
"""Tag in the list of images of a multi-picture file (CIPA DC-007)."""

_TABLE = re.compile(rb"\xff\xdb\x00[\x43\x84\xc5]")
"""Start of quantization tables; nearly every writer puts them directly before the frame header."""

_MAX_CANDIDATES = 20
"""Maximum number of tables that are tried after a segment with a wrong length."""


@dataclass
class JpegSegments:
    """Header of a JPEG: the bytes that decoding needs up to the first scan, the frame header, and metadata."""

    header: list[bytes] = field(default_factory=list)
    is_changed: bool = False
    """Whether any segment was left out of `header`."""
    scan: int = 0
    """Position of the first scan in the file."""
    marker: int = 0
    precision: int = 0
    width: int = 0
    height: int = 0
    components: int = 0
    exif: bytes = b""
    xmp: bytes | None = None
    frames: int = 1

    @property
    def is_progressive(self) -> bool:
        return self.marker in {0xC2, 0xC6, 0xCA, 0xCE}

    def as_jpeg(self, data: bytes) -> bytes:
        """The file without the segments that were left out."""
        return b"".join([START, *self.header, memoryview(data)[self.scan :]]) if self.is_changed else data


def scan(data: bytes) -> JpegSegments:
    """Read the segments up to the first scan. Raises `UnreadableImage` or `TooLarge`."""
    segments = JpegSegments()
    if not _walk(data, 2, segments):
        segments = _recover(data)
    if segments.height == 0:
        _complete_height(data, segments)
    return segments


def _complete_height(data: bytes, segments: JpegSegments) -> None:
    """Take the height from the segment behind the first scan (DNL; B.2.5), which libjpeg does not read."""
    position = data.find(_NUMBER_OF_LINES, segments.scan)
    height = data[position + 4 : position + 6]
    if position < 0 or len(height) < 2:
        return
    segments.height, segments.is_changed = int.from_bytes(height), True
    is_frame = (segment[1] == segments.marker for segment in segments.header)
    segments.header = [
        segment[:5] + height + segment[7:] if is_changed else segment
        for segment, is_changed in zip(segments.header, is_frame, strict=True)
    ]


def has_gap(data: bytes, first_scan: int, segments: JpegSegments) -> bool:
    """Whether a part of the compressed data was replaced by zeros, as after an incomplete copy.

    Zeros are the first code of each Huffman table. In the usual tables they stand for a coefficient, so a long run of
    zeros is noise that no picture has. Where they stand for an even block, nothing can be said.
    """
    gap = data.find(_GAP, first_scan) if segments.marker in _SEQUENTIAL else -1
    is_inside = gap >= 0 and gap < end_of_scans(data, first_scan)
    return is_inside and any(_first_symbols(segments.header))


def _first_symbols(header: list[bytes]) -> Iterator[int]:
    """The symbol of the code that consists of zeros, for each Huffman table (ISO/IEC 10918-1, B.2.4.2)."""
    for segment in header:
        position = 4 if segment[1] == _HUFFMAN_TABLES else len(segment)
        while position + 17 < len(segment):
            yield segment[position + 17]
            position += 17 + sum(segment[position + 1 : position + 17])


def end_of_scans(data: bytes, first_scan: int) -> int:
    """Position after the compressed data of all scans: of the end marker, of another image, or of the file's end."""
    position = first_scan
    for _ in range(MAX_READS):
        if data[position + 1] not in _BETWEEN_SCANS:
            return position
        position += 2 + int.from_bytes(data[position + 2 : position + 4])
        marker = _ANY_MARKER.search(data, position)
        if marker is None:
            return len(data)
        position = marker.start()
    raise TooLarge(
        message("The file has too many parts. Allowed: {max_reads:,} chunks, segments or tags.", max_reads=MAX_READS)
    )


def _walk(data: bytes, position: int, segments: JpegSegments) -> bool:
    """Read segments from `position` to the first scan; false if there is none, or if a segment has a wrong length."""
    for _ in range(MAX_READS):
        marker_at = data.find(b"\xff", position)
        if marker_at < 0 or marker_at + 4 > len(data):
            return False
        segments.is_changed |= marker_at != position
        marker = data[marker_at + 1]
        if marker in {0x00, 0xFF} or marker in _STANDALONE:
            position = marker_at + (1 if marker == 0xFF else 2)
            segments.is_changed = True
            continue
        end = marker_at + 2 + int.from_bytes(data[marker_at + 2 : marker_at + 4])
        if marker == _START_OF_SCAN:
            segments.scan = marker_at
            return segments.marker > 0
        if end < marker_at + 4 or data[end : end + 1] != b"\xff":
            return False
        _add(segments, marker, data[marker_at:end])
        position = end
    raise TooLarge(
        message("The file has too many parts. Allowed: {max_reads:,} chunks, segments or tags.", max_reads=MAX_READS)
    )


def _recover(data: bytes) -> JpegSegments:
    """Find the film after a segment with a wrong length: the largest frame that starts with quantization tables.

    A thumbnail inside the damaged segment has such a frame too.
    """
    best = JpegSegments()
    for _, match in zip(range(_MAX_CANDIDATES), _TABLE.finditer(data), strict=False):
        candidate = JpegSegments(is_changed=True)
        if _walk(data, match.start(), candidate) and candidate.width * candidate.height > best.width * best.height:
            best = candidate
    if not best.marker:
        raise UnreadableImage(message("The JPEG is damaged or truncated: it has no complete header."))
    return best


def _add(segments: JpegSegments, marker: int, segment: bytes) -> None:
    body = segment[4:]
    if marker in _APPLICATION or marker == _COMMENT:
        if _declares_colours(marker, body):
            segments.header.append(segment)
        else:
            segments.is_changed = True
            _add_metadata(segments, marker, body)
    elif marker not in _DECODED:
        segments.is_changed = True
    else:
        segments.header.append(segment)
    if marker in _FRAMES and len(body) >= 6:
        segments.marker = marker
        segments.precision, segments.height, segments.width, segments.components = struct.unpack_from(">BHHB", body)


def _declares_colours(marker: int, body: bytes) -> bool:
    is_jfif = marker == 0xE0 and body.startswith(b"JFIF\0") and len(body) >= 14
    return is_jfif or (marker == 0xEE and body.startswith(b"Adobe") and len(body) >= 12)


def _add_metadata(segments: JpegSegments, marker: int, body: bytes) -> None:
    if marker == 0xE1 and body.startswith(_EXIF):
        # Large EXIF tags are continued in further segments.
        segments.exif += body[len(_EXIF) :] if segments.exif else body
    elif marker == 0xE1 and body.startswith(_XMP) and segments.xmp is None:
        segments.xmp = body[len(_XMP) :]
    elif marker == 0xE2 and body.startswith(_IMAGES):
        listed = body[len(_IMAGES) :]
        header = tiff_directory.read_header(listed)
        if header is not None:
            directory = tiff_directory.Directory(listed, header, header.first)
            segments.frames = max(1, directory.integer(_NUMBER_OF_IMAGES, 1))
