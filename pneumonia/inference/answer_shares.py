"""How often the test films of each class get each label at an operating point, from the evaluation of a bundle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .decision import CLASSES, DEFAULT_POINT
from .predictive_value import AnswerShares, Share

NORMAL, PNEUMONIA = CLASSES

_ROUNDING = 1e-5
"""Shares in `evaluation.json` have five decimals."""


def answer_shares(run: Mapping[str, Any] | None, point: str, label: str) -> AnswerShares | None:
    """The shares of the test films of each class with `label` at an operating point, from a run of `evaluation.json`.

    A run without shares by class at this point has them from its figures among answered films, see `_class_counts`.
    None if the run has no such figures, no films of one class, or no film with this label.
    """
    classes = _shares_by_class(run, point) if run else None
    if classes is None:
        return None
    pneumonia, normal = classes[PNEUMONIA], classes[NORMAL]
    values = [pneumonia[label]["value"], normal[label]["value"]]
    if None in values or not any(values):
        return None
    return AnswerShares(_share(pneumonia, label), _share(normal, label), pneumonia["films"] + normal["films"])


def _shares_by_class(run: Mapping[str, Any], point: str) -> Mapping[str, Any] | None:
    """For each class the number of `films` and the share of each label, as written by `evaluation.answers.by_class`."""
    shares: Mapping[str, Any] | None = run.get("answers", {}).get(point)
    if shares is None and point == DEFAULT_POINT:
        shares = run.get("classes")
    figures = run.get("operating_points", {}).get(point)
    if shares is None and figures is not None:
        shares = _class_counts(run.get("confusion"), figures)
    return shares if shares is not None and {NORMAL, PNEUMONIA} <= set(shares) else None


def _share(of_class: Mapping[str, Any], label: str) -> Share:
    figure = of_class[label]
    films = of_class["films"]
    return Share.of_count(round(figure["value"] * films), films).widened(figure["low"], figure["high"])


def _class_counts(confusion: Any, figures: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The shares of each label by class, from a run that gives sensitivity and specificity of the answered films only.

    Coverage is that of both classes together. The number of answered films with pneumonia is the one for which
    sensitivity, specificity and accuracy, rounded to five decimals, are all shares of whole films. None if no number
    fits, or if two that fit give different counts.
    """
    names = ("coverage", "answered_accuracy", "answered_sensitivity", "answered_specificity")
    values = [float(figures[name]["value"]) for name in names if (figures.get(name) or {}).get("value") is not None]
    if confusion is None or len(values) < len(names):
        return None
    positives = confusion["true_positive"] + confusion["false_negative"]
    negatives = confusion["true_negative"] + confusion["false_positive"]
    counts = set(_fitting_counts(positives, negatives, *values))
    if len(counts) != 1:
        return None
    (answered_positive, true_positive, answered_negative, true_negative) = counts.pop()
    false_negative, false_positive = answered_positive - true_positive, answered_negative - true_negative
    return {
        PNEUMONIA: _by_label(positives, false_negative, true_positive),
        NORMAL: _by_label(negatives, true_negative, false_positive),
    }


def _fitting_counts(
    positives: int, negatives: int, coverage: float, accuracy: float, sensitivity: float, specificity: float
) -> Iterator[tuple[int, int, int, int]]:
    """The counts that fit: (answered, correct) films with pneumonia, (answered, correct) normal films."""
    answered = round(coverage * (positives + negatives))
    for answered_positive in range(max(1, answered - negatives), min(positives, answered - 1) + 1):
        answered_negative = answered - answered_positive
        true_positive, true_negative = round(sensitivity * answered_positive), round(specificity * answered_negative)
        errors = (
            true_positive / answered_positive - sensitivity,
            true_negative / answered_negative - specificity,
            (true_positive + true_negative) / answered - accuracy,
        )
        if max(map(abs, errors)) <= _ROUNDING:
            yield answered_positive, true_positive, answered_negative, true_negative


def _by_label(films: int, normal: int, pneumonia: int) -> dict[str, Any]:
    """The shares of both labels among `films` of one class, without the interval of a bootstrap."""
    counts = {NORMAL: normal, PNEUMONIA: pneumonia}
    return {"films": films, **{label: {"value": n / films, "low": None, "high": None} for label, n in counts.items()}}
