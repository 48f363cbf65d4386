"""The elements of one data set, read so that damage costs as little as possible.

Each header is checked against the bytes that follow it, sequences that are not needed are skipped at any depth, and
after a damaged element reading continues at the next known one. Values are not converted here.
"""

from __future__ import annotations

import re
import struct
from typing import TypeAlias

import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag

from ...errors import TooLarge
from ...messages import message
from ..decode_limits import MAX_READS
from . import element_headers, encapsulation
from .element_headers import ITEM, ITEM_END, SEQUENCE_END, Encoding, Header

MAX_ELEMENTS = MAX_READS // 2
"""Maximum number of elements in a file, including those of sequences."""

MAX_ELEMENT_BYTES = 65_534
"""Maximum bytes of an element with numbers or text: the largest even number that a length field of two bytes can
hold."""

MAX_TABLE_BYTES = 1_000_000
"""Maximum bytes of a lookup table: seven times the largest table that 16 bits need."""

PIXEL_DATA = 0x7FE00010
"""Tag of PixelData."""

_TABLES = (0x00281201, 0x00281202, 0x00281203, 0x00281221, 0x00281222, 0x00281223, 0x00283006)
"""Lookup tables of PALETTE COLOR, their segments, and LUTData."""

_PIXELS = (PIXEL_DATA, 0x7FE00008, 0x7FE00009)
_MAX_BYTES = {**dict.fromkeys(_TABLES, MAX_TABLE_BYTES), **dict.fromkeys(_PIXELS, 2**32)}

SEQUENCES = {
    *(0x00082218, 0x00082228, 0x00283000, 0x00283010, 0x00289132, 0x00289145),
    *(0x00540220, 0x00540222, 0x20500010, 0x52009229, 0x52009230),
}
"""Sequences that are read: body part, view, modality and VOI lookup tables, presentation, functional groups of an
enhanced image. All others are skipped unless the caller names them, in particular those with an icon, which has the
elements of an image as well."""

_MAX_DEPTH = 4
"""Maximum nesting of the sequences that are read; functional groups have three levels."""

_FIRST_ITEM_ONLY = {0x52009230}
"""Sequences with an item for each frame; only the first frame is read."""

_ANCHORS = {
    0x00080016: "UI", 0x00080020: "DA", 0x00080060: "CS", 0x00100030: "DA", 0x00101010: "AS", 0x00180015: "CS",
    0x00185101: "CS", 0x00200020: "CS", 0x00280002: "US", 0x00280004: "CS", 0x00280008: "IS", 0x00280010: "US",
    0x00280011: "US", 0x00280100: "US", 0x00280101: "US", 0x00280102: "US", 0x00280103: "US", 0x00281050: "DS",
    0x00281051: "DS", 0x00281052: "DS", 0x00281053: "DS", PIXEL_DATA: "OW",
}  # fmt: skip
"""Elements with which reading continues after a damaged one, with their value representation."""

_PIXEL_VRS = {b"OB\0\0", b"OW\0\0", b"UN\0\0"}
"""Value representation and reserved bytes of PixelData; as a length they would be odd, which is not allowed."""

Element: TypeAlias = "pydicom.DataElement | RawDataElement"
Elements: TypeAlias = dict[BaseTag, Element]


