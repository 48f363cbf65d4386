"""DICOM files written by pydicom, in the dialects that archives speak. `CHILD` stands in each; it must never come out."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from conftest import Grey
from hypothesis import HealthCheck, given, settings, strategies
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    RLELossless,
)

from pneumonia import PneumoniaError
from pneumonia.errors import FilmError, NoPixels, TooLarge, TooSmall, UnreadableImage, UnsupportedDicom
from pneumonia.imaging import read, to_input

Pixels = npt.NDArray[Any]
CHILD = {"PatientName": "Doe^Jane", "PatientID": "MRN-4711", "PatientBirthDate": "20200229", "PatientAge": "007Y"}
AGE_WARNING = "The patient's age lies outside 1-5 years, the ages of the training films."
UNCOMPRESSED = [
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
]


def dicom(
    pixels: Pixels, *, bits: int | None = None, syntax: str = ExplicitVRLittleEndian, preamble: bool = True, **tags: Any
) -> bytes:
    """A file with `pixels` (`[H, W]`, or `[frames, H, W]`) of `bits` stored; a tag given as None is left out."""
    depth = 8 * pixels.dtype.itemsize
    dataset = Dataset()
    stored = pixels.astype(pixels.dtype.newbyteorder(">" if syntax == ExplicitVRBigEndian else "<"))
    wanted = {
        **CHILD,
        "PatientAge": "003Y",
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1",
        "SOPInstanceUID": "1.2.3.4",
        "Rows": pixels.shape[-2],
        "Columns": pixels.shape[-1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": depth,
        "BitsStored": bits or depth,
        "HighBit": (bits or depth) - 1,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
        "PixelData": stored.tobytes(),
        **tags,
    }
    for name, value in wanted.items():
        if value is not None:
            setattr(dataset, name, value)
    if "PixelData" in dataset:
        # Bytes have no order; only words are swapped by a big-endian file.
        dataset["PixelData"].VR = "OB" if depth == 8 else "OW"
    buffer = io.BytesIO()
    how = {"implicit_vr": syntax == ImplicitVRLittleEndian, "little_endian": syntax != ExplicitVRBigEndian}
    if preamble:
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = syntax
        pydicom.dcmwrite(buffer, dataset, enforce_file_format=True, **how)
    else:
        pydicom.dcmwrite(buffer, dataset, **how)
    return buffer.getvalue()


def compressed(syntax: str, pixels: Grey) -> bytes:
    """A file that claims `syntax`; its frame is never decoded, so any bytes do."""
    data = dicom(pixels, PixelData=pydicom.encaps.encapsulate([b"\xff\xd8\xff\xe0" + bytes(200)]))
    dataset = pydicom.dcmread(io.BytesIO(data))
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    return buffer.getvalue()


def ramp(bits: int = 12) -> npt.NDArray[np.uint16]:
    """`[160, 200]`, rising along each row over the whole of `bits`."""
    row = np.rint(np.linspace(0, 2**bits - 1, 200)).astype(np.uint16)
    return np.tile(row, (160, 1))


@pytest.mark.parametrize("syntax", UNCOMPRESSED, ids=lambda syntax: syntax.name)
def test_a_plain_8_bit_dicom_gives_exactly_the_input_of_the_png(
    syntax: str, large_film: Grey, encode: Callable[..., bytes]
) -> None:
    film = read(dicom(large_film, syntax=syntax))
    assert film.format == "DICOM"
    assert film.warnings == ()
    np.testing.assert_array_equal(film.pixels, large_film)
    np.testing.assert_array_equal(to_input(film), to_input(read(encode(large_film, "PNG"))))


@pytest.mark.parametrize("syntax", UNCOMPRESSED, ids=lambda syntax: syntax.name)
@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_a_deep_dicom_keeps_its_depth_and_gives_the_input_of_the_png(bits: int, syntax: str, large_film: Grey) -> None:
    deep = np.rint(large_film * ((2**bits - 1) / 255)).astype(np.uint16)
    film = read(dicom(deep, bits=bits, syntax=syntax))
    np.testing.assert_array_equal(film.pixels, deep)
    difference = to_input(film).astype(np.int16) - to_input(read(large_film))
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian], ids=lambda syntax: syntax.name)
def test_a_data_set_without_preamble_is_read(syntax: str, large_film: Grey) -> None:
    data = dicom(large_film, syntax=syntax, preamble=False)
    assert data[128:132] != b"DICM"
    np.testing.assert_array_equal(read(data).pixels, large_film)


def test_a_file_that_lost_its_preamble_but_not_its_meta_header_is_read(large_film: Grey) -> None:
    np.testing.assert_array_equal(read(dicom(large_film)[132:]).pixels, large_film)


def test_a_dicom_is_told_by_its_bytes_whatever_the_name(large_film: Grey, tmp_path: Path) -> None:
    path = tmp_path / "film.jpg"
    path.write_bytes(dicom(large_film))
    assert read(path).format == "DICOM"


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_monochrome1_is_inverted_within_its_own_depth(bits: int) -> None:
    stored = ramp(bits).astype(np.uint8 if bits == 8 else np.uint16)
    film = read(dicom(stored, bits=bits, PhotometricInterpretation="MONOCHROME1"))
    assert film.pixels.dtype == stored.dtype
    np.testing.assert_array_equal(film.pixels, 2**bits - 1 - stored)


def test_both_photometric_kinds_of_one_film_give_the_same_input(large_film: Grey) -> None:
    negative = dicom(255 - large_film, PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_array_equal(to_input(read(negative)), to_input(read(large_film)))


def test_overlay_bits_above_the_stored_ones_are_not_brightness() -> None:
    film = read(dicom(ramp(12) | 0xF000, bits=12))
    np.testing.assert_array_equal(film.pixels, ramp(12))


def test_signed_values_are_shifted_and_not_wrapped() -> None:
    film = read(dicom(ramp(12).astype(np.int16) - 2048, bits=16))
    assert (film.pixels.min(), film.pixels.max()) == (0, 65535)
    assert np.all(np.diff(film.pixels[0].astype(np.int64)) > 0)


def test_a_rescale_with_negative_slope_turns_the_film_bright_on_dark() -> None:
    film = read(dicom(ramp(12), bits=12, RescaleSlope=-1, RescaleIntercept=4095))
    assert film.pixels[0, 0] == 65535
    assert film.pixels[0, -1] == 0


def test_a_rescale_changes_the_scale_and_not_the_picture() -> None:
    plain, rescaled = read(dicom(ramp(12), bits=12)), read(dicom(ramp(12), bits=12, RescaleSlope=3, RescaleIntercept=9))
    difference = to_input(plain).astype(np.int16) - to_input(rescaled)
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize(
    "tags",
    [
        {"RescaleSlope": "1", "RescaleIntercept": "0"},
        {"RescaleSlope": "1.0", "RescaleIntercept": "0.0"},
        # Archives leave tags in place that have lost their value.
        {"WindowCenter": "", "WindowWidth": ""},
    ],
)
def test_tags_that_ask_for_nothing_leave_the_film_as_it_is(tags: dict[str, str], large_film: Grey) -> None:
    np.testing.assert_array_equal(read(dicom(large_film, **tags)).pixels, large_film)


def test_a_window_shows_its_range_and_clips_the_rest() -> None:
    film = read(dicom(ramp(12), bits=12, WindowCenter=2048, WindowWidth=1000))
    shown, stored = film.pixels[0], ramp(12)[0]
    assert not shown[stored < 1540].any()
    assert (shown[stored > 2555] == 65535).all()
    inside = shown[(stored > 1550) & (stored < 2540)].astype(np.int64)
    assert np.all(np.diff(inside) > 0)
    assert shown[np.abs(stored.astype(np.int64) - 2048).argmin()] == pytest.approx(32768, abs=700)


def test_of_several_windows_the_first_is_shown() -> None:
    one = read(dicom(ramp(12), bits=12, WindowCenter=1000, WindowWidth=500))
    two = read(dicom(ramp(12), bits=12, WindowCenter=[1000, 3000], WindowWidth=[500, 900]))
    np.testing.assert_array_equal(one.pixels, two.pixels)


def test_a_window_is_applied_before_monochrome1_is_inverted() -> None:
    tags: dict[str, Any] = {"bits": 12, "WindowCenter": 1000, "WindowWidth": 500}
    plain = read(dicom(ramp(12), **tags))
    inverted = read(dicom(ramp(12), **tags, PhotometricInterpretation="MONOCHROME1"))
    np.testing.assert_array_equal(inverted.pixels, 65535 - plain.pixels)


def table(values: list[int]) -> Dataset:
    item = Dataset()
    item.LUTDescriptor = [len(values), 0, 16]
    item.LUTData = np.array(values, "<u2").tobytes()
    return item


def test_a_voi_table_is_looked_up() -> None:
    # A table that turns the film into its negative cannot be mistaken for a window or for nothing.
    film = read(dicom(ramp(8), bits=8, VOILUTSequence=[table(list(range(65535, -1, -257)))]))
    np.testing.assert_array_equal(film.pixels, 65535 - ramp(8) * np.uint16(257))


def test_a_modality_table_is_looked_up() -> None:
    film = read(dicom(ramp(8), bits=8, ModalityLUTSequence=[table(list(range(65535, -1, -257)))]))
    np.testing.assert_array_equal(film.pixels, 65535 - ramp(8) * np.uint16(257))


def test_of_several_frames_the_first_is_used_and_told(large_film: Grey) -> None:
    film = read(dicom(np.stack([large_film, 255 - large_film]), NumberOfFrames=2))
    np.testing.assert_array_equal(film.pixels, large_film)
    assert film.warnings == ("The file holds 2 pictures; only the first was used.",)


@pytest.mark.parametrize("pixel_data", [None, b""])
def test_a_dicom_without_a_picture_has_no_pixels(pixel_data: bytes | None, large_film: Grey) -> None:
    with pytest.raises(NoPixels) as caught:
        read(dicom(large_film, PixelData=pixel_data))
    assert caught.value.code == "no_pixels"


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEGLosslessSV1, JPEG2000, RLELossless], ids=lambda uid: uid.name)
def test_a_compressed_picture_is_refused_with_its_kind(syntax: pydicom.uid.UID, large_film: Grey) -> None:
    with pytest.raises(UnsupportedDicom) as caught:
        read(compressed(syntax, large_film))
    assert caught.value.message.endswith(f"Allowed: uncompressed. Received: {syntax.name}.")


def test_an_unknown_compression_is_refused_without_quoting_the_tag(large_film: Grey) -> None:
    with pytest.raises(PneumoniaError) as caught:
        read(compressed("1.2.3.4.4711", large_film))
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
def test_truncated_pixels_are_unreadable_and_not_half_a_film(share: float, syntax: str, large_film: Grey) -> None:
    data = dicom(large_film, syntax=syntax)
    with pytest.raises(UnreadableImage):
        read(data[: int(share * len(data))])


@pytest.mark.parametrize("name", ["Rows", "Columns", "BitsAllocated", "BitsStored", "PixelRepresentation"])
@pytest.mark.parametrize("value", [None, 0, 9000])
def test_a_header_that_lies_about_the_pixels_is_refused(name: str, value: int | None, large_film: Grey) -> None:
    with pytest.raises(UnreadableImage) as caught:
        read(dicom(large_film, **{name: 7 if (name, value) == ("PixelRepresentation", 0) else value}))
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


@pytest.mark.parametrize("age", ["001Y", "005Y", "012M", "018M", "071M", "053W", "400D", "3Y", " 003Y"])
def test_the_ages_of_the_training_films_are_not_told(age: str, large_film: Grey) -> None:
    assert read(dicom(large_film, PatientAge=age)).warnings == ()


@pytest.mark.parametrize("age", ["000Y", "006Y", "045Y", "011M", "006M", "073M", "010D", "051W", "120Y"])
def test_an_age_outside_the_training_films_is_told_without_the_age(age: str, large_film: Grey) -> None:
    assert read(dicom(large_film, PatientAge=age)).warnings == (AGE_WARNING,)


@pytest.mark.filterwarnings("ignore:.*PatientAge|.*VR AS:UserWarning")
@pytest.mark.parametrize("age", ["", None, "Y", "abcY", "0x7Y", "-01Y", "003", "45", "²Y"])
def test_a_missing_or_malformed_age_is_no_reason_for_anything(age: str | None, large_film: Grey) -> None:
    tags = {"SpecificCharacterSet": "ISO_IR 192", "PatientAge": age}
    assert read(dicom(large_film, **tags)).warnings == ()


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
    assert set(vars(film)) == {"pixels", "format", "warnings"}
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
