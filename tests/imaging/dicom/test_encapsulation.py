"""Compressed films in every division into items, and under a transfer syntax that is not theirs."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from pneumonia.errors import TooLarge, UnreadableImage, UnsupportedDicom
from pneumonia.imaging import read
from pneumonia.imaging.dicom import codestreams as headers
from pneumonia.imaging.dicom import encapsulation
from pneumonia.imaging.dicom.element_headers import EXPLICIT_LITTLE
from tests.support import codestreams
from tests.support.dicom_bytes import PIXEL_DATA, SEQUENCE_END, explicit, item, with_transfer_syntax
from tests.support.dicom_files import dicom
from tests.support.patterns import pattern

GREY = pattern(88, 80)
DEEP = GREY.astype(np.uint16) * 16 + 3
FRAMES: dict[UID, tuple[Any, int, bytes]] = {
    RLELossless: (DEEP, 12, codestreams.rle(DEEP, 12)),
    JPEGBaseline8Bit: (GREY, 8, codestreams.jpeg(GREY)),
    JPEGExtended12Bit: (DEEP, 12, codestreams.jpeg_extended(DEEP)),
    JPEGLosslessSV1: (DEEP, 12, codestreams.jpeg_lossless(DEEP, 12)),
    JPEGLSLossless: (DEEP, 12, codestreams.jpeg_ls_frame(DEEP, 12)),
    JPEG2000Lossless: (DEEP, 12, codestreams.jpeg_2000(DEEP, 12)),
}
EMPTY_TABLE = item(b"")

every_encoding = pytest.mark.parametrize("syntax", FRAMES, ids=lambda syntax: syntax.name)


def film(syntax: UID, items: bytes, **tags: Any) -> bytes:
    """A film whose pixel data consist of these items."""
    samples, bits, _ = FRAMES[syntax]
    return dicom(samples, syntax=syntax, PixelData=items, **{"BitsStored": bits, **tags})


def whole(syntax: UID, **tags: Any) -> bytes:
    return film(syntax, EMPTY_TABLE + item(FRAMES[syntax][2]), **tags)


def fragments(frame: bytes, count: int) -> list[bytes]:
    """The frame in parts whose sizes differ by one at most; some are odd."""
    return [frame[number * len(frame) // count : (number + 1) * len(frame) // count] for number in range(count)]


def assert_same(syntax: UID, data: bytes, warnings: tuple[str, ...] = ()) -> None:
    found = read(data)
    np.testing.assert_array_equal(found.pixels, read(whole(syntax)).pixels)
    low_resolution = 1
    assert found.warnings[:-low_resolution] == warnings


@every_encoding
@pytest.mark.parametrize("count", [1, 2, 3, 50])
def test_a_frame_may_be_divided_anywhere_with_any_offset_table(syntax: UID, count: int) -> None:
    parts = fragments(FRAMES[syntax][2], count)
    items = b"".join(map(item, parts))
    offsets = np.cumsum([0, *(8 + len(part) for part in parts[:-1])])
    assert_same(syntax, film(syntax, EMPTY_TABLE + items))
    assert_same(syntax, film(syntax, items))
    assert_same(syntax, film(syntax, item(struct.pack("<L", 0)) + items))
    assert_same(syntax, film(syntax, item(struct.pack(f"<{count}L", *offsets)) + items))
    assert_same(syntax, film(syntax, item(struct.pack("<3L", 77, 99, 12)) + items))


@every_encoding
def test_extended_offset_tables_are_not_needed(syntax: UID) -> None:
    length = len(FRAMES[syntax][2])
    right = {"ExtendedOffsetTable": struct.pack("<Q", 0), "ExtendedOffsetTableLengths": struct.pack("<Q", length)}
    wrong = {"ExtendedOffsetTable": struct.pack("<Q", 999), "ExtendedOffsetTableLengths": struct.pack("<Q", 7)}
    assert_same(syntax, whole(syntax, **right))
    assert_same(syntax, whole(syntax, **wrong))


@every_encoding
def test_empty_fragments_and_zeros_behind_the_frame_are_ignored(syntax: UID) -> None:
    frame = FRAMES[syntax][2]
    assert_same(syntax, film(syntax, EMPTY_TABLE + item(b"") + item(frame) + item(b"")))
    assert_same(syntax, film(syntax, EMPTY_TABLE + item(frame + bytes(500))))
    assert_same(syntax, film(syntax, EMPTY_TABLE + item(frame) + item(bytes(500))))


@every_encoding
@pytest.mark.parametrize("tail", [b"", b"abcdefghij", bytes(100)], ids=["nothing", "letters", "zeros"])
def test_the_sequence_delimiter_may_be_missing(syntax: UID, tail: bytes) -> None:
    data = whole(syntax)
    assert_same(syntax, data[: data.rindex(SEQUENCE_END)] + tail)


TWO = ("The file contains 2 images; only the first was used.",)


@every_encoding
def test_the_first_of_two_frames_is_found_without_an_offset_table(syntax: UID) -> None:
    frame = FRAMES[syntax][2]
    halves = fragments(frame, 2)
    other = b"".join(map(item, halves))
    assert_same(syntax, film(syntax, EMPTY_TABLE + item(frame) + item(frame), NumberOfFrames=2), TWO)
    assert_same(syntax, film(syntax, EMPTY_TABLE + item(frame) + item(frame)), TWO)
    assert_same(syntax, film(syntax, EMPTY_TABLE + other + other, NumberOfFrames=2), TWO)
    assert_same(syntax, film(syntax, EMPTY_TABLE + item(frame) + item(frame[: len(frame) // 2]), NumberOfFrames=2), TWO)
    assert_same(syntax, whole(syntax, NumberOfFrames=3))


WRONG_SYNTAXES = ["", ExplicitVRLittleEndian, ImplicitVRLittleEndian, *FRAMES, JPEGLossless, "1.2.3.4"]


@every_encoding
@pytest.mark.parametrize("declared", WRONG_SYNTAXES)
def test_the_compression_is_recognised_under_another_transfer_syntax(syntax: UID, declared: str) -> None:
    assert_same(syntax, with_transfer_syntax(whole(syntax), declared))


@every_encoding
@pytest.mark.parametrize("declared", [None, ExplicitVRLittleEndian])
def test_a_frame_may_be_stored_with_a_defined_length_with_and_without_items(syntax: UID, declared: str | None) -> None:
    data = whole(syntax) if declared is None else with_transfer_syntax(whole(syntax), declared)
    header, frame = data[: data.rindex(PIXEL_DATA)], FRAMES[syntax][2]
    assert_same(syntax, header + explicit(0x7FE0, 0x10, "OB", frame))
    assert_same(syntax, header + explicit(0x7FE0, 0x10, "OB", EMPTY_TABLE + item(frame) + SEQUENCE_END))


def test_uncompressed_pixels_under_the_name_of_a_compression_are_read() -> None:
    for syntax in FRAMES:
        np.testing.assert_array_equal(read(with_transfer_syntax(dicom(GREY), syntax)).pixels, GREY)


LAYOUT = ("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel")


@every_encoding
def test_the_layout_is_taken_from_the_frame_where_the_header_lacks_it(syntax: UID) -> None:
    assert_same(syntax, whole(syntax, **dict.fromkeys(LAYOUT)))
    for keyword in ("Rows", "Columns"):
        if syntax == RLELossless:
            with pytest.raises(UnreadableImage, match="lacks the size"):
                read(whole(syntax, **{keyword: None}))
        else:
            assert_same(syntax, whole(syntax, **{keyword: None}))


WITHOUT_END = [JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLosslessSV1]


@pytest.mark.parametrize("syntax", WITHOUT_END, ids=lambda syntax: syntax.name)
@pytest.mark.parametrize("missing", [1, 2])
def test_a_jpeg_without_end_marker_is_read_if_its_samples_are_complete(syntax: UID, missing: int) -> None:
    assert_same(syntax, film(syntax, EMPTY_TABLE + item(FRAMES[syntax][2][:-missing])))


@every_encoding
@pytest.mark.parametrize("missing", [20, 200])
def test_a_frame_without_its_last_samples_is_truncated(syntax: UID, missing: int) -> None:
    with pytest.raises(UnreadableImage):
        read(film(syntax, EMPTY_TABLE + item(FRAMES[syntax][2][:-missing])))


def test_compressed_data_of_an_unknown_kind_are_refused() -> None:
    unknown = film(JPEGBaseline8Bit, EMPTY_TABLE + item(bytes(range(256))))
    with pytest.raises(UnreadableImage, match="known header"):
        read(with_transfer_syntax(unknown, ExplicitVRLittleEndian))
    with pytest.raises(UnsupportedDicom, match="unknown transfer syntax"):
        read(with_transfer_syntax(unknown, "1.2.3.4"))


def test_the_number_of_fragments_is_limited() -> None:
    with pytest.raises(TooLarge, match="250,000 fragments"):
        read(film(JPEGBaseline8Bit, EMPTY_TABLE * 250_001))


@every_encoding
def test_the_header_of_a_frame_states_its_layout(syntax: UID) -> None:
    samples, bits, frame = FRAMES[syntax]
    header = headers.read_header(frame)
    assert header is not None and syntax in header.syntaxes and header.samples == 1
    if syntax != RLELossless:
        assert (header.rows, header.columns, header.bits) == (*samples.shape, bits)


@every_encoding
@pytest.mark.parametrize("size", [0, 1, 4, 10, 30])
def test_a_cut_header_of_a_frame_is_none_and_no_crash(syntax: UID, size: int) -> None:
    headers.read_header(FRAMES[syntax][2][:size])


def test_pixel_data_without_items_are_one_frame() -> None:
    assert encapsulation.split_frames(b"frame", EXPLICIT_LITTLE, 1) == (b"frame", 1)
    assert encapsulation.split_frames(EMPTY_TABLE, EXPLICIT_LITTLE, 1) == (b"", 0)
