"""Which DICOM files are refused; no patient data appear in messages, warnings or logs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings, strategies
from pydicom.uid import JPEG2000MC, MPEG2MPML, UID, HTJ2KLossless, JPEGBaseline8Bit

from pneumonia import PneumoniaError
from pneumonia.errors import FilmError, NoPixels, TooLarge, TooSmall, UnreadableImage, UnsupportedDicom
from pneumonia.imaging import read
from tests.support.dicom_files import CHILD, UNCOMPRESSED, dicom, encapsulated

Grey = npt.NDArray[np.uint8]


@pytest.mark.parametrize("pixel_data", [None, b""])
def test_a_dicom_without_a_picture_has_no_pixels(pixel_data: bytes | None, large_film: Grey) -> None:
    with pytest.raises(NoPixels) as caught:
        read(dicom(large_film, PixelData=pixel_data))
    assert caught.value.code == "no_pixels"


@pytest.mark.parametrize("name", ["FloatPixelData", "DoubleFloatPixelData"])
def test_a_truncated_parametric_map_is_refused(name: str, large_film: Grey) -> None:
    tags: dict[str, Any] = {"BitsAllocated": 32 if name == "FloatPixelData" else 64, name: b"\0" * 800}
    with pytest.raises(UnreadableImage):
        read(dicom(large_film, PixelData=None, **tags))


@pytest.mark.parametrize("bits", [4, 12, 24, 40])
def test_a_sample_size_that_is_not_decoded_is_refused_by_name(bits: int, large_film: Grey) -> None:
    with pytest.raises(UnsupportedDicom, match="Allowed: 1, 8, 16, 32 or 64 bits allocated"):
        read(dicom(large_film, BitsAllocated=bits, BitsStored=bits, PixelData=bytes(large_film.size * bits // 8)))


NO_IMAGE: dict[str, Any] = dict.fromkeys(("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelData"))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.11", "Modality": "SR"}, "contains no image"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.104.1", "Modality": "DOC"}, "contains no image"),
        ({"SOPClassUID": "1.2.840.10008.1.3.10", "FileSetID": "DOE^JANE"}, "DICOMDIR, an index of other files"),
    ],
)
def test_reports_and_directories_have_no_pixels(kind: dict[str, Any], message: str, large_film: Grey) -> None:
    with pytest.raises(NoPixels, match=message):
        read(dicom(large_film, **NO_IMAGE, **kind))


@pytest.mark.parametrize("modality", ["CT", "MR", "US", "MG", "PT", "NM", "XA", "RTIMAGE", "ES"])
def test_a_modality_that_is_not_radiography_is_refused_by_name(modality: str, large_film: Grey) -> None:
    with pytest.raises(UnsupportedDicom) as caught:
        read(dicom(large_film, Modality=modality))
    assert caught.value.message.endswith(f"Received: {modality}.")


UNSUPPORTED = [MPEG2MPML, JPEG2000MC, HTJ2KLossless, UID("1.2.840.10008.1.2.4.110"), UID("1.2.840.10008.1.2.4.55")]


@pytest.mark.parametrize("syntax", UNSUPPORTED, ids=str)
def test_an_unsupported_compression_is_refused_with_its_name(syntax: UID, large_film: Grey) -> None:
    placeholder = next(one for one in (JPEGBaseline8Bit, HTJ2KLossless) if len(one) == len(syntax))
    data = encapsulated(large_film, placeholder, bytes(200)).replace(placeholder.encode(), syntax.encode())
    with pytest.raises(UnsupportedDicom) as caught:
        read(data)
    expected = syntax.name if syntax.is_transfer_syntax else "an unknown transfer syntax"
    assert caught.value.message.endswith(f"JPEG-LS or JPEG 2000. Received: {expected}.")


@pytest.mark.parametrize("uid", ["1.2.3.4.4711", "4711", "Doe^Jane", ""])
def test_an_unknown_transfer_syntax_is_no_reason_to_refuse_uncompressed_pixels(uid: str, large_film: Grey) -> None:
    data = dicom(large_film).replace(
        b"\x02\0\x10\0UI\x14\x001.2.840.10008.1.2.1\0", b"\x02\0\x10\0UI\x14\0" + uid.encode().ljust(20, b"\0")
    )
    np.testing.assert_array_equal(read(data).pixels, large_film)


@pytest.mark.parametrize("uid", ["1.2.3.4.4711", "4711", "Doe^Jane"])
def test_an_unknown_compression_is_refused_without_quoting_the_tag(
    uid: str, large_film: Grey, harden: Callable[[], None]
) -> None:
    harden()
    data = encapsulated(large_film, HTJ2KLossless, bytes(200))
    data = data.replace(HTJ2KLossless.encode(), uid.encode().ljust(len(HTJ2KLossless), b"\0"))
    with pytest.raises(UnsupportedDicom) as caught:
        read(data)
    assert caught.value.message.endswith("Received: an unknown transfer syntax.")


@pytest.mark.parametrize(
    "tags",
    [
        {"PhotometricInterpretation": "HSV", "SamplesPerPixel": 3},
        {"PhotometricInterpretation": "CMYK", "SamplesPerPixel": 4},
        {"PhotometricInterpretation": "YBR_PARTIAL_420", "SamplesPerPixel": 3},
        {"PhotometricInterpretation": "MONOCHROME1", "SamplesPerPixel": 3},
        {"PhotometricInterpretation": "PALETTE COLOR", "SamplesPerPixel": 3},
        {"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3, "BitsAllocated": 16, "BitsStored": 16},
    ],
    ids=str,
)
def test_an_unsupported_photometric_interpretation_is_refused(tags: dict[str, Any], large_film: Grey) -> None:
    data = large_film.tobytes() * 3 * (tags.get("BitsAllocated", 8) // 8)
    with pytest.raises(UnsupportedDicom, match="MONOCHROME1 or MONOCHROME2; PALETTE COLOR; RGB or YBR"):
        read(dicom(large_film, PixelData=data, PlanarConfiguration=0, **tags))


@pytest.mark.parametrize("share", [0.4, 0.9, 0.999])
@pytest.mark.parametrize("syntax", UNCOMPRESSED, ids=lambda syntax: syntax.name)
def test_truncated_pixels_are_unreadable_and_not_half_a_film(share: float, syntax: UID, large_film: Grey) -> None:
    data = dicom(large_film, syntax=syntax)
    with pytest.raises(UnreadableImage):
        read(data[: int(share * len(data))])


@pytest.mark.parametrize(
    "tags",
    [
        {"Rows": 9000},
        {"Columns": 9000},
        {"Rows": None, "Columns": None},
        {"Rows": 0, "Columns": 0},
        {"Columns": None, "BitsAllocated": None},
        {"BitsAllocated": 16, "BitsStored": 16},
    ],
    ids=str,
)
def test_a_header_whose_size_contradicts_the_pixels_is_refused(tags: dict[str, Any], large_film: Grey) -> None:
    with pytest.raises(UnreadableImage) as caught:
        read(dicom(large_film, **tags))
    assert caught.value.__suppress_context__


def test_a_header_that_declares_too_many_pixels_is_refused_before_decoding(large_film: Grey) -> None:
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
def test_no_patient_data_appear_in_messages_warnings_or_logs(
    tags: dict[str, Any],
    large_film: Grey,
    caplog: pytest.LogCaptureFixture,
    recwarn: pytest.WarningsRecorder,
    harden: Callable[[], None],
) -> None:
    harden()
    data = dicom(large_film, **{**CHILD, **tags})
    # Malformed values that pydicom would warn about when writing; they are inserted after writing.
    data = data.replace(b"007Y", b"7^YJ").replace(b"20200229", b"4711Jane")
    recwarn.clear()
    caplog.clear()
    with caplog.at_level(logging.DEBUG):
        try:
            output = " ".join(read(data).warnings)
        except PneumoniaError as error:
            output = error.message
            assert error.__suppress_context__ or error.__context__ is None
    everything = " ".join([output, caplog.text, *(str(warning.message) for warning in recwarn.list)]).lower()
    for secret in ("doe", "jane", "7^y", "mrn"):
        assert secret not in everything


def test_a_film_keeps_no_tag_but_the_age_in_years(large_film: Grey) -> None:
    film = read(dicom(large_film, **CHILD))
    representation = repr({name: value for name, value in vars(film).items() if name != "pixels"})
    facts = {"pixels", "format", "warnings", "is_lateral", "is_other_body_part", "area", "age_years", "sides", "turn"}
    assert set(vars(film)) == facts
    assert film.age_years == 7.0, "years, and no text of the header"
    assert not any(secret in representation for secret in CHILD.values())


WHOLE = dicom(np.random.default_rng(5).integers(0, 256, (70, 80), dtype=np.uint8), **CHILD)


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(strategies.lists(strategies.tuples(strategies.integers(128, 900), strategies.integers(0, 255)), max_size=8))
def test_damaged_files_raise_only_film_errors(damage: list[tuple[int, int]]) -> None:
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
