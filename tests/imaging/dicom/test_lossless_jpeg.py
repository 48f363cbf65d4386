"""libjpeg-turbo decodes JPEG Lossless to the same samples as GDCM, and what it cannot be trusted with goes to GDCM."""

from __future__ import annotations

import struct
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydicom.uid import JPEGLossless, JPEGLosslessSV1

from pneumonia.imaging import read
from pneumonia.imaging.dicom import decoder_worker, lossless_jpeg
from tests.support import codestreams
from tests.support.dicom_files import CHILD, encapsulated

pytest.importorskip("imagecodecs", reason="requirements-hospital.txt is not installed")

Samples = npt.NDArray[Any]
SHAPE = (72, 80)
START_OF_SCAN = b"\xff\xda"


def samples(bits: int) -> Samples:
    """A gradient with noise that uses the whole range."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    noise = np.random.default_rng(bits).normal(0, 0.02, SHAPE)
    share = np.clip((rows + columns) / sum(SHAPE) + noise, 0, 1)
    film: Samples = np.rint(share * (2**bits - 1)).astype(np.uint8 if bits <= 8 else np.uint16)
    return film


def layout(bits_stored: int, allocated: int = 16, signed: int = 0) -> dict[str, Any]:
    rows, columns = SHAPE
    size = {"rows": rows, "columns": columns, "samples_per_pixel": 1, "photometric_interpretation": "MONOCHROME2"}
    bits = {"bits_allocated": allocated, "bits_stored": bits_stored, "pixel_representation": signed}
    return {**size, **bits, "planar_configuration": 0}


FILM = samples(12)
FRAME = codestreams.jpeg_lossless(FILM, 12)
HEADER_END = FRAME.index(START_OF_SCAN) + 10


@pytest.mark.parametrize("bits", range(2, 17))
@pytest.mark.parametrize("signed", [0, 1])
def test_the_samples_are_those_of_gdcm(bits: int, signed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = codestreams.jpeg_lossless(samples(bits), bits)
    fast = [lossless_jpeg.decode(frame, layout(stored, 16, signed)) for stored in {bits, 8, 12, 16}]
    monkeypatch.setattr(lossless_jpeg, "decode", lambda *_: None)
    for stored, values in zip({bits, 8, 12, 16}, fast, strict=True):
        slow = decoder_worker.decode_frame(JPEGLosslessSV1, layout(stored, 16, signed), frame)
        assert values is not None and values.dtype == slow.dtype
        np.testing.assert_array_equal(values, slow)


@pytest.mark.parametrize("bits", range(2, 9))
def test_samples_of_up_to_8_bits_are_decoded_to_bytes(bits: int) -> None:
    values = lossless_jpeg.decode(codestreams.jpeg_lossless(samples(bits), bits), layout(bits, 8))
    assert values is not None and values.dtype == np.uint8
    np.testing.assert_array_equal(values, samples(bits))


@pytest.mark.parametrize("pixel", [0, 4095])
def test_a_film_of_one_value_is_decoded_exactly(pixel: int) -> None:
    film = np.full(SHAPE, pixel, np.uint16)
    np.testing.assert_array_equal(lossless_jpeg.decode(codestreams.jpeg_lossless(film, 12), layout(12)), film)


def test_differences_of_all_sizes_are_decoded_exactly() -> None:
    film = np.random.default_rng(0).choice([0, 1, 255, 32767, 32768, 65535], SHAPE).astype(np.uint16)
    np.testing.assert_array_equal(lossless_jpeg.decode(codestreams.jpeg_lossless(film, 16), layout(16)), film)


def insert(segment: bytes) -> bytes:
    return FRAME[:2] + segment + FRAME[2:]


@pytest.mark.parametrize(
    "frame",
    {
        "application data and a comment": insert(b"\xff\xe0\0\x04ab\xff\xfe\0\x03c"),
        "restart interval of 0": insert(b"\xff\xdd\0\x04\0\0"),
        "padding behind the frame": FRAME + b"\0",
        "fill byte before the end marker": FRAME[:-2] + b"\xff" + FRAME[-2:],
    }.items(),
    ids=lambda item: item[0],
)
def test_frames_of_other_writers_are_decoded_exactly(frame: tuple[str, bytes]) -> None:
    np.testing.assert_array_equal(lossless_jpeg.decode(frame[1], layout(12)), FILM)


LEFT_TO_GDCM = {
    **{f"selection value {number}": codestreams.jpeg_lossless(FILM, 12, number) for number in range(2, 8)},
    "point transform": FRAME[: HEADER_END - 1] + b"\x01" + FRAME[HEADER_END:],
    "restart interval": insert(b"\xff\xdd\0\x04\0\x50"),
    "height in a later segment": FRAME.replace(struct.pack(">HH", *SHAPE), struct.pack(">HH", 0, SHAPE[1]), 1),
    "another size": FRAME.replace(struct.pack(">HH", *SHAPE), struct.pack(">HH", *SHAPE[::-1]), 1),
    "baseline": codestreams.jpeg(FILM >> 4),
    "JPEG-LS": codestreams.jpeg_ls_frame(FILM, 12),
    "no table": FRAME.replace(b"\xff\xc4", b"\xff\xfe", 1),
    "an incomplete table": FRAME.replace(bytes([0, 0, 0, 0, 14, 3]), bytes([0, 0, 0, 0, 13, 4]), 1),
    "another marker inside": FRAME[:-40] + b"\xff\xd0" + FRAME[-40:],
    "only the headers": FRAME[:HEADER_END],
    "nothing": b"",
}


@pytest.mark.parametrize("name", LEFT_TO_GDCM)
def test_any_other_frame_is_left_to_gdcm(name: str) -> None:
    assert lossless_jpeg.decode(LEFT_TO_GDCM[name], layout(12)) is None


@pytest.mark.parametrize("changes", [{"samples_per_pixel": 3}, {"bits_allocated": 8}, {"bits_allocated": 32}])
def test_a_header_that_does_not_fit_is_left_to_gdcm(changes: dict[str, int]) -> None:
    assert lossless_jpeg.decode(FRAME, layout(12) | changes) is None


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_damage_that_libjpeg_turbo_hides_is_left_to_gdcm(bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changed bytes may be a valid frame of other samples, for any decoder. Nothing else is accepted."""
    whole, header = codestreams.jpeg_lossless(samples(bits), bits), layout(bits)
    start, generator = whole.index(START_OF_SCAN) + 10, np.random.default_rng(bits)
    damaged = []
    for position in generator.integers(start, len(whole) - 40, 40):
        before, behind = whole[:position], whole[position:]
        damaged += [before + b"\xff\xd9", before + behind[generator.integers(2, 20) :]]
        damaged += [before + generator.bytes(12).replace(b"\xff", b"\0") + behind, before + bytes(20) + behind[20:]]
    results = [lossless_jpeg.decode(frame, header) for frame in damaged]
    monkeypatch.setattr(lossless_jpeg, "decode", lambda *_: None)
    accepted = [(frame, result) for frame, result in zip(damaged, results, strict=True) if result is not None]
    for frame, result in accepted:
        np.testing.assert_array_equal(result, decoder_worker.decode_frame(JPEGLosslessSV1, header, frame))
    assert len(accepted) < len(damaged) / 20


@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEGLossless])
def test_the_decoder_process_uses_it(syntax: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(decoder_worker.DECODERS, syntax, "no such library")
    np.testing.assert_array_equal(decoder_worker.decode_frame(syntax, layout(12), FRAME), FILM)


def test_without_the_library_gdcm_decodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    assert lossless_jpeg.decode(FRAME, layout(12)) is None
    np.testing.assert_array_equal(decoder_worker.decode_frame(JPEGLosslessSV1, layout(12), FRAME), FILM)


def test_a_film_is_read_by_way_of_the_decoder_process() -> None:
    data = encapsulated(FILM, JPEGLosslessSV1, FRAME, **CHILD)
    np.testing.assert_array_equal(read(data).pixels, FILM)
