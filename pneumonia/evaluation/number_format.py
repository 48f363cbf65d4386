"""Formatting of metrics, with the same notation in model card, README, web page and terminal."""

from __future__ import annotations

from collections.abc import Mapping

from ..languages import ENGLISH, current_language
from ..messages import Message, deferred, join, message, number, translate

Figure = Mapping[str, float | None]
"""`{"value", "low", "high"}` as in `evaluation.json`: a value with its 95 % interval; None if not measurable."""

METRIC_NAMES = {
    "accuracy": message("Accuracy"),
    "precision": message("Precision"),
    "sensitivity": message("Sensitivity (recall)"),
    "specificity": message("Specificity"),
    "f1": message("F1"),
    "auroc": message("AUROC"),
    "auprc": message("AUPRC"),
    "brier": message("Brier score"),
    "ece": message("Expected calibration error (ECE, 15 bins)"),
    "gated_accuracy": message("Accuracy, refused films counted as wrong"),
    "gated_sensitivity": message("Sensitivity, refused films counted as wrong"),
    "gated_specificity": message("Specificity, refused films counted as wrong"),
}
"""Key in `evaluation.json` -> name in tables, in the order of the tables."""

_SCORES = {"auroc", "auprc", "brier", "ece"}
"""Metrics that are written as a score (`.981`), not as a percentage."""

_NO_VALUE = join(["-"])


def share(value: float | None) -> Message:
    """A share (0..1) as percentage: `93.1 %`; a dash if there is no value."""
    return _NO_VALUE if value is None else message("{percent:.1f} %", percent=100 * value)


def whole_percent(value: float) -> Message:
    """A share (0..1) in whole percent: `93 %`."""
    return message("{percent:.0f} %", percent=100 * value)


def percent(figure: Figure, *, interval: bool = True) -> Message:
    """A share with its interval as percentages: `93.1 % (90.9-95.0)`, or `93.1 %` without `interval`.

    A dash if there is no value; no interval if there is none.
    """
    if figure["value"] is None or not interval or figure["low"] is None:
        return share(figure["value"])
    low, high = (100 * (figure[bound] or 0) for bound in ("low", "high"))
    return join([share(figure["value"]), " (", number(low, ".1f"), "-", number(high, ".1f"), ")"], "")


def score(figure: Figure, digits: int = 3) -> Message:
    """A score with its interval: `.981 (.971-.989)`; a dash if there is no value."""
    if figure["value"] is None:
        return _NO_VALUE
    value, low, high = (decimal(figure[key] or 0, digits) for key in ("value", "low", "high"))
    return join([value, " (", low, "-", high, ")"], "")


def decimal(value: float, digits: int = 3) -> Message:
    """A number from 0 to 1 without its leading zero: `.981`; with it in other languages: `0,981`."""
    return deferred(_decimal, value, digits)


def _decimal(value: float, digits: int) -> str:
    text = translate(number(value, f".{digits}f"))
    return text.removeprefix("0") if current_language() == ENGLISH else text


def points(figure: Figure) -> Message:
    """Difference of two shares in percentage points: `-1.8 (-3.1 to -0.6)`; a dash if there is no value."""
    if figure["value"] is None:
        return _NO_VALUE
    value, low, high = (number(100 * (figure[key] or 0), ".1f") for key in ("value", "low", "high"))
    return message("{value} ({low} to {high})", value=value, low=low, high=high)


def format_metric(name: str, figure: Figure) -> Message:
    """The metric `name`, a key of `METRIC_NAMES`: as score for AUROC, AUPRC, Brier score and ECE, else in percent.

    The AUROC of a subgroup may have a suffix, such as `auroc_typical`.
    """
    return score(figure) if name in _SCORES or name.startswith("auroc_") else percent(figure)
