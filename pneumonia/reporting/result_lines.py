"""The sentences of a result picture: answer, reasons, meaning, warnings and model, as in the PDF report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..inference.decision import LABEL_NAMES, Failure, Prediction
from ..inference.model import Model
from ..messages import Message, join, message
from . import answer_text, provenance, wording
from .answer_text import Scale

NOTICE = message("AI result, not for primary diagnosis")
NO_ANSWER = message("No answer")


@dataclass(frozen=True)
class ResultLines:
    """The texts of a picture: `heading` is the label, `value` P(pneumonia) or empty.

    `reasons` stand beside the label: why a film is Unknown or was not analysed, and what contradicts the label at the
    caller's prevalence. `details` explain the numbers, `identity` names model and time.
    """

    label: str
    """Normal, Pneumonia, Unknown, or "" for a film that could not be analysed."""
    heading: str
    value: str = ""
    reasons: Sequence[str] = ()
    details: Sequence[str] = ()
    identity: Sequence[str] = ()


def result_lines(result: Prediction | Failure, model: Model | None, created_at: datetime) -> ResultLines:
    """The texts for a result; `model` is that of `Prediction.model`."""
    created = created_line(created_at)
    if isinstance(result, Failure):
        error = join([result.error.message, f"({result.error.code})"], " ")
        return ResultLines("", NO_ANSWER, reasons=[error], identity=[join([created, "."], "")])
    value = "" if result.probability is None else wording.format_p_pneumonia(result)
    identity = [provenance.describe_identity(result.model), join([created, "."], "")]
    return ResultLines(
        result.label,
        LABEL_NAMES[result.label],
        value,
        list(filter(None, _reasons(result, model))),
        list(filter(None, _details(result, model))),
        identity,
    )


def created_line(created_at: datetime) -> Message:
    """When the result was created, with the time zone."""
    return message("Created {time}", time=f"{created_at:%Y-%m-%d %H:%M %Z}")


def _reasons(prediction: Prediction, model: Model | None) -> Iterator[str]:
    if prediction.reason is not None:
        yield prediction.reason.message
    caution = _caution(prediction, model)
    yield message("⚠ {sentence}", sentence=caution) if caution else ""


def _caution(prediction: Prediction, model: Model | None) -> str:
    """What contradicts the label at the caller's prevalence."""
    return "" if model is None else answer_text.caution_at_prevalence(prediction, model.bundle.calibration.prevalence)


def _details(prediction: Prediction, model: Model | None) -> Iterator[str]:
    yield _operating_point(prediction, model)
    yield answer_text.describe_frequency(prediction)
    if model is not None:
        if not _caution(prediction, model):
            yield answer_text.describe_film_at_prevalence(prediction, model.bundle.calibration.prevalence)
        yield provenance.describe(prediction, model.bundle)
    for warning in prediction.warnings:
        yield message("⚠ {sentence}", sentence=warning)


def _operating_point(prediction: Prediction, model: Model | None) -> str:
    """The operating point, with its limits if the film was scored."""
    point = None if model is None else model.operating_points.get(prediction.operating_point)
    scale = None if model is None or point is None else Scale.of(prediction, point, model.bundle.calibration)
    if scale is None:
        return message("{sentence}.", sentence=answer_text.describe_point(prediction))
    return answer_text.describe_limits(prediction, scale)