class ElementReader:
    """Reads the elements of one data set; counts all headers, and notes damage.

    `also_read` are tags of sequences that are read in addition to `SEQUENCES`.
    """

    def __init__(self, data: bytes, encoding: Encoding, also_read: frozenset[int] = frozenset()) -> None:
        self._data, self._encoding = data, encoding
        self._sequences = also_read | SEQUENCES
        self._headers = 0
        self._anchors, self._pixel_anchor = (_anchor_pattern(encoding, tags) for tags in (_ANCHORS, {PIXEL_DATA: "OW"}))
        self.is_damaged = False

    def read(self, start: int) -> Elements:
        """The elements at the top level. Behind a damaged element, reading continues at the next anchor."""
        elements, damage = self._walk(start, is_resumed=False)
        while damage is not None and PIXEL_DATA not in elements:
            self.is_damaged = True
            anchor = self._anchors.search(self._data, damage)
            if anchor is None:
                break
            resumed_elements, damage = self._walk(anchor.start(), is_resumed=True)
            damage = damage if damage is None else max(damage, anchor.start() + 4)
            elements.update(resumed_elements)
        return elements

    def _walk(self, position: int, *, is_resumed: bool) -> tuple[Elements, int | None]:
        """(elements from here on, offset of the first damaged one or None).

        An anchor may lie in an item of a sequence. If a delimiter, a lower tag or a second PixelData follows, its
        elements are not those of the image, and none is returned.
        """
        elements: Elements = {}
        last_tag, last_private = -1, None
        while position + 8 <= len(self._data):
            header = self._header(position)
            is_delimiter = header is not None and header.tag >> 16 == 0xFFFE
            if header is not None and is_resumed and (is_delimiter or header.tag <= last_tag or self._is_icon(header)):
                return {}, position + is_delimiter
            end = header and (header.start if is_delimiter else self._value_end(header))
            if header is None or end is None:
                damage = position if last_private is None else last_private
                return elements, None if PIXEL_DATA in elements else damage
            if not is_delimiter:
                self._add(elements, header, end, depth=0)
            # The length of a private element may be wrong although a header seems to follow its value.
            last_private = position + 4 if header.tag >> 16 & 1 else None
            last_tag, position = header.tag, end
        # A private element that ends a few bytes before the end of the file may have swallowed the pixel data.
        is_cut = last_private is not None and position != len(self._data) and PIXEL_DATA not in elements
        has_pixels = is_cut and self._pixel_anchor.search(self._data, last_private or 0) is not None
        return elements, last_private if has_pixels else None

    def _is_icon(self, header: Header) -> bool:
        """True for PixelData whose header is followed by another PixelData."""
        return header.tag == PIXEL_DATA and self._pixel_anchor.search(self._data, header.start) is not None

    def _header(self, position: int) -> Header | None:
        self._count_header()
        if element_headers.tag_at(self._data, position, self._encoding) == PIXEL_DATA:
            return self._pixel_header(position)
        return element_headers.find_header(self._data, position, self._encoding, len(self._data))

    def _pixel_header(self, position: int) -> Header:
        """Anything may follow the pixel data, so the header is checked by itself."""
        forms = list(element_headers.readings(self._data, position, self._encoding))
        if self._data[position + 4 : position + 8] in _PIXEL_VRS:
            return max(forms, key=lambda form: (form.vr is not None, form.start))
        fitting = [
            form for form in forms if form.is_undefined or 0 < form.end - form.start <= len(self._data) - form.start
        ]
        return (fitting or forms)[0]

    def _count_header(self) -> None:
        self._headers += 1
        if self._headers > MAX_ELEMENTS:
            raise TooLarge(
                message(
                    "The file has too many parts. Allowed: {max_elements:,} DICOM elements.", max_elements=MAX_ELEMENTS
                )
            )

    def _value_end(self, header: Header) -> int | None:
        """Offset of the end of the value; None if the end of a sequence is not in the file."""
        is_items = element_headers.tag_at(self._data, header.start, self._encoding) == ITEM
        if header.tag == PIXEL_DATA and header.is_undefined and is_items:
            return encapsulation.end(self._data, header.start, self._encoding)
        if header.tag == PIXEL_DATA:
            self.is_damaged |= header.end > len(self._data)
            return min(header.end, len(self._data))
        if not header.is_undefined:
            return header.end
        return element_headers.sequence_end(
            self._data, header.start, self._encoding, len(self._data), self._count_header
        )

    def _add(self, elements: Elements, header: Header, end: int, depth: int) -> None:
        """Add an element if it is one that may be read: no private one, no group length, not too long."""
        if header.tag >> 16 & 1 or not header.tag & 0xFFFF:
            return
        if header.tag in self._sequences:
            items = self._items(header.start, end, header.tag in _FIRST_ITEM_ONLY, depth)
            elements.setdefault(Tag(header.tag), pydicom.DataElement(header.tag, "SQ", Sequence(items)))
            return
        is_other_sequence = header.vr == "SQ" or (header.is_undefined and header.tag != PIXEL_DATA)
        if is_other_sequence or end - header.start > _MAX_BYTES.get(header.tag, MAX_ELEMENT_BYTES):
            return
        vr = None if header.vr == "UN" else header.vr
        raw = RawDataElement(
            Tag(header.tag),
            vr,
            header.length if header.is_undefined else end - header.start,
            self._data[header.start : end],
            header.start,
            vr is None,
            self._encoding.is_little_endian,
        )
        elements.setdefault(raw.tag, raw)

    def _items(self, position: int, end: int, is_first_only: bool, depth: int) -> list[pydicom.Dataset]:
        items: list[pydicom.Dataset] = []
        while depth < _MAX_DEPTH and not (is_first_only and items):
            header = element_headers.find_header(self._data, position, self._encoding, end)
            if header is None or header.tag != ITEM:
                break
            elements, position = self._item(header, end, depth + 1)
            items.append(pydicom.Dataset(elements))
        return items

    def _item(self, item: Header, end: int, depth: int) -> tuple[Elements, int]:
        """(elements of one item, offset of its end)."""
        elements: Elements = {}
        position, end = item.start, end if item.is_undefined else item.end
        while position + 8 <= end:
            self._count_header()
            header = element_headers.find_header(self._data, position, self._encoding, end)
            if header is None or header.tag in {ITEM, SEQUENCE_END}:
                return elements, position if item.is_undefined else item.end
            if header.tag == ITEM_END:
                return elements, header.start
            value_end = self._value_end(header)
            if value_end is None:
                break
            self._add(elements, header, value_end, depth)
            position = value_end
        return elements, end


def _anchor_pattern(encoding: Encoding, anchors: dict[int, str]) -> re.Pattern[bytes]:
    """Matches the header of each anchor: tag and value representation, or tag and a short length."""
    order = "<HH" if encoding.is_little_endian else ">HH"
    headers = []
    for tag, vr in anchors.items():
        start = re.escape(struct.pack(order, tag >> 16, tag & 0xFFFF))
        if tag == PIXEL_DATA:
            headers.append(start + (b"" if encoding.is_implicit else b"O[BW]\0\0"))
        elif encoding.is_implicit:
            headers.append(start + (rb"[\0-\x40]\0\0\0" if encoding.is_little_endian else rb"\0\0\0[\0-\x40]"))
        else:
            headers.append(start + vr.encode())
    return re.compile(b"|".join(headers), re.DOTALL)
