"""What page and API call: parse, ask the predictor, format. Nothing here raises for a bad film."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

from .. import imaging
from ..errors import EmptyFile, InternalError, PneumoniaError
from ..imaging import Source
from ..inference import explain
from ..inference.decision import CLASSES, DEFAULT_POINT, Failure, Prediction
from ..inference.named_film import NamedFilm
from ..inference.predictor import Predictor, Reading
from ..reporting import reading_guide
from . import page_text
from .server import request_log
from .server.upload import Upload

Analysis: TypeAlias = tuple[str, dict[str, float] | None, Image.Image | None, str]
"""Headline (HTML), probabilities for the bars, overlay, characteristics (Markdown)."""

PREVIEW_SIDE = 1200
"""Longest side in pixels of the pictures that go to the browser: a reading-room screen's height."""


def predict(
    predictor: Predictor,
    upload: Upload | None,
    operating_point: str = DEFAULT_POINT,
    prevalence: float | None = None,
) -> dict[str, Any]:
    """What the chest-film assistant says of one film: Normal, Pneumonia or Unknown, as JSON; or an error, as JSON.

    It knows frontal chest films of children of 1-5 years. A support tool, not a replacement for a radiologist.

    Args:
        predictor: who answers.
        upload: a chest X-ray: PNG, JPEG, WebP, TIFF, BMP or DICOM.
        operating_point: screening (misses least), balanced, or confirm (fewest false alarms).
        prevalence: the share of pneumonia among such films where this one was taken; none or 0 is the model's own.

    """
    name = upload.name if upload else None

    def answer() -> Prediction:
        return predictor.predict(require_upload(upload).path, operating_point, file=name, prevalence=prevalence or None)

    with request_log.film("/predict", upload) as log_entry:
        result: Prediction | Failure = result_or_failure(answer, name)
        log_entry.outcome = result
    return result.as_dict()


def predict_batch(
    predictor: Predictor,
    uploads: list[Upload] | None,
    operating_point: str = DEFAULT_POINT,
    prevalence: float | None = None,
) -> list[dict[str, Any]]:
    """What the chest-film assistant says of each of several films, in their order: as `predict` does of one.

    Args:
        predictor: who answers.
        uploads: chest X-rays: PNG, JPEG, WebP, TIFF, BMP or DICOM.
        operating_point: as for `predict`.
        prevalence: as for `predict`.

    """
    uploads = uploads or []
    films = [NamedFilm(upload.name, upload.path) for upload in uploads]
    with request_log.batch("/predict_batch") as results:
        try:
            results += predictor.predict_many(films, operating_point, prevalence=prevalence or None)
        except PneumoniaError as error:
            results += [Failure(upload.name, error) for upload in uploads]
    return [result.as_dict() for result in results]


def analyze(predictor: Predictor, upload: Upload | None) -> Analysis:
    """What the page shows of one film: headline, probabilities, the activation map over it, and what to look for.

    Args:
        predictor: who answers.
        upload: a chest X-ray: PNG, JPEG, WebP, TIFF, BMP or DICOM.

    """
    with request_log.film("/analyze", upload) as log_entry:
        if upload is None:
            return _failed_analysis(Failure(None, _no_file_error()))
        return analyze_source(predictor, upload.path, log_entry)


def analyze_source(predictor: Predictor, source: Source, log_entry: request_log.LogEntry | None = None) -> Analysis:
    """The page's answer for a film from anywhere, an example's bytes too; `line` hears what it was."""
    log_entry = log_entry or request_log.LogEntry()

    def answer() -> Analysis:
        reading = predictor.read(source)
        prediction = predictor.decide(reading)
        log_entry.outcome = prediction
        overlay = _overlay(source, reading, prediction)
        return page_text.headline(prediction), prediction.probabilities, overlay, reading_guide.describe(prediction)

    result: Analysis | Failure = result_or_failure(answer, None)
    if isinstance(result, Failure):
        log_entry.outcome = result
        return _failed_analysis(result)
    return result


def _overlay(source: Source, reading: Reading, prediction: Prediction) -> Image.Image | None:
    """Only where the network leans to disease: the map of a normal film would paint its least unlikely place red."""
    if reading.activation is None or prediction.label == CLASSES[0]:
        return None
    return explain.overlay(np.asarray(display_image(source, reading)), reading.activation)


def display_image(source: Source, reading: Reading, side: int = PREVIEW_SIDE) -> Image.Image:
    """The film as the model saw it, at most `side` pixels long."""
    picture = Image.fromarray(reading.display(source))
    picture.thumbnail((side, side), Image.Resampling.BILINEAR)
    return picture


def _failed_analysis(failure: Failure) -> Analysis:
    return page_text.failure(failure), None, None, ""


def require_upload(upload: Upload | None) -> Upload:
    """The upload, or the error that there was none."""
    if upload is None:
        raise _no_file_error()
    return upload


def _no_file_error() -> PneumoniaError:
    return EmptyFile(f"No file was given. Allowed: one file, {imaging.FORMATS}.")


def result_or_failure(answer: Callable[[], Any], name: str | None) -> Any:
    """The answer, or the failure that may be shown in its place."""
    try:
        return answer()
    except PneumoniaError as error:
        return Failure(name, error)
    except Exception as error:
        return Failure(name, InternalError.from_exception(error))
