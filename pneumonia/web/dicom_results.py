"""DICOM objects and FHIR bundle of a film: a download of the page, and an endpoint of the API.

Both need the extra `hospital` and a DICOM film. They are the files of `predict --dicom-sr` and its other options.
"""

from __future__ import annotations

import dataclasses
import io
import secrets
import zipfile
from pathlib import Path
from typing import Any

import gradio as gr

from .. import imaging, settings
from ..errors import PneumoniaError
from ..inference.decision import DEFAULT_POINT, Failure, Prediction
from ..inference.predictor import Predictor
from ..inference.reading import Reading
from ..languages import ENGLISH, current_language
from ..messages import message
from ..monitoring.recorder import observer
from ..reporting import result_files
from ..reporting.dicom.options import ResultOptions
from ..reporting.result_files import KINDS, ResultFile
from . import film_session, handlers
from .film_session import SessionFilm
from .server import gradio_environment, request_log
from .server.upload import Upload

BUTTON = message("DICOM results (ZIP)")
ZIP_NAME, FILE_STEM = "chest-film-results.zip", "chest-film"
"""Names of the files. That of the film is left out, because it is often the patient's name."""

Files = tuple[list[str] | None, dict[str, Any]]
"""(paths of the files, None if there are none; JSON of the prediction or the error)."""


def button() -> gr.Button:
    """The button, hidden until a film has files."""
    return gr.Button(BUTTON, size="sm", min_width=120, visible=False, elem_id="dicom-results")


def show_button(session_film: SessionFilm | None) -> gr.Button:
    """Shows the button if the film is a DICOM file and the extra is installed."""
    is_dicom = session_film is not None and session_film.reading.film.format == "DICOM"
    return gr.Button(visible=is_dicom and result_files.is_available())


def as_zip(
    predictor: Predictor, session_film: SessionFilm | None, point: str, prevalence: float | None = None
) -> dict[str, str] | None:
    """All result files in a ZIP for `save.js`; None without a film, or if it was deleted.

    Raises `gr.Error` with the reason for a film that cannot have them, such as one that belongs to no study.
    """
    if session_film is None or session_film.is_deleted:
        return None
    source = session_film.source
    data = source if isinstance(source, bytes) else source.read_bytes()
    prediction = predictor.decide(session_film.reading, point, prevalence=prevalence)
    reading = _with_pixels(session_film.reading, data)
    files = handlers.result_or_failure(lambda: _create(predictor, data, prediction, reading, current_language()), None)
    if isinstance(files, Failure):
        raise gr.Error(files.error.message, print_exception=False)
    return film_session.download(ZIP_NAME, "application/zip", _zip(files))


def dicom_results(
    predictor: Predictor,
    upload: Upload | None,
    operating_point: str = DEFAULT_POINT,
    prevalence: float | None = None,
    age: float | None = None,
) -> Files:
    """The answer for one DICOM film as result objects: structured report, secondary capture, presentation state,
    encapsulated PDF and FHIR bundle; and as JSON, as from `predict`.

    Args:
        predictor: the model.
        upload: a chest X-ray as a DICOM file with study, series and instance UIDs.
        operating_point: as for `predict`.
        prevalence: as for `predict`.
        age: as for `predict`.

    """
    name = upload.name if upload else None
    with request_log.film("/dicom_results", upload) as log_entry:
        files, result = _answer(predictor, upload, name, (operating_point, prevalence or None, age))
        log_entry.outcome = result
    return (_store(files) or None), result.as_dict()


def _answer(
    predictor: Predictor, upload: Upload | None, name: str | None, options: tuple[str, float | None, float | None]
) -> tuple[list[ResultFile], Prediction | Failure]:
    """(files, result): an error of the film has files too; an error of the files is the result."""
    point, prevalence, age = options

    def read() -> bytes:
        result_files.check_kinds(KINDS)
        predictor.check_options(point, prevalence, age)
        return handlers.require_upload(upload).path.read_bytes()

    def score() -> tuple[Prediction, Reading]:
        reading = predictor.read(data, age)
        return predictor.decide(reading, point, file=name, prevalence=prevalence), reading

    data = handlers.result_or_failure(read, name)
    if isinstance(data, Failure):
        return [], data
    scored = handlers.result_or_failure(score, name)
    result, reading = (scored, None) if isinstance(scored, Failure) else scored
    observe = observer(handlers.API)
    if observe is not None:
        observe(result, reading)
    files = handlers.result_or_failure(lambda: _create(predictor, data, result, reading, ENGLISH), name)
    return ([], files) if isinstance(files, Failure) else (files, result)


def _create(
    predictor: Predictor, data: bytes, result: Prediction | Failure, reading: Reading | None, language: str
) -> list[ResultFile]:
    options = ResultOptions(uid_root=settings.UID_ROOT.read(), language=language)
    return result_files.create_result_files(predictor, data, result, reading, KINDS, options)


def _with_pixels(reading: Reading, data: bytes) -> Reading:
    """The reading with the pixels that the session does not keep, so that its files equal those of the command line.

    Without them, if the film cannot be read again.
    """
    try:
        film = imaging.read(data)
    except PneumoniaError:
        return reading
    pixels = reading.as_scored(film).pixels
    return dataclasses.replace(reading, film=dataclasses.replace(reading.film, pixels=pixels))


def _zip(files: list[ResultFile]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for file in files:
            archive.writestr(f"{FILE_STEM}{file.name_suffix}", file.data)
    return buffer.getvalue()


def _store(files: list[ResultFile]) -> list[str]:
    """Write the files to the folder of the uploads, below a name that nobody can guess; returns their paths.

    They are deleted as uploads are, after the retention time.
    """
    folder = Path(gradio_environment.upload_folder()) / secrets.token_hex(32)
    if files:
        folder.mkdir(parents=True)
    paths = [folder / f"{FILE_STEM}{file.name_suffix}" for file in files]
    for path, file in zip(paths, files, strict=True):
        path.write_bytes(file.data)
    return [str(path) for path in paths]
