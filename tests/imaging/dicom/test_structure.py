"""Files whose structure is not that of the standard: a film whose pixels are whole is read from all of them."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    RLELossless,
)

from pneumonia.errors import FilmError, NoPixels, TooLarge, UnreadableImage, UnsupportedFormat
from pneumonia.imaging import detect_format, read
from pneumonia.imaging.dicom import element_headers, parser
from tests.support.dicom_bytes import (
    ITEM_END,
    PATIENT_NAME,
    PIXEL_DATA,
    SEQUENCE_END,
    UNDEFINED,
    before,
    explicit,
    implicit,
    item,
    with_transfer_syntax,
)
from tests.support.dicom_files import UNCOMPRESSED, dicom
from tests.support.patterns import pattern

FILM = pattern()
DEEP = FILM.astype(np.uint16) * 16 + 3
PLAIN = dicom(FILM)
IMPLICIT = dicom(FILM, syntax=ImplicitVRLittleEndian)
META_END = 144 + int.from_bytes(PLAIN[140:144], "little")
PREAMBLE_ENCODINGS = [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]


def assert_whole(data: bytes) -> None:
    film = read(data)
    np.testing.assert_array_equal(film.pixels, FILM)
    assert film.warnings == ()


@pytest.mark.parametrize("first", [0x00080016, 0x00080018, 0x00100010, 0x00101010, 0x00280002])
@pytest.mark.parametrize("syntax", PREAMBLE_ENCODINGS, ids=lambda syntax: syntax.name)
def test_a_data_set_without_preamble_may_begin_with_any_element(syntax: UID, first: int) -> None:
    whole = pydicom.dcmread(io.BytesIO(dicom(FILM, syntax=syntax)))
    rest = pydicom.Dataset({element.tag: element for element in whole if element.tag >= first})
    buffer = io.BytesIO()
    encoding = {"implicit_vr": syntax == ImplicitVRLittleEndian, "little_endian": syntax != ExplicitVRBigEndian}
    pydicom.dcmwrite(buffer, rest, **encoding)
    assert detect_format(buffer.getvalue()[:512]) == "DICOM"
    assert_whole(buffer.getvalue())


PREAMBLES = [
    b"II*\0",
    b"MM\0*",
    b"BM",
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff\xe0",
    b"GIF89a",
    b"%PDF-1.4",
    b"MZ",
    b"P5\n",
]


@pytest.mark.parametrize("start", PREAMBLES, ids=repr)
@pytest.mark.parametrize("syntax", UNCOMPRESSED, ids=lambda syntax: syntax.name)
def test_the_preamble_may_be_the_beginning_of_any_other_file(start: bytes, syntax: UID) -> None:
    assert_whole(start.ljust(128, b"\x55") + dicom(FILM, syntax=syntax)[128:])


def test_a_picture_with_the_prefix_in_its_data_is_no_dicom_file() -> None:
    data = b"\x89PNG\r\n\x1a\n".ljust(128, b"\x55") + b"DICM" + b"\xaa" * 100
    assert detect_format(data) == "PNG"


@pytest.mark.parametrize("data", [b"", b"\0" * 1000, b"text " * 100, bytes(range(256)) * 4, b"\x08\x00" * 300])
def test_other_bytes_are_no_dicom_file(data: bytes) -> None:
    with pytest.raises(UnsupportedFormat):
        detect_format(data)


def test_preamble_prefix_and_meta_header_may_be_missing_or_damaged() -> None:
    bare = PLAIN[132:]
    assert_whole(bare)
    assert_whole(b"DICM" + bare)
    assert_whole(bytes(128) + bare)
    assert_whole(b"\x20" + PLAIN[META_END:])
    assert_whole(PLAIN[:132] + PLAIN[META_END:])


@pytest.mark.parametrize("length", [0, 1, 100, 10**6, UNDEFINED])
def test_the_length_of_the_meta_header_is_not_used(length: int) -> None:
    assert_whole(PLAIN[:140] + struct.pack("<L", length) + PLAIN[144:])


def test_the_meta_header_may_be_in_implicit_vr() -> None:
    uid = b"1.2.840.10008.1.2.1\0"
    assert_whole(PLAIN[:132] + implicit(2, 0, struct.pack("<L", 28)) + implicit(2, 0x10, uid) + PLAIN[META_END:])


@pytest.mark.parametrize("declared", ["", *UNCOMPRESSED, JPEGLosslessSV1, RLELossless, JPEG2000Lossless, "1.2.3.4.5"])
@pytest.mark.parametrize("syntax", PREAMBLE_ENCODINGS, ids=lambda syntax: syntax.name)
def test_the_transfer_syntax_may_be_missing_or_that_of_another_encoding(syntax: UID, declared: str) -> None:
    data = with_transfer_syntax(dicom(FILM, syntax=syntax), declared)
    assert_whole(data)
    deep = with_transfer_syntax(dicom(DEEP, syntax=syntax, BitsStored=12), declared)
    np.testing.assert_array_equal(read(deep).pixels, read(dicom(DEEP, BitsStored=12)).pixels)


def test_a_deflated_file_is_recognised_without_its_transfer_syntax() -> None:
    deflated = dicom(FILM, syntax=DeflatedExplicitVRLittleEndian)
    assert_whole(with_transfer_syntax(deflated, ExplicitVRLittleEndian))


@pytest.mark.parametrize("header", [zlib.MAX_WBITS, zlib.MAX_WBITS | 16], ids=["zlib", "gzip"])
def test_a_deflated_file_may_have_the_header_of_zlib_or_gzip(header: int) -> None:
    meta = with_transfer_syntax(PLAIN, DeflatedExplicitVRLittleEndian)[: META_END + 2]
    deflater = zlib.compressobj(wbits=header)
    assert_whole(meta + deflater.compress(PLAIN[META_END:]) + deflater.flush())


def test_the_second_of_two_meta_headers_describes_the_data_set() -> None:
    first = with_transfer_syntax(PLAIN, JPEG2000Lossless)
    first = first[: 144 + int.from_bytes(first[140:144], "little") + 2]
    for data in (PLAIN, IMPLICIT):
        assert_whole(PLAIN[:META_END] + data)
        assert_whole(first + data)


def test_pixels_in_big_endian_under_the_private_transfer_syntax_of_ge_are_swapped() -> None:
    swapped = dicom(DEEP, syntax=ImplicitVRLittleEndian, BitsStored=12, PixelData=DEEP.astype(">u2").tobytes())
    film = read(with_transfer_syntax(swapped, "1.2.840.113619.5.2"))
    np.testing.assert_array_equal(film.pixels, read(dicom(DEEP, BitsStored=12)).pixels)


@pytest.mark.parametrize("tail", [bytes(1000), b"\xff" * 1001, bytes(range(256)), b"abc", PLAIN[META_END:]], ids=len)
def test_bytes_behind_the_pixel_data_are_ignored(tail: bytes) -> None:
    assert_whole(PLAIN + tail)
    assert_whole(IMPLICIT + tail)


ICON = b"".join(
    [
        explicit(0x28, 0x02, "US", b"\1\0"),
        explicit(0x28, 0x04, "CS", b"MONOCHROME2 "),
        *(explicit(0x28, element, "US", b"\x40\0") for element in (0x10, 0x11)),
        *(explicit(0x28, element, "US", b"\x08\0") for element in (0x100, 0x101)),
        explicit(0x7FE0, 0x10, "OW", bytes(4096)),
    ]
)
COMPRESSED_ICON = ICON[: ICON.rindex(PIXEL_DATA)] + explicit(
    0x7FE0, 0x10, "OB", item(b"") + item(b"\xff\xd8\xff" + bytes(range(200)) * 5) + SEQUENCE_END, UNDEFINED
)
ICON_SEQUENCES = {
    "defined length": explicit(0x88, 0x200, "SQ", item(ICON)),
    "undefined length": explicit(0x88, 0x200, "SQ", item(ICON + ITEM_END, UNDEFINED) + SEQUENCE_END, UNDEFINED),
    "no item delimiter": explicit(0x88, 0x200, "SQ", item(ICON, UNDEFINED) + SEQUENCE_END, UNDEFINED),
    "no sequence delimiter": explicit(0x88, 0x200, "SQ", item(ICON + ITEM_END, UNDEFINED), UNDEFINED),
    "no delimiter": explicit(0x88, 0x200, "SQ", item(ICON, UNDEFINED), UNDEFINED),
    "unknown value representation": explicit(0x88, 0x200, "UN", item(ICON)),
    "private": explicit(0x9, 0x1001, "SQ", item(ICON)),
    "compressed": explicit(0x88, 0x200, "SQ", item(COMPRESSED_ICON)),
    # Writers forget the header of the items of the icon's pixels in its length.
    "24 bytes too short": explicit(
        0x88, 0x200, "SQ", item(COMPRESSED_ICON, len(COMPRESSED_ICON) - 24), len(COMPRESSED_ICON) + 8 - 24
    ),
    "implicit items under an unknown value representation": explicit(
        0x2001, 0x9000, "UN", item(implicit(0x20, 0xE, b"") + ITEM_END, UNDEFINED) + SEQUENCE_END, UNDEFINED
    ),
    "sequence delimiter for an item delimiter": explicit(
        0x88, 0x200, "SQ", item(ICON + SEQUENCE_END, UNDEFINED), UNDEFINED
    ),
}


@pytest.mark.parametrize("sequence", ICON_SEQUENCES.values(), ids=ICON_SEQUENCES)
def test_an_icon_is_not_taken_for_the_film(sequence: bytes) -> None:
    assert_whole(before(PLAIN, sequence))
    assert_whole(before(PLAIN, sequence, PATIENT_NAME))


@pytest.mark.parametrize("name", ["defined length", "undefined length", "unknown value representation", "private"])
def test_an_icon_without_pixel_data_of_the_film_has_no_pixels(name: str) -> None:
    header = PLAIN[: PLAIN.rindex(PIXEL_DATA)]
    with pytest.raises(NoPixels):
        read(header + ICON_SEQUENCES[name])


def nested(depth: int, *, is_defined: bool) -> bytes:
    if not is_defined:
        opening = struct.pack("<HH2sHL", 0x40, 0x275, b"SQ", 0, UNDEFINED) + item(b"", UNDEFINED)
        return opening * depth + (ITEM_END + SEQUENCE_END) * depth
    sequence = b""
    for _ in range(depth):
        sequence = explicit(0x40, 0x275, "SQ", item(sequence))
    return sequence


@pytest.mark.parametrize("is_defined", [False, True])
def test_sequences_may_be_nested_deeper_than_python_recurses(is_defined: bool) -> None:
    assert_whole(before(PLAIN, nested(3000, is_defined=is_defined)))


def test_the_number_of_elements_is_limited_at_any_depth() -> None:
    with pytest.raises(TooLarge, match="250,000 DICOM elements"):
        read(before(PLAIN, nested(100_000, is_defined=False)))


BROKEN = {
    **{f"text of {size} bytes": explicit(0x9, 0x1001, "LO", b"abcd", size) for size in (1, 3, 5, 7, 0x7FFF, 0xFFFF)},
    **{f"bytes of {size}": explicit(0x9, 0x1001, "UN", b"abcdefgh", size) for size in (1, 7, 9, 2**31 - 1, UNDEFINED)},
    "sequence cut off": explicit(0x9, 0x1001, "SQ", (item(ICON + ITEM_END, UNDEFINED))[:-20] + b"xyz", UNDEFINED),
    "implicit": implicit(0x9, 0x10, b"PRIVATE ") + implicit(0x9, 0x1001, b"ab"),
    "unknown value representation": explicit(0x9, 0x1001, "ZZ", b"abcd"),
    "question marks": explicit(0x9, 0x1001, "??", b"abcd"),
    "zeros": explicit(0x9, 0x1001, "\0\0", b"abcd"),
    "lower case": explicit(0x9, 0x1001, "lo", b"abcd"),
    "UN with a length of two bytes": struct.pack("<HH2sH", 0x9, 0x1001, b"UN", 4) + b"abcd",
    "odd": explicit(0x8, 0x1090, "LO", b"abc"),
    "pad byte that is not counted": explicit(0x8, 0x1090, "LO", b"abc ", 3),
    "text of undefined length": explicit(0x8, 0x1091, "UT", b"some text" + SEQUENCE_END, UNDEFINED),
    "delimiter too many": SEQUENCE_END,
    "70,000 bytes": explicit(0x8, 0x1091, "UT", b"x" * 70_000),
    "zeros between elements": bytes(64),
}


@pytest.mark.parametrize("element", BROKEN.values(), ids=BROKEN)
def test_a_broken_element_costs_no_film(element: bytes) -> None:
    assert_whole(before(PLAIN, element, PATIENT_NAME))


@pytest.mark.parametrize("size", [1, 5, 2**31 - 1, UNDEFINED - 1, UNDEFINED])
def test_a_broken_element_in_implicit_vr_costs_no_film(size: int) -> None:
    assert_whole(before(IMPLICIT, implicit(0x9, 0x1001, b"abcdefgh", size), PATIENT_NAME))


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian], ids=lambda syntax: syntax.name)
def test_a_wrong_length_that_ends_anywhere_in_the_pixels_costs_no_film(syntax: UID) -> None:
    """In a black border, any bytes look like the header of an empty element."""
    film = FILM.copy()
    film[:60], film[:, :40] = 0, 0
    random = np.random.default_rng(5)
    data = dicom(film, syntax=syntax)
    for _ in range(60):
        value, length = random.bytes(int(random.integers(1, 40))), int(random.integers(0, len(data)))
        vr = str(random.choice(["UN", "OB", "UT"]))
        is_explicit = syntax == ExplicitVRLittleEndian
        element = explicit(0x9, 0x1001, vr, value, length) if is_explicit else implicit(0x9, 0x1001, value, length)
        np.testing.assert_array_equal(read(before(data, element, PATIENT_NAME)).pixels, film)


def test_behind_a_broken_element_the_header_is_still_checked() -> None:
    broken = explicit(0x9, 0x1001, "UN", b"abcdefgh", 2**31 - 1)
    film = read(before(dicom(FILM, ViewPosition="LL", BodyPartExamined="HAND"), broken, PATIENT_NAME))
    assert film.is_lateral and film.is_other_body_part


@pytest.mark.parametrize("missing", [100, 1000, 20_000])
def test_a_file_that_is_cut_off_is_unreadable_in_every_encoding(missing: int) -> None:
    for syntax in PREAMBLE_ENCODINGS:
        with pytest.raises(UnreadableImage, match="truncated"):
            read(dicom(FILM, syntax=syntax)[:-missing])


@pytest.mark.parametrize("end", [150, 250, 330, 400, 480])
def test_a_file_that_is_cut_off_in_its_header_gives_a_clean_error(end: int) -> None:
    with pytest.raises(FilmError):
        read(PLAIN[:end])


@pytest.mark.parametrize("syntax", PREAMBLE_ENCODINGS, ids=lambda syntax: syntax.name)
def test_the_parser_finds_the_elements_that_pydicom_finds(syntax: UID) -> None:
    data = dicom(DEEP, syntax=syntax, WindowCenter=[1, 2], ViewPosition="PA")
    found = dict(parser.parse(data).dataset.items())
    expected = dict(pydicom.dcmread(io.BytesIO(data)).items())
    assert list(found) == list(expected)
    assert all(found[tag].value == expected[tag].value for tag in found)


def test_a_sequence_that_does_not_end_is_reported_and_not_followed_beyond_the_data() -> None:
    opening = explicit(0x40, 0x275, "SQ", item(b"", UNDEFINED), UNDEFINED)
    assert element_headers.sequence_end(opening, 12, element_headers.EXPLICIT_LITTLE, len(opening), list) is None
