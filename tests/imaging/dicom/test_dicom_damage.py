"""Damaged compressed films: truncated, bits flipped, wrong headers. They give an error or a film, never a crash."""

from __future__ import annotations

import logging
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydicom.uid import (
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from pneumonia import PneumoniaError
from pneumonia.errors import FilmError, TooLarge, UnreadableImage, UnsupportedDicom
from pneumonia.imaging import read
from tests.support import codestreams
from tests.support.dicom_files import CHILD, dicom, encapsulated

FILM = np.random.default_rng(3).integers(1000, 3000, (72, 80)).astype(np.uint16)
GREY = (FILM >> 4).astype(np.uint8)
FRAMES: dict[UID, tuple[npt.NDArray[Any], int, bytes]] = {
    RLELossless: (FILM, 12, codestreams.rle(FILM, 12)),
    JPEGBaseline8Bit: (GREY, 8, codestreams.jpeg(GREY)),
    JPEGExtended12Bit: (FILM, 12, codestreams.jpeg_extended(FILM)),
    JPEGLosslessSV1: (FILM, 12, codestreams.jpeg_lossless(FILM, 12)),
    JPEGLSLossless: (FILM, 12, codestreams.jpeg_ls_frame(FILM, 12)),
    JPEG2000Lossless: (FILM, 12, codestreams.jpeg_2000(FILM, 12)),
    JPEG2000: (FILM, 12, codestreams.jpeg_2000(FILM, 12, 5)),
}
"""Transfer syntax -> samples, bits stored and compressed frame of a film."""

every_encoding = pytest.mark.parametrize("syntax", FRAMES, ids=lambda syntax: syntax.name)


def film(syntax: UID, frame: bytes | None = None, **tags: Any) -> bytes:
    samples, bits, whole = FRAMES[syntax]
    return encapsulated(samples, syntax, whole if frame is None else frame, **{"BitsStored": bits, **CHILD, **tags})


def error_message(data: bytes) -> str:
    """The message of the `FilmError`, or "" if a film was read; any other exception propagates."""
    try:
        pixels = read(data).pixels
    except PneumoniaError as error:
        assert isinstance(error, FilmError)
        assert error.__cause__ is None and (error.__suppress_context__ or error.__context__ is None)
        return error.message
    assert pixels.ndim == 2 and min(pixels.shape) >= 64
    return ""


@pytest.fixture(autouse=True)
def no_patient_data_are_printed_or_logged(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Any:
    caplog.set_level(logging.DEBUG)
    yield
    printed = capfd.readouterr()
    everything = caplog.text + printed.out + printed.err
    assert not any(secret in everything for secret in CHILD.values())


@every_encoding
def test_the_whole_film_is_read(syntax: UID) -> None:
    assert error_message(film(syntax)) == ""


@every_encoding
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.98])
def test_a_frame_that_is_cut_off_is_unreadable_and_not_half_a_film(syntax: UID, share: float) -> None:
    whole = FRAMES[syntax][2]
    with pytest.raises(UnreadableImage):
        read(film(syntax, whole[: max(2, int(share * len(whole)))]))


@every_encoding
@pytest.mark.parametrize("share", [0.3, 0.9, 0.99])
def test_a_file_that_is_cut_off_is_unreadable(syntax: UID, share: float) -> None:
    data = film(syntax)
    with pytest.raises(UnreadableImage):
        read(data[: int(share * len(data))])


@every_encoding
@pytest.mark.parametrize("seed", range(6))
def test_flipped_bits_give_a_clean_error_or_a_film(syntax: UID, seed: int) -> None:
    random = np.random.default_rng(seed)
    frame = np.frombuffer(FRAMES[syntax][2], np.uint8).copy()
    # Half of the positions are near the start, where sizes and tables are.
    positions = [*random.integers(0, min(200, len(frame)), 2), *random.integers(0, len(frame), 2)]
    frame[positions] ^= 1 << random.integers(0, 8, len(positions), dtype=np.uint8)
    message = error_message(film(syntax, frame.tobytes()))
    assert not any(secret in message for secret in CHILD.values())


