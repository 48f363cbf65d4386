"""The presentation state: outlines and text over the film, which is displayed as without it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset, dcmread

from pneumonia import Predictor
from pneumonia.errors import UnreadableImage, UnsupportedDicom
from pneumonia.inference import explain
from pneumonia.inference.decision import Failure
from pneumonia.reporting.dicom.presentation_state import create_presentation_state
from tests.support.dicom_files import dicom
from tests.support.dicom_programs import iod_errors, run_program
from tests.support.film_results import encode, film_result
from tests.support.source_films import HOSPITAL, SIZE, average, hospital_film

FAILURE = Failure("film.dcm", UnreadableImage("The DICOM image is damaged."))


def state_of(predictor: Predictor, data: bytes, **options: Any) -> Dataset:
    return dcmread(io.BytesIO(encode(create_presentation_state(film_result(predictor, data, **options)))))


def text_of(state: Dataset) -> str:
    return str(state.GraphicAnnotationSequence[0].TextObjectSequence[0].UnformattedTextValue)


def test_the_zones_are_outlined_with_their_shares_on_the_film(predictor: Predictor) -> None:
    film = film_result(predictor, hospital_film())
    state = dcmread(io.BytesIO(encode(create_presentation_state(film))))
    zones = state.GraphicAnnotationSequence[1]
    assert film.prediction is not None and film.prediction.zones is not None
    shares = [f"{100 * film.prediction.zones[zone]:.0f} %" for zone in explain.ZONES]
    assert [text.UnformattedTextValue for text in zones.TextObjectSequence] == shares
    for graphic in zones.GraphicObjectSequence:
        points = np.array(graphic.GraphicData).reshape(-1, 2)
        assert (points >= 0).all() and (points <= np.array(SIZE)).all()
        assert np.array_equal(points[0], points[-1])
    assert state.ReferencedSeriesSequence[0].SeriesInstanceUID == HOSPITAL["SeriesInstanceUID"]
    for item in (zones, state.ReferencedSeriesSequence[0]):
        (reference,) = item.ReferencedImageSequence
        assert reference.ReferencedSOPClassUID == HOSPITAL["SOPClassUID"]
        assert reference.ReferencedSOPInstanceUID == HOSPITAL["SOPInstanceUID"]


def test_the_text_has_notice_answer_and_reason(predictor: Predictor) -> None:
    text = text_of(state_of(predictor, hospital_film()))
    assert text.splitlines()[:2] == ["AI result, not for primary diagnosis", "Pneumonia, P(pneumonia) over 99 %"]
    refused = state_of(predictor, hospital_film(ViewPosition="LL"))
    assert text_of(refused).splitlines()[1] == "Unknown" and "lateral" in text_of(refused)
    failed = state_of(predictor, hospital_film(), failure=FAILURE)
    assert text_of(failed).splitlines()[1:] == ["No answer", FAILURE.error.message, "unreadable_image"]


@pytest.mark.parametrize("options", [{"label": "Normal"}, {"ViewPosition": "LL"}])
def test_without_shares_there_are_no_outlines(predictor: Predictor, options: dict[str, Any]) -> None:
    assert len(state_of(predictor, hospital_film(**options)).GraphicAnnotationSequence) == 1


def _table(entries: list[int]) -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries), 0, 12])
    item.add_new("LUTData", "US", entries)
    return item


DISPLAYS: dict[str, dict[str, Any]] = {
    "no window": {},
    "a window": {"WindowCenter": 1800, "WindowWidth": 2500},
    "two windows": {"WindowCenter": [1800, 100], "WindowWidth": [2500, 20]},
    "rescale": {"WindowCenter": 3500, "WindowWidth": 5000, "RescaleSlope": 2, "RescaleIntercept": -100},
    "inverted": {"PhotometricInterpretation": "MONOCHROME1", "WindowCenter": 1800, "WindowWidth": 2500},
    "a table": {"VOILUTSequence": [_table([min(4095, n * n // 3000) for n in range(4096)])]},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", DISPLAYS)
def test_the_film_is_displayed_as_without_it(predictor: Predictor, tmp_path: Path, name: str) -> None:
    """By DCMTK, which applies the presentation state, and the window of the film without it."""
    film, state = tmp_path / "film.dcm", tmp_path / "state.dcm"
    film.write_bytes(hospital_film(bits=12, **DISPLAYS[name]))
    state.write_bytes(encode(create_presentation_state(film_result(predictor, film.read_bytes()))))
    pictures = []
    window = {"a table": ["+Wl", "1"], "no window": []}.get(name, ["+Wi", "1"])
    for program, arguments in (("dcmp2pgm", ["-p", str(state)]), ("dcmj2pnm", window)):
        out = tmp_path / f"{program}.pgm"
        process = run_program(program, *arguments, film, out)
        assert process.returncode == 0, process.stderr
        with Image.open(out) as picture:
            pictures.append(np.asarray(picture.convert("L")).astype(int))
    assert np.abs(pictures[0] - pictures[1]).max() <= 1


def test_the_function_of_the_window_is_copied(predictor: Predictor) -> None:
    """DCMTK does not apply it in a presentation state, so the comparison above has no such film."""
    window: dict[str, Any] = {"WindowCenter": 1800, "WindowWidth": 2500, "VOILUTFunction": "SIGMOID"}
    (voi,) = state_of(predictor, hospital_film(bits=12, **window)).SoftcopyVOILUTSequence
    assert {keyword: voi[keyword].value for keyword in window} == window


def test_a_film_of_12_bits_in_16_without_a_window_is_not_black(predictor: Predictor) -> None:
    data = hospital_film(bits=12, BitsStored=16)
    (voi,) = state_of(predictor, data).SoftcopyVOILUTSequence
    assert (voi.WindowCenter, voi.WindowWidth) == (2048, 4096)


def test_a_film_in_colour_has_a_colour_state(predictor: Predictor) -> None:
    pixels = np.repeat(average("Pneumonia")[..., None], 3, axis=2)
    tags = {**HOSPITAL, "SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    data = dicom(pixels[:, :, 0], **{**tags, "PixelData": pixels.tobytes()})
    state = state_of(predictor, data)
    assert state.SOPClassUID == "1.2.840.10008.5.1.4.1.1.11.2"
    assert len(state.GraphicAnnotationSequence) == 2


def test_pixels_that_are_not_square_keep_their_proportions(predictor: Predictor) -> None:
    area = state_of(predictor, hospital_film(PixelSpacing=[0.3, 0.2])).DisplayedAreaSelectionSequence[0]
    assert list(area.PresentationPixelAspectRatio) == [3, 2]
    square = state_of(predictor, hospital_film()).DisplayedAreaSelectionSequence[0]
    assert list(square.PresentationPixelAspectRatio) == [1, 1]


def test_the_first_of_several_frames_is_referenced(predictor: Predictor) -> None:
    frames = np.stack([average("Pneumonia")] * 2)
    data = dicom(frames, **{**HOSPITAL, "NumberOfFrames": 2, "SOPClassUID": "1.2.840.10008.5.1.4.1.1.7.2"})
    state = state_of(predictor, data)
    for item in (*state.GraphicAnnotationSequence, state.ReferencedSeriesSequence[0]):
        assert item.ReferencedImageSequence[0].ReferencedFrameNumber == 1


def test_the_size_of_a_film_that_was_read_need_not_be_stated(predictor: Predictor) -> None:
    area = state_of(predictor, hospital_film(Rows=None)).DisplayedAreaSelectionSequence[0]
    assert list(area.DisplayedAreaBottomRightHandCorner) == list(SIZE)


def test_a_film_without_rows_cannot_have_one(predictor: Predictor) -> None:
    film = film_result(predictor, hospital_film(Rows=None), failure=FAILURE)
    with pytest.raises(UnsupportedDicom, match="rows and columns"):
        create_presentation_state(film)


@pytest.mark.slow
@pytest.mark.parametrize("tags", [{"bits": 12}, {"label": "Normal"}, {"BodyPartExamined": None, "PatientID": None}])
def test_dicom3tools_and_dcmtk_find_no_error(predictor: Predictor, tmp_path: Path, tags: dict[str, Any]) -> None:
    path = tmp_path / "state.dcm"
    path.write_bytes(encode(create_presentation_state(film_result(predictor, hospital_film(**tags)))))
    assert iod_errors(path) == []
    process = run_program("dcmpschk", path)
    assert "Test passed" in process.stdout + process.stderr
