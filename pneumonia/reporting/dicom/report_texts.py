"""The sentences of the structured report: those of page and PDF report, in this order."""

from __future__ import annotations

from collections.abc import Iterator

from ...inference.decision import Prediction
from ...messages import Message, join
from .. import answer_text, provenance, reading_guide, result_lines, wording
from ..answer_text import Scale
from .film_result import FilmResult


def summary(film: FilmResult) -> list[str]:
    """What a reader must see first: the notice, and the answer with P(pneumonia)."""
    lines = result_lines.result_lines(film.result, film.model, film.created_at)
    return [result_lines.NOTICE, join([lines.heading, lines.value], ": ")]


def texts(film: FilmResult) -> Iterator[tuple[str, str]]:
    """(key of the concept in `codes.json`, sentence): reasons, warnings, what the numbers mean, and the disclaimer."""
    prediction, failure = film.prediction, film.failure
    if failure is not None:
        yield "error", failure.error.message
    if prediction is not None:
        yield from _answer(film, prediction)
    yield "comment", _DISCLAIMER


def _answer(film: FilmResult, prediction: Prediction) -> Iterator[tuple[str, str]]:
    if prediction.reason is not None:
        yield "reason", prediction.reason.message
    yield "operating_point", prediction.operating_point
    if prediction.population is not None and film.model is not None:
        yield "population", film.model.population.description
    for warning in (_caution(film, prediction), *prediction.warnings):
        if warning:
            yield "warning", warning
    if prediction.image_zones is not None:
        has_field = film.reading is not None and film.reading.lung_field is not None
        yield "comment", reading_guide.describe_location(prediction, in_lungs=has_field)
    for sentence in _meaning(film, prediction):
        if sentence:
            yield "comment", sentence


def _meaning(film: FilmResult, prediction: Prediction) -> Iterator[str]:
    """What the numbers mean; the same sentences as on the page."""
    model = film.model
    if model is None:
        return
    calibration = model.bundle.calibration
    scale = Scale.of(prediction, model.operating_points[prediction.operating_point], calibration)
    if scale is not None:
        yield answer_text.describe_limits(prediction, scale)
    if not _caution(film, prediction):
        yield answer_text.describe_film_at_prevalence(prediction, calibration.prevalence)
    yield join([answer_text.describe_frequency(prediction), answer_text.describe_frequency_source(prediction)])
    yield provenance.describe(prediction, model.bundle)


def _caution(film: FilmResult, prediction: Prediction) -> str:
    """What contradicts the label at the prevalence of the caller."""
    model = film.model
    return "" if model is None else answer_text.caution_at_prevalence(prediction, model.bundle.calibration.prevalence)


def _without_markdown(text: Message) -> Message:
    return Message(text.replace("**", ""), lambda language: text.build(language).replace("**", ""))


_DISCLAIMER = _without_markdown(wording.DISCLAIMER)