MISDECLARED_HEADERS: list[dict[str, Any]] = [
    {"Rows": 71},
    {"Rows": 144},
    {"Columns": 79},
    {"Columns": 160},
    {"Rows": 80, "Columns": 72},
    {"Rows": 8000, "Columns": 9000},
    {"Rows": 0},
    {"BitsAllocated": 32},
    {"BitsAllocated": 7},
    {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0, "BitsAllocated": 8},
    {"NumberOfFrames": 3},
    {"BitsStored": 0},
    {"BitsStored": 40},
    {"PixelRepresentation": 7},
]


@every_encoding
@pytest.mark.parametrize("header", MISDECLARED_HEADERS, ids=str)
def test_a_wrong_header_gives_a_clean_error_or_a_film(syntax: UID, header: dict[str, Any]) -> None:
    message = error_message(film(syntax, **header))
    # A wrong size is an error if the frame has its own header; it replaces a missing size. Some other wrong headers do
    # not prevent reading.
    if header.keys() <= {"Rows", "Columns"} and syntax != RLELossless:
        assert bool(message) == (header != {"Rows": 0})


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLosslessSV1, JPEGLSLossless])
@pytest.mark.parametrize("size", [(65500, 65500), (73, 80), (1, 1), (0, 0)])
def test_a_jpeg_of_another_size_than_the_header_says_is_refused(syntax: UID, size: tuple[int, int]) -> None:
    frame = FRAMES[syntax][2].replace(struct.pack(">HH", *FILM.shape), struct.pack(">HH", *size), 1)
    assert error_message(film(syntax, frame))


@pytest.mark.parametrize("size", [(2**31 - 1, 2**31 - 1), (60_000, 60_000), (81, 72), (1, 1), (0, 0)])
def test_a_jpeg_2000_of_another_size_than_the_header_says_is_refused(size: tuple[int, int]) -> None:
    width_and_height = struct.pack(">LL", *FILM.shape[::-1])
    frame = FRAMES[JPEG2000Lossless][2].replace(width_and_height, struct.pack(">LL", *size))
    assert error_message(film(JPEG2000Lossless, frame))


@every_encoding
@pytest.mark.parametrize("other", FRAMES, ids=lambda syntax: syntax.name)
def test_a_frame_under_another_encodings_name_gives_a_clean_error_or_a_film(syntax: UID, other: UID) -> None:
    error_message(film(syntax, FRAMES[other][2]))


def test_an_rle_frame_that_expands_to_gigabytes_is_not_expanded() -> None:
    """Each pair of bytes expands to 128, so that a small file would take gigabytes."""
    segment = b"\x81\0" * 2_000_000
    frame = struct.pack("<16L", 2, 64, 64 + len(segment), *[0] * 13) + segment + segment
    error_message(film(RLELossless, frame))


def deflated(tail: bytes) -> bytes:
    """A deflated film with `tail` appended to its data set before compression."""
    data = dicom(GREY, syntax=DeflatedExplicitVRLittleEndian, **CHILD)
    meta = 144 + int.from_bytes(data[140:144], "little")
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    body = zlib.decompress(data[meta:], -zlib.MAX_WBITS) + tail
    return data[:meta] + deflater.compress(body) + deflater.flush()


def test_a_deflated_file_is_decompressed_up_to_a_limit_only(monkeypatch: pytest.MonkeyPatch) -> None:
    trailing = struct.pack("<HH2sHL", 0xFFFC, 0xFFFC, b"OB", 0, 30_000_000) + bytes(30_000_000)
    inflated = deflated(trailing)
    assert len(inflated) < 100_000
    assert error_message(inflated) == ""
    monkeypatch.setenv("PNEUMONIA_MAX_PIXELS", "10000")
    with pytest.raises(TooLarge, match=r"too large when decompressed\. Allowed: 16 MB\."):
        read(inflated)


@pytest.mark.parametrize("syntax", FRAMES, ids=lambda syntax: syntax.name)
def test_the_limit_of_pixels_holds_before_a_frame_is_decoded(syntax: UID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMONIA_MAX_PIXELS", str(FILM.size - 1))
    with pytest.raises(TooLarge, match="Received: 80 x 72"):
        read(film(syntax))


def test_an_unsupported_file_is_refused_before_its_frame_is_read() -> None:
    with pytest.raises(UnsupportedDicom):
        read(film(JPEG2000, b"\0\0", Modality="CT"))
