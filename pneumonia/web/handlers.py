"""Handlers of page and API: they parse the inputs, call the predictor and format the result.

A film that cannot be read is a `Failure` in the result; no handler raises for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

from .. import imaging
from ..errors import EmptyFile, InternalError, PneumoniaError
from ..imaging import Source
from ..inference import map_overlay
from ..inference.decision import CLASSES, DEFAULT_POINT, Failure, Prediction
from ..inference.named_film import NamedFilm
from ..inference.predictor import Observer, Predictor
from ..inference.reading import Reading
from ..messages import message
from ..monitoring.recorder import observer
from ..reporting import reading_guide
from . import page_text
from .server import request_log
from .server.upload import Upload

Analysis: TypeAlias = tuple[str, dict[str, float] | None, Image.Image | None, str]
"""(headline as HTML, probability by label, film with activation map, reading guide as Markdown)."""

API = "api"
"""Source of the films of the API in the counts of `monitoring`."""

PREVIEW_SIDE = 1200
"""Longest side in pixels of preview images for the browser: about the height of a diagnostic monitor."""


def predict(
    predictor: Predictor,
    upload: Upload | None,
    operating_point: str = DEFAULT_POINT,
    prevalence: float | None = None,
    age: float | None = None,
) -> dict[str, Any]:
    """The answer for one chest film as JSON: Normal, Pneumonia or Unknown; or an error as JSON.

    For frontal chest films of children of 1-5 years and of adults of 18 years and over, by one model for each of these
    populations that is loaded; `population` in the answer says which one answered. A support tool, not a replacement
    for a radiologist.

    Args:
        predictor: the model.
        upload: a chest X-ray: DICOM, PNG, JPEG, TIFF, WebP, BMP, GIF, PGM, JPEG 2000 or AVIF.
        operating_point: screening (fewest missed cases), balanced, or confirm (fewest false alarms).
        prevalence: share of pneumonia among comparable films at the site, from 0 to 1; none or 0 means the prevalence
            of the calibration films.
        age: the patient's age in years, from 0 to 130, which selects the model; none: the age in the DICOM header, or
            without one the model whose training films the film resembles.

    """
    name = upload.name if upload else None

    observe = observer(API)

    def answer() -> Prediction:
        path = require_upload(upload).path
        return predictor.predict(
            path, operating_point, file=name, prevalence=prevalence or None, age=age, observe=observe
        )

    with request_log.film("/predict", upload) as log_entry:
        result: Prediction | Failure = result_or_failure(answer, name)
        log_entry.outcome = result
    count_failure(result, observe)
    return result.as_dict()


def predict_batch(
    predictor: Predictor,
    uploads: list[Upload] | None,
    operating_point: str = DEFAULT_POINT,
    prevalence: float | None = None,
    age: float | None = None,
) -> list[dict[str, Any]]:
    """The answers for several chest films, in input order, each as from `predict`.

    Args:
        predictor: the model.
        uploads: chest X-rays: DICOM, PNG, JPEG, TIFF, WebP, BMP, GIF, PGM, JPEG 2000 or AVIF.
        operating_point: as for `predict`.
        prevalence: as for `predict`.
        age: as for `predict`; it is that of all patients.

    """
    uploads = uploads or []
    films = [NamedFilm(upload.name, upload.path) for upload in uploads]
    with request_log.batch("/predict_batch") as results:
        try:
            results += predictor.predict_many(
                films, operating_point, prevalence=prevalence or None, age=age, observe=observer(API)
            )
        except PneumoniaError as error:
            results += [Failure(upload.name, error) for upload in uploads]
    return [result.as_dict() for result in results]


def analyze(predictor: Predictor, upload: Upload | None, age: float | None = None) -> Analysis:
    """The answer for one chest film as text and image: headline, probabilities, activation map, reading guide.

    Args:
        predictor: the model.
        upload: a chest X-ray: DICOM, PNG, JPEG, TIFF, WebP, BMP, GIF, PGM, JPEG 2000 or AVIF.
        age: as for `predict`.

    """
    with request_log.film("/analyze", upload) as log_entry:
        if upload is None:
            return _failed_analysis(Failure(None, _no_file_error()))
        return analyze_source(predictor, upload.path, log_entry, age, observer(API))


def analyze_source(
    predictor: Predictor,
    source: Source,
    log_entry: request_log.LogEntry | None = None,
    age: float | None = None,
    observe: Observer | None = None,
) -> Analysis:
    """As `analyze`, for a film from any source, such as the bytes of an example. Sets the outcome of `log_entry`."""
    log_entry = log_entry or request_log.LogEntry()

    def answer() -> Analysis:
        reading = predictor.read(source, age)
        prediction = predictor.decide(reading)
        log_entry.outcome = prediction
        if observe is not None:
            observe(prediction, reading)
        overlay = _overlay(source, reading, prediction)
        headline = page_text.headline(prediction, predictor.model_of(reading).bundle)
        return headline, prediction.probabilities, overlay, _guide(reading, prediction)

    result: Analysis | Failure = result_or_failure(answer, None)
    if isinstance(result, Failure):
        log_entry.outcome = result
        count_failure(result, observe)
        return _failed_analysis(result)
    return result


def _overlay(source: Source, reading: Reading, prediction: Prediction) -> Image.Image | None:
    """The film with the activation map. None if the film was not scored, and for Normal.

    The map is scaled to its own maximum. For Normal it would highlight an area with hardly any evidence.
    """
    if reading.activation is None or prediction.label == CLASSES[0]:
        return None
    film = np.asarray(display_image(source, reading))
    return map_overlay.overlay(film, reading.activation, area=reading.area, lung_field=reading.lung_field)


def _guide(reading: Reading, prediction: Prediction) -> str:
    return reading_guide.describe(prediction, in_lungs=reading.lung_field is not None)


def display_image(source: Source, reading: Reading, side: int = PREVIEW_SIDE) -> Image.Image:
    """The film as the model received it, but with its frame: 8-bit greyscale, its longest side at most `side` pixels.

    `source` is read again in full resolution. Raises `FilmError` if it cannot be read.
    """
    image = Image.fromarray(reading.display(source))
    image.thumbnail((side, side), Image.Resampling.BILINEAR)
    return image


def _failed_analysis(failure: Failure) -> Analysis:
    return page_text.failure(failure), None, None, ""


def count_failure(result: object, observe: Observer | None) -> None:
    """Count a result that is a failure, if results are counted."""
    if observe is not None and isinstance(result, Failure):
        observe(result, None)


def require_upload(upload: Upload | None) -> Upload:
    """The upload; raises `EmptyFile` if there is none."""
    if upload is None:
        raise _no_file_error()
    return upload


def _no_file_error() -> PneumoniaError:
    return EmptyFile(message("No file was given. Allowed: one file, {formats}.", formats=imaging.FORMATS))


def result_or_failure(answer: Callable[[], Any], name: str | None) -> Any:
    """The result of `answer`, or a `Failure` for the file `name` if it raises.

    Unexpected errors are logged and become an internal error with an id.
    """
    try:
        return answer()
    except PneumoniaError as error:
        return Failure(name, error)
    except Exception as error:
        return Failure(name, InternalError.from_exception(error))
