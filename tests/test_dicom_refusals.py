"""Which DICOM files are refused, and that nothing of the patient ever comes out."""

from __future__ import annotations

import io
import logging
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings, strategies
from pydicom.uid import (
    JPEG2000,
    UID,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    RLELossless,
)

from pneumonia import PneumoniaError
from pneumonia.errors import FilmError, NoPixels, TooLarge, TooSmall, UnreadableImage, UnsupportedDicom
from pneumonia.imaging import read
from tests.dicom_files import CHILD, UNCOMPRESSED, dicom

Grey = npt.NDArray[np.uint8]


def compressed(syntax: UID, pixels: Grey) -> bytes:
    """A file that claims `syntax`; its frame is never decoded, so any bytes do."""
    data = dicom(pixels, PixelData=pydicom.encaps.encapsulate([b"\xff\xd8\xff\xe0" + bytes(200)]))
    dataset = pydicom.dcmread(io.BytesIO(data))
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("pixel_data", [None, b""])
def test_a_dicom_without_a_picture_has_no_pixels(pixel_data: bytes | None, large_film: Grey) -> None:
    with pytest.raises(NoPixels) as caught:
        read(dicom(large_film, PixelData=pixel_data))
    assert caught.value.code == "no_pixels"


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEGLosslessSV1, JPEG2000, RLELossless], ids=lambda uid: uid.name)
def test_a_compressed_picture_is_refused_with_its_kind(syntax: UID, large_film: Grey) -> None:
    with pytest.raises(UnsupportedDicom) as caught:
        read(compressed(syntax, large_film))
    assert caught.value.message.endswith(f"Allowed: uncompressed. Received: {syntax.name}.")


def test_an_unknown_compression_is_refused_without_quoting_the_tag(large_film: Grey) -> None:
    with pytest.raises(PneumoniaError) as caught:
        read(compressed(UID("1.2.3.4.4711"), large_film))
    assert caught.value.code in {"unsupported_dicom", "unreadable_image"}
    assert "4711" not in caught.value.message


@pytest.mark.parametrize(
    "tags",
    [
        {"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3, "PlanarConfiguration": 0},
        {"PhotometricInterpretation": "YBR_FULL", "SamplesPerPixel": 3, "PlanarConfiguration": 0},
        {"PhotometricInterpretation": "PALETTE COLOR"},
        {"PhotometricInterpretation": None},
    ],
)
def test_a_picture_that_is_not_grey_is_refused(tags: dict[str, Any], large_film: Grey) -> None:
    data = np.repeat(large_film[:, :, None], tags.get("SamplesPerPixel", 1), axis=2).tobytes()
    with pytest.raises(UnsupportedDicom, match="MONOCHROME1 or MONOCHROME2"):
        read(dicom(large_film, PixelData=data, **tags))


@pytest.mark.parametrize("share", [0.4, 0.9, 0.999])
@pytest.mark.parametrize("syntax", UNCOMPRESSED, ids=lambda syntax: syntax.name)
def test_truncated_pixels_are_unreadable_and_not_half_a_film(share: float, syntax: UID, large_film: Grey) -> None:
    data = dicom(large_film, syntax=syntax)
    with pytest.raises(UnreadableImage):
        read(data[: int(share * len(data))])


@pytest.mark.parametrize("name", ["Rows", "Columns", "BitsAllocated", "BitsStored", "PixelRepresentation"])
@pytest.mark.parametrize("value", [None, 0, 9000])
def test_a_header_that_lies_about_the_pixels_is_refused(name: str, value: int | None, large_film: Grey) -> None:
    tags: dict[str, Any] = {name: 7 if (name, value) == ("PixelRepresentation", 0) else value}
    with pytest.raises(UnreadableImage) as caught:
        read(dicom(large_film, **tags))
    assert caught.value.__suppress_context__


def test_a_header_that_promises_too_many_pixels_is_refused_before_decoding(large_film: Grey) -> None:
    with pytest.raises(TooLarge, match=r"Allowed: 80,000,000 pixels\. Received: 60000 x 60000\."):
        read(dicom(large_film, Rows=60_000, Columns=60_000))


def test_the_limits_of_pictures_hold_for_dicom(large_film: Grey, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TooSmall):
        read(dicom(large_film[:63, :90].copy()))
    assert read(dicom(large_film[:149].copy())).warnings[-1].startswith("Low resolution")
    monkeypatch.setenv("PNEUMONIA_MAX_PIXELS", str(large_film.size - 1))
    with pytest.raises(TooLarge):
        read(dicom(large_film))


DAMAGES: list[dict[str, Any]] = [
    {},
    {"PixelData": None},
    {"PixelData": b"Doe^Jane"},
    {"PhotometricInterpretation": "DOE^JANE"},
    {"Rows": 9000},
    {"BitsStored": 99},
    {"NumberOfFrames": 5},
    {"WindowCenter": 100, "WindowWidth": 0},
    {"RescaleSlope": "", "RescaleIntercept": ""},
    {"SpecificCharacterSet": "MRN-4711"},
]


@pytest.mark.parametrize("tags", DAMAGES, ids=str)
@pytest.mark.filterwarnings("default")
def test_nothing_of_the_patient_comes_out(
    tags: dict[str, Any], large_film: Grey, caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    data = dicom(large_film, **{**CHILD, **tags})
    # Values that pydicom would complain about, put in where it cannot see them being written.
    data = data.replace(b"007Y", b"7^YJ").replace(b"20200229", b"4711Jane")
    recwarn.clear()
    caplog.clear()
    with caplog.at_level(logging.DEBUG):
        try:
            told = " ".join(read(data).warnings)
        except PneumoniaError as error:
            told = error.message
            assert error.__suppress_context__ or error.__context__ is None
    everything = " ".join([told, caplog.text, *(str(warning.message) for warning in recwarn.list)]).lower()
    for secret in ("doe", "jane", "4711", "7^y", "mrn"):
        assert secret not in everything


def test_a_film_keeps_no_tag(large_film: Grey) -> None:
    film = read(dicom(large_film, **CHILD))
    kept = repr({name: value for name, value in vars(film).items() if name != "pixels"})
    assert set(vars(film)) == {"pixels", "format", "warnings", "is_lateral"}
    assert not any(secret in kept for secret in CHILD.values())


WHOLE = dicom(np.random.default_rng(5).integers(0, 256, (70, 80), dtype=np.uint8), **CHILD)


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(strategies.lists(strategies.tuples(strategies.integers(128, 900), strategies.integers(0, 255)), max_size=8))
def test_no_damage_raises_anything_but_our_errors(damage: list[tuple[int, int]]) -> None:
    data = bytearray(WHOLE)
    for at, value in damage:
        data[at] = value
    try:
        film = read(bytes(data))
    except PneumoniaError as error:
        assert isinstance(error, FilmError)
        assert not any(secret in error.message for secret in CHILD.values())
    else:
        assert film.pixels.ndim == 2
