"""DICOM file -> pydicom `Dataset` with the elements of the image, whatever the rest of the file is like.

pydicom's own reader follows the transfer syntax and the lengths of the file, and reads nested sequences by recursion:
after one wrong length in a private element it cannot read the film. Here the bytes decide; `element_reader` reads the
data set.
"""

from __future__ import annotations

from dataclasses import dataclass

import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from ...errors import UnreadableImage
from . import element_headers
from .element_headers import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, UNDEFINED_LENGTH, Encoding
from .element_reader import PIXEL_DATA, ElementReader
from .inflate import inflate

_STORAGE_CLASS_TAG, _STORAGE_INSTANCE_TAG, _SYNTAX_TAG = 0x00020002, 0x00020003, 0x00020010
_ENCODINGS: dict[str, Encoding] = {
    ImplicitVRLittleEndian: IMPLICIT_LITTLE,
    ExplicitVRLittleEndian: EXPLICIT_LITTLE,
    ExplicitVRBigEndian: EXPLICIT_BIG,
}
_MIN_HEADERS = 3
"""A data set that is declared as deflated is not if at least this many headers follow each other."""

_MAX_UID_BYTES = 128


@dataclass(frozen=True)
class ParsedFile:
    """The elements of a file, its encoding, and what its meta header declares.

    `dataset` holds unconverted elements and no private ones. `syntax`, `storage_class` and `storage_instance` are UIDs
    of the meta header, "" if they are missing. `is_damaged` is true if an element is damaged, or the file ends within
    one.
    """

    dataset: pydicom.Dataset
    encoding: Encoding
    syntax: str
    storage_class: str
    is_damaged: bool
    storage_instance: str = ""

    @property
    def pixel_data(self) -> bytes:
        """The value of PixelData as it is stored; empty if it is missing."""
        raw = self.dataset.get_item(PIXEL_DATA)
        return (raw.value or b"") if isinstance(raw, RawDataElement) else b""

    @property
    def has_undefined_length(self) -> bool:
        """True if delimiters mark the end of PixelData."""
        raw = self.dataset.get_item(PIXEL_DATA)
        return isinstance(raw, RawDataElement) and raw.length == UNDEFINED_LENGTH


def parse(data: bytes, also_read: frozenset[int] = frozenset()) -> ParsedFile:
    """Read the elements of a file; `also_read` are tags of further sequences, which an image does not need.

    Raises `TooLarge` if there are more than 250,000 elements or a deflated file is too large, and `UnreadableImage` if
    a deflated file is truncated.
    """
    meta, start = _read_meta_header(data)
    syntax, storage_class = _uid(meta, _SYNTAX_TAG), _uid(meta, _STORAGE_CLASS_TAG)
    data, start, encoding = _find_data_set(data, start, syntax)
    reader = ElementReader(data, encoding, also_read)
    dataset = pydicom.Dataset(reader.read(start))
    dataset.set_original_encoding(*encoding)
    dataset.file_meta = FileMetaDataset()
    storage_instance = _uid(meta, _STORAGE_INSTANCE_TAG)
    return ParsedFile(dataset, encoding, syntax, storage_class, reader.is_damaged, storage_instance)


def _read_meta_header(data: bytes) -> tuple[dict[int, bytes], int]:
    """(tag -> value in bytes, offset of the data set); its length is not read, since it is often wrong.

    A program that adds a header to a file which has one leaves two, of which the second describes the data set.
    """
    values, position = _read_meta_elements(data, element_headers.first_element(data))
    while values and (start := element_headers.second_prefix_end(data, position)) is not None:
        values, position = _read_meta_elements(data, start)
    return values, position


def _read_meta_elements(data: bytes, position: int) -> tuple[dict[int, bytes], int]:
    encoding, _ = element_headers.detect_encoding(data, position, EXPLICIT_LITTLE)
    values: dict[int, bytes] = {}
    while element_headers.tag_at(data, position, encoding) >> 16 == 0x0002:
        header = element_headers.find_header(data, position, encoding, len(data))
        if header is None:  # compressed data may follow the last element
            header = next(element_headers.readings(data, position, encoding), None)
        if header is None or header.is_undefined or header.end > len(data):
            break
        values[header.tag] = data[header.start : header.end][:_MAX_UID_BYTES]
        position = header.end
    return values, position


def _uid(meta: dict[int, bytes], tag: int) -> str:
    return meta.get(tag, b"").decode("latin-1").strip(" \0\t\r\n")


def _find_data_set(data: bytes, start: int, syntax: str) -> tuple[bytes, int, Encoding]:
    """(bytes that hold the data set, its offset, its encoding); a deflated one is decompressed.

    The bytes decide, not the transfer syntax: converters and archives change one and forget the other.
    """
    encoding, headers = element_headers.detect_encoding(data, start, _ENCODINGS.get(syntax))
    is_deflated = syntax == DeflatedExplicitVRLittleEndian and headers < _MIN_HEADERS
    if is_deflated or (headers == 0 and start < len(data)):
        try:
            inflated = inflate(memoryview(data)[start:])
        except UnreadableImage:
            if is_deflated:
                raise
        else:
            return inflated, 0, element_headers.detect_encoding(inflated, 0, EXPLICIT_LITTLE)[0]
    return data, start, encoding
