"""Result objects on the page and from the API."""

from __future__ import annotations

import base64
import io
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio_client import Client, handle_file
from pydicom import dcmread

from pneumonia import Predictor
from pneumonia.languages import use_language
from pneumonia.reporting import result_files
from pneumonia.reporting.result_files import KINDS, SUFFIXES
from pneumonia.web import dicom_results, film_session
from pneumonia.web.film_session import SessionFilm
from pneumonia.web.server.upload import Upload
from tests.support.dicom_files import CHILD
from tests.support.source_films import HOSPITAL, hospital_film

from .visit import Visit

NAMES = [f"chest-film{SUFFIXES[kind]}" for kind in KINDS]


@pytest.fixture
def dicom_film(tmp_path: Path) -> Path:
    path = tmp_path / "DOE^JANE.dcm"
    path.write_bytes(hospital_film(bits=12, BitsStored=16))
    return path


def session_film(predictor: Predictor, path: Path) -> SessionFilm:
    film, *_ = film_session.open_film(predictor, Upload(path, path.name))
    assert film is not None
    return film


def files_of(download: dict[str, str] | None) -> dict[str, bytes]:
    assert download is not None and download["name"] == "chest-film-results.zip"
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(download["content"]))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_button_is_for_dicom_films_where_the_extra_is_installed(
    predictor: Predictor, dicom_film: Path, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_visible(film: SessionFilm | None) -> bool:
        return bool(dicom_results.show_button(film).visible)

    film, picture = (session_film(predictor, path) for path in (dicom_film, files["film.png"]))
    assert [is_visible(None), is_visible(film), is_visible(picture)] == [False, True, False]
    monkeypatch.setattr(result_files, "find_spec", lambda name: None if name == "highdicom" else find_spec(name))
    assert not is_visible(film)


@pytest.mark.slow
def test_the_download_has_the_files_of_the_command_line(predictor: Predictor, dicom_film: Path) -> None:
    film = session_film(predictor, dicom_film)
    files = files_of(dicom_results.as_zip(predictor, film, "confirm"))
    assert list(files) == NAMES
    data = dicom_film.read_bytes()
    reading = predictor.read(data)
    options = result_files.ResultOptions()
    expected = result_files.create_result_files(
        predictor, data, predictor.decide(reading, "confirm"), reading, KINDS, options
    )
    for file in expected[:4]:
        made = dcmread(io.BytesIO(files[f"chest-film{file.name_suffix}"]))
        assert made.SOPInstanceUID == file.sop_instance_uid
    state, other = (dcmread(io.BytesIO(content)) for content in (files[NAMES[2]], expected[2].data))
    assert state.SoftcopyVOILUTSequence == other.SoftcopyVOILUTSequence


def test_the_uids_lie_under_the_root_of_the_organisation(
    predictor: Predictor, dicom_film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMONIA_UID_ROOT", "1.2.999")
    film = session_film(predictor, dicom_film)
    report = files_of(dicom_results.as_zip(predictor, film, "balanced"))[NAMES[0]]
    assert dcmread(io.BytesIO(report)).SOPInstanceUID.startswith("1.2.999.")


def test_the_files_are_in_the_language_of_the_page(predictor: Predictor, dicom_film: Path) -> None:
    film = session_film(predictor, dicom_film)
    with use_language("es"):
        files = files_of(dicom_results.as_zip(predictor, film, "balanced"))
    state = dcmread(io.BytesIO(files["chest-film.gsps.dcm"]))
    assert "Neumonía" in state.GraphicAnnotationSequence[0].TextObjectSequence[0].UnformattedTextValue


def test_a_deleted_film_has_no_download(predictor: Predictor, dicom_film: Path) -> None:
    film = session_film(predictor, dicom_film)
    dicom_film.unlink()
    assert dicom_results.as_zip(predictor, film, "balanced") is None
    assert dicom_results.as_zip(predictor, None, "balanced") is None


def test_a_film_that_belongs_to_no_study_says_so(predictor: Predictor, dicom_film: Path) -> None:
    dicom_film.write_bytes(hospital_film(StudyInstanceUID=None))
    with pytest.raises(gr.Error, match="StudyInstanceUID"):
        dicom_results.as_zip(predictor, session_film(predictor, dicom_film), "balanced")


def call(client: Client, path: Path, *options: Any) -> tuple[list[str] | None, dict[str, Any]]:
    files, result = client.predict(handle_file(path), *options, api_name="/dicom_results")
    return files, result


@pytest.mark.slow
def test_the_endpoint_returns_files_and_prediction(client: Client, predictor: Predictor, dicom_film: Path) -> None:
    files, result = call(client, dicom_film, "screening", 0.1)
    assert result == predictor.predict(dicom_film, "screening", file=dicom_film.name, prevalence=0.1).as_dict()
    assert files is not None and [Path(file).name for file in files] == NAMES
    assert dcmread(files[0]).PatientID == CHILD["PatientID"]


def test_the_endpoint_never_raises_for_a_bad_file(client: Client, files: dict[str, Path], tmp_path: Path) -> None:
    made, result = call(client, files["film.png"])
    assert not made and result["error"]["code"] == "unsupported_dicom" and result["file"] == "film.png"
    damaged = tmp_path / "damaged.dcm"
    damaged.write_bytes(hospital_film()[:-1000])
    made, result = call(client, damaged)
    assert result["error"]["code"] == "unreadable_image"
    assert made is not None and dcmread(made[0]).StudyInstanceUID == HOSPITAL["StudyInstanceUID"]
    made, result = call(client, damaged, "best")
    assert not made and result["error"]["code"] == "usage"


def test_without_the_extra_the_endpoint_says_what_to_install(
    predictor: Predictor, dicom_film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(result_files, "find_spec", lambda name: None if name == "highdicom" else find_spec(name))
    files, result = dicom_results.dicom_results(predictor, Upload(dicom_film, "film.dcm"))
    assert files is None and "requirements-hospital.txt" in result["error"]["message"]


@pytest.mark.browser
@pytest.mark.slow
def test_the_button_downloads_the_files_of_a_dicom_film(visit: Visit, dicom_film: Path, files: dict[str, Path]) -> None:
    """For the next film, which is no DICOM file, the button is gone."""
    button = visit.page.get_by_role("button", name="DICOM results (ZIP)")
    visit.drop(dicom_film)
    button.wait_for()
    assert visit.axe_violations(part="#report") == []
    visit.save_screenshot("dicom-results")
    with visit.page.expect_download() as download:
        button.click()
    assert download.value.suggested_filename == "chest-film-results.zip"
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.namelist() == NAMES
    visit.drop(files["film.png"])
    button.wait_for(state="hidden")
