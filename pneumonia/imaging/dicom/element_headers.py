"""Headers of DICOM elements: tag, value representation and length, in every encoding (DICOM PS3.5, section 7).

Real files contradict their transfer syntax, change their encoding in the middle, or have wrong lengths. A header is
therefore accepted only if it fits into the file and another header follows its value; otherwise the next reading of
the same bytes is tried. The module needs no pydicom, since `formats.py` uses it for every unknown file.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

UNDEFINED_LENGTH = 0xFFFFFFFF
PREFIX_END = 132
"""Offset in bytes of the first element in a file with preamble (128 bytes) and prefix (`DICM`)."""

_PREFIX = b"DICM"

_PADDING_TAG = 0xFFFCFFFC
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_ITEM_TAGS = {ITEM, ITEM_END, SEQUENCE_END}

_LONG_VRS = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}
"""Value representations with a length of four bytes, after two reserved ones."""

_SHORT_VRS = {"AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "ST"}
_SHORT_VRS |= {"TM", "UI", "UL", "US"}
_VRS = {code.encode(): vr for vr in _LONG_VRS | _SHORT_VRS for code in (vr, vr.lower())}

_FIRST_GROUPS = frozenset({0x0000, 0x0002, 0x0004, *range(0x0008, 0x0060), 0x0088, 0x2050, 0x5200, 0x5400, 0x7FE0})
"""Groups of the elements with which a data set without preamble may begin."""

_CHECKED_HEADERS = 12
"""Number of headers that are compared to find the encoding."""

_MAX_COMPARED_HEADERS = 1_000
"""Headers of a sequence that are followed to find the encoding."""

_MIN_BARE_HEADERS = 3
"""A file without preamble is DICOM if at least this many headers follow each other."""

_MAX_LEADING_BYTES = 16
"""Bytes that may precede a data set without preamble; programs that cut files leave some."""


class Encoding(NamedTuple):
    """How a data set is written: with or without value representations, and the byte order."""

    is_implicit: bool
    is_little_endian: bool


IMPLICIT_LITTLE = Encoding(True, True)
EXPLICIT_LITTLE = Encoding(False, True)
EXPLICIT_BIG = Encoding(False, False)
IMPLICIT_BIG = Encoding(True, False)
ENCODINGS = (EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_BIG)

_FORMATS = {True: (struct.Struct("<HH"), struct.Struct("<L")), False: (struct.Struct(">HH"), struct.Struct(">L"))}


class Header(NamedTuple):
    """One header: tag, value representation (None if it has none), offset of the value and its length in bytes."""

    tag: int
    vr: str | None
    start: int
    length: int

    @property
    def is_undefined(self) -> bool:
        """True if delimiters mark the end of the value."""
        return self.length == UNDEFINED_LENGTH

    @property
    def end(self) -> int:
        """Offset of the end of a value with defined length."""
        return self.start + self.length


def tag_at(data: bytes, position: int, encoding: Encoding) -> int:
    """The tag at this position; -1 at the end of the data."""
    if position + 4 > len(data):
        return -1
    group, element = _FORMATS[encoding.is_little_endian][0].unpack_from(data, position)
    return int(group << 16 | element)


def readings(data: bytes, position: int, encoding: Encoding) -> Iterator[Header]:
    """All ways to read the bytes at this position as a header, the most probable first."""
    if position + 8 > len(data):
        return
    words, long = _FORMATS[encoding.is_little_endian]
    tag = tag_at(data, position, encoding)
    implicit = Header(tag, None, position + 8, long.unpack_from(data, position + 4)[0])
    if tag in _ITEM_TAGS:
        yield implicit
        return
    code = data[position + 4 : position + 6]
    vr = _VRS.get(code)
    forms = [Header(tag, vr, position + 8, words.unpack_from(data, position + 4)[1])]
    if position + 12 <= len(data):
        forms.append(Header(tag, vr, position + 12, long.unpack_from(data, position + 8)[0]))
    forms = forms[::-1] if vr in _LONG_VRS else forms
    if encoding.is_implicit:
        yield from (implicit, *(forms if vr else ()))
    else:
        # A known value representation is decisive; as a length, its letters would be 16,705 or more.
        yield from forms if vr else (*forms, implicit) if code.isalpha() else (implicit, *forms)


def find_header(data: bytes, position: int, encoding: Encoding, end: int) -> Header | None:
    """The reading of the header at this position that fits into `data[:end]` and is followed by another header.

    A value whose length is wrong by one (a pad byte that is not counted, or counted but missing) is accepted. None if
    no reading fits.
    """
    forms = list(readings(data, position, encoding))
    for header in forms:
        if _is_followed(data, header, encoding, end):
            return header
    for header, change in ((header, change) for header in forms[:1] for change in (1, -1)):
        changed = header._replace(length=header.length + change)
        if not header.is_undefined and header.length and _is_followed(data, changed, encoding, end):
            return changed
    return None


def _is_followed(data: bytes, header: Header, encoding: Encoding, end: int) -> bool:
    if header.is_undefined:
        return header.tag == ITEM or tag_at(data, header.start, encoding) in {ITEM, SEQUENCE_END}
    return header.end <= end and _is_header(data, header.end, encoding, end, header.tag)


def _is_header(data: bytes, position: int, encoding: Encoding, end: int, previous_tag: int) -> bool:
    if position + 8 > end:  # the end, or fewer bytes than any header has
        return True
    tag = tag_at(data, position, encoding)
    if tag >> 16 == 0xFFFE:
        return tag in _ITEM_TAGS
    if not encoding.is_implicit and data[position + 4 : position + 6] in _VRS:
        return tag != 0
    is_rising = previous_tag in _ITEM_TAGS or previous_tag < tag
    if not encoding.is_implicit and not (is_rising and tag < _PADDING_TAG):
        return False  # without a value representation, only a rising tag makes a header probable
    length = _FORMATS[encoding.is_little_endian][1].unpack_from(data, position + 4)[0]
    return tag != 0 and (length == UNDEFINED_LENGTH or position + 8 + length <= end)


def sequence_end(
    data: bytes, position: int, encoding: Encoding, end: int, on_header: Callable[[], object]
) -> int | None:
    """Offset of the end of a sequence of undefined length whose first item is at this position; None if it is damaged.

    The nesting is followed without recursion, to any depth. A delimiter may be missing: an element where an item is
    expected ends the sequence. `on_header` is called for each header; an exception that it raises is passed on.
    """
    in_item: list[bool] = [False]  # one entry for each open sequence; True while one of its items is open
    while in_item:
        if position >= end:
            return None
        on_header()
        header = find_header(data, position, encoding, end)
        if header is None:
            return None
        if header.tag == SEQUENCE_END:
            in_item.pop()
            position = header.start
        elif header.tag == ITEM_END:
            in_item[-1] = False
            position = header.start
        elif header.tag == ITEM:
            in_item[-1] = header.is_undefined
            position = header.start if header.is_undefined else header.end
        elif not in_item[-1]:
            in_item.pop()  # the delimiter of this sequence is missing
        elif header.is_undefined:
            in_item.append(False)
            position = header.start
        else:
            position = header.end
    return position


def detect_encoding(data: bytes, position: int, declared: Encoding | None) -> tuple[Encoding, int]:
    """(encoding in which most headers follow each other at this position, their number); `declared` wins a tie."""
    candidates = [encoding for encoding in (declared, *ENCODINGS) if encoding is not None]
    counts = [(_count_headers(data, position, encoding), encoding) for encoding in candidates]
    best = max(count for count, _ in counts)
    return next(encoding for count, encoding in counts if count == best), best


def _count_headers(data: bytes, position: int, encoding: Encoding) -> int:
    """Number of headers, with rising tags and in this encoding only; `_CHECKED_HEADERS` if they reach the end."""
    count, last = 0, -1
    while count < _CHECKED_HEADERS:
        header = next(readings(data, position, encoding), None)
        is_regular = header is not None and header.tag > last and (header.vr is not None or encoding.is_implicit)
        if header is None or not is_regular or (count == 0 and header.tag >> 16 not in _FIRST_GROUPS):
            return count
        if header.tag >> 16 == 0x7FE0:
            return _CHECKED_HEADERS if count else 1
        end = _short_sequence_end(data, header.start, encoding) if header.is_undefined else header.end
        if end is None or end > len(data):
            return count
        count, last, position = count + 1, header.tag, end
        if position == len(data):
            return _CHECKED_HEADERS if count > 1 else count
    return count


def _short_sequence_end(data: bytes, position: int, encoding: Encoding) -> int | None:
    """The same as `sequence_end`, but None for a sequence with more than `_MAX_COMPARED_HEADERS`."""
    budget = iter(range(_MAX_COMPARED_HEADERS))
    try:
        return sequence_end(data, position, encoding, len(data), lambda: next(budget))
    except StopIteration:
        return None


def second_prefix_end(data: bytes, position: int) -> int | None:
    """Offset of the end of a preamble and prefix that begin here or one byte from here; None if there are none.

    The length of an element before a preamble cannot be verified, since no header follows it.
    """
    start = data.find(_PREFIX, position + PREFIX_END - 5, position + PREFIX_END + 1)
    return None if start < 0 else start + len(_PREFIX)


def first_element(data: bytes) -> int:
    """Offset of the first element: after preamble and prefix, after one of them if the other is missing, or after a
    few other bytes.
    """
    if data[PREFIX_END - 4 : PREFIX_END] == _PREFIX:
        return PREFIX_END
    if data[:4] == _PREFIX:
        return 4
    if data[: PREFIX_END - 4] == bytes(PREFIX_END - 4):
        return PREFIX_END - 4
    if detect_encoding(data, 0, None)[1]:
        return 0
    offsets = (offset for offset in range(1, _MAX_LEADING_BYTES + 1))
    return next((offset for offset in offsets if detect_encoding(data, offset, None)[1] == _CHECKED_HEADERS), 0)


def is_data_set(data: bytes) -> bool:
    """True if DICOM elements follow each other at the beginning of the file, in any encoding.

    The first one may be any element, of the meta header or of the data set. Needs the first 512 bytes at least.
    """
    return detect_encoding(data, first_element(data), None)[1] >= _MIN_BARE_HEADERS


def starts_with_element(data: bytes, position: int) -> bool:
    """True if a header in any encoding is at this position."""
    return any(
        header.tag >> 16 in _FIRST_GROUPS and (header.vr is not None or encoding.is_implicit)
        for encoding in ENCODINGS
        for header in readings(data, position, encoding)
        if header.end <= len(data) or header.is_undefined
    )
