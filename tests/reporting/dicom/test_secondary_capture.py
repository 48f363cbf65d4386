"""The secondary capture: its picture, its references and its attributes, as a receiver reads them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.uid import JPEG2000, ExplicitVRLittleEndian

from pneumonia import Predictor
from pneumonia.errors import TooSmall, UnreadableImage
from pneumonia.inference.decision import Failure
from pneumonia.languages import LANGUAGES
from pneumonia.reporting.dicom.options import ResultOptions
from pneumonia.reporting.dicom.secondary_capture import create_secondary_capture
from pneumonia.reporting.result_picture import WIDTH, draw_result
from tests.support.dicom_files import CHILD, dicom
from tests.support.dicom_programs import iod_errors, run_program
from tests.support.film_results import CREATED_AT, encode, film_result
from tests.support.source_films import HOSPITAL, SIZE, average, hospital_film

DAMAGED = Failure("film.dcm", UnreadableImage("The DICOM image is damaged."))


def capture(predictor: Predictor, data: bytes, **options: Any) -> Dataset:
    """The secondary capture of a film, written and read again."""
    return dcmread(io.BytesIO(encode(create_secondary_capture(film_result(predictor, data, **options)))))


def test_it_belongs_to_the_study_and_has_a_series_of_its_own(predictor: Predictor) -> None:
    image = capture(predictor, hospital_film())
    assert image.StudyInstanceUID == HOSPITAL["StudyInstanceUID"]
    assert image.SeriesInstanceUID != HOSPITAL["SeriesInstanceUID"]
    assert image.SOPClassUID == image.file_meta.MediaStorageSOPClassUID == "1.2.840.10008.5.1.4.1.1.7"
    assert image.SOPInstanceUID == image.file_meta.MediaStorageSOPInstanceUID
    assert image.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert (image.PatientName, image.PatientID) == (CHILD["PatientName"], CHILD["PatientID"])
    assert (image.AccessionNumber, image.StudyID, image.StudyDate) == ("A-77", "7", "20230105")


def test_it_says_from_what_and_how_it_was_derived(predictor: Predictor) -> None:
    image = capture(predictor, hospital_film())
    assert list(image.ImageType) == ["DERIVED", "SECONDARY"]
    for sequence in (image.SourceImageSequence, image.ReferencedImageSequence):
        (item,) = sequence
        assert item.ReferencedSOPClassUID == HOSPITAL["SOPClassUID"]
        assert item.ReferencedSOPInstanceUID == HOSPITAL["SOPInstanceUID"]
    assert image.SourceImageSequence[0].PurposeOfReferenceCodeSequence[0].CodeValue == "121322"
    assert image.DerivationDescription and image.DerivationCodeSequence[0].CodeValue == "113085"
    assert (image.ConversionType, image.BurnedInAnnotation) == ("WSD", "YES")
    assert image.SeriesDescription == image.ImageComments == "AI result, not for primary diagnosis"
    assert image.ContentDate + image.ContentTime == CREATED_AT.strftime("%Y%m%d%H%M%S")


def test_the_pixels_are_those_of_the_picture(predictor: Predictor) -> None:
    film = film_result(predictor, hospital_film(bits=12))
    assert film.reading is not None
    image = create_secondary_capture(film)
    picture = draw_result(film.reading.display(film.data), film.result, film.reading, film.model, CREATED_AT)
    assert (image.Rows, image.Columns, image.PhotometricInterpretation) == (*picture.pixels.shape[:2], "RGB")
    assert image.pixel_array.tobytes() == picture.pixels.tobytes()


def test_the_name_is_in_the_attributes_only(predictor: Predictor) -> None:
    """The same film of another patient has the same pixels."""
    other = hospital_film(PatientName="Poe^Edgar", PatientID="X-1", AccessionNumber="B-1")
    images = [capture(predictor, data) for data in (hospital_film(), other)]
    assert images[0].PixelData == images[1].PixelData
    assert [str(image.PatientName) for image in images] == ["Doe^Jane", "Poe^Edgar"]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({}, {"PixelSpacing": 0.2}),
        ({"ImagerPixelSpacing": [0.2, 0.2]}, {}),
        ({"PixelSpacing": None, "ImagerPixelSpacing": [0.15, 0.15]}, {}),
        ({"PixelSpacing": [0.18, 0.18], "ImagerPixelSpacing": [0.2, 0.2]}, {"PixelSpacing": 0.18}),
        ({"PixelSpacing": None, "NominalScannedPixelSpacing": [0.1, 0.1]}, {"NominalScannedPixelSpacing": 0.1}),
        ({"PixelSpacing": None}, {}),
    ],
)
def test_a_distance_is_stated_only_where_it_is_one_in_the_patient_or_on_the_film(
    predictor: Predictor, tags: dict[str, Any], expected: dict[str, float]
) -> None:
    image = capture(predictor, hospital_film(**tags))
    scale = WIDTH / max(SIZE)
    for keyword in ("PixelSpacing", "NominalScannedPixelSpacing"):
        assert (keyword in image) == (keyword in expected)
        if keyword in expected:
            assert list(image[keyword].value) == pytest.approx([expected[keyword] / scale] * 2, rel=1e-6)


def test_the_calibration_is_copied_with_its_distance(predictor: Predictor) -> None:
    calibration: dict[str, Any] = {
        "PixelSpacingCalibrationType": "FIDUCIAL",
        "PixelSpacingCalibrationDescription": "coin",
    }
    image = capture(predictor, hospital_film(ImagerPixelSpacing=[0.2, 0.2], **calibration))
    assert "PixelSpacing" in image
    assert {keyword: image[keyword].value for keyword in calibration} == calibration


@pytest.mark.parametrize(
    ("tags", "laterality"),
    [
        ({}, None),
        ({"BodyPartExamined": None}, ""),
        ({"ImageLaterality": "U"}, None),
        ({"BodyPartExamined": "SHOULDER", "Laterality": "R"}, "R"),
    ],
)
def test_laterality_and_orientation_are_those_of_the_film(
    predictor: Predictor, tags: dict[str, Any], laterality: str | None
) -> None:
    image = capture(predictor, hospital_film(**tags))
    assert image.get("Laterality", None) == laterality
    assert list(image.PatientOrientation) == ["L", "F"]
    for orientation in (None, "L"):
        other = capture(predictor, hospital_film(PatientOrientation=orientation), failure=DAMAGED)
        assert not other["PatientOrientation"].value


def test_a_lossy_film_stays_marked_as_such(predictor: Predictor) -> None:
    stated: dict[str, Any] = {
        "LossyImageCompression": "01",
        "LossyImageCompressionRatio": 12,
        "LossyImageCompressionMethod": "ISO_1",
    }
    image = capture(predictor, hospital_film(**stated))
    assert (image.LossyImageCompression, image.LossyImageCompressionRatio) == ("01", 12)
    assert "LossyImageCompression" not in capture(predictor, hospital_film())
    assert capture(predictor, hospital_film(LossyImageCompression="00")).LossyImageCompression == "00"


@pytest.mark.slow
def test_a_lossy_transfer_syntax_is_recognised(predictor: Predictor) -> None:
    from pydicom.encaps import encapsulate

    buffer = io.BytesIO()
    Image.fromarray(average("Normal")).save(buffer, "JPEG2000", irreversible=True, quality_layers=[10])
    codestream = buffer.getvalue()
    codestream = codestream[codestream.index(b"\xff\x4f\xff\x51") :]
    data = dicom(average("Normal"), syntax=JPEG2000, **{**HOSPITAL, "PixelData": encapsulate([codestream])})
    image = capture(predictor, data)
    assert (image.LossyImageCompression, image.LossyImageCompressionMethod) == ("01", "ISO_15444_1")
    assert image.LossyImageCompressionRatio == pytest.approx(average("Normal").size / len(codestream), rel=0.01)


def test_an_unreadable_film_has_a_card(predictor: Predictor) -> None:
    image = capture(predictor, hospital_film(), failure=DAMAGED)
    assert image.Rows < 500 and "PixelSpacing" not in image
    assert not image["PatientOrientation"].value and image.SourceImageSequence
    assert np.asarray(image.pixel_array).std() > 10


def test_a_film_that_is_too_small_is_shown(predictor: Predictor) -> None:
    data = dicom(average("Normal")[100:150, 100:150], **HOSPITAL)
    with pytest.raises(TooSmall) as caught:
        predictor.read(data)
    image = capture(predictor, data, failure=Failure("film.dcm", caught.value))
    assert image.Rows > WIDTH


def test_a_frame_of_several_is_referenced(predictor: Predictor) -> None:
    frames = np.stack([average("Normal")] * 2)
    data = dicom(frames, **{**HOSPITAL, "NumberOfFrames": 2, "SOPClassUID": "1.2.840.10008.5.1.4.1.1.7.2"})
    assert capture(predictor, data).SourceImageSequence[0].ReferencedFrameNumber == 1


def test_the_same_film_gives_the_same_bytes(predictor: Predictor) -> None:
    film = film_result(predictor, hospital_film())
    assert encode(create_secondary_capture(film)) == encode(create_secondary_capture(film))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_picture_is_in_the_language_of_the_options(predictor: Predictor, language: str) -> None:
    english, other = (
        capture(predictor, hospital_film(), failure=DAMAGED, options=ResultOptions(language=code)).pixel_array
        for code in ("en", language)
    )
    assert np.array_equal(english, other) == (language == "en")


CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "pneumonia": ({"bits": 12}, {}),
    "no patient": (
        dict.fromkeys(("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "AccessionNumber")),
        {},
    ),
    "refused": ({"ViewPosition": "LL", "BodyPartExamined": "HAND"}, {}),
    "private class": ({"SOPClassUID": "1.2.3.4.5"}, {}),
    "error": ({"BodyPartExamined": None}, {"failure": DAMAGED, "options": ResultOptions(language="zh")}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_dicom3tools_finds_no_error_and_dcmtk_reads_the_picture(
    predictor: Predictor, tmp_path: Path, name: str
) -> None:
    tags, options = CASES[name]
    path = tmp_path / "sc.dcm"
    image = create_secondary_capture(film_result(predictor, hospital_film(**tags), **options))
    path.write_bytes(encode(image))
    assert iod_errors(path) == []
    process = run_program("dcmj2pnm", "--write-raw-pnm", path, tmp_path / "sc.ppm")
    assert process.returncode == 0, process.stderr
    with Image.open(tmp_path / "sc.ppm") as picture:
        assert np.array_equal(np.asarray(picture), image.pixel_array)
