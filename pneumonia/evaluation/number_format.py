"""Formatting of metrics, with the same notation in model card, README, web page and terminal."""

from __future__ import annotations

from collections.abc import Mapping

Figure = Mapping[str, float | None]
"""`{"value", "low", "high"}` as in `evaluation.json`: a value with its 95 % interval; None if not measurable."""

METRIC_NAMES = {
    "accuracy": "Accuracy",
    "precision": "Precision",
    "sensitivity": "Sensitivity (recall)",
    "specificity": "Specificity",
    "f1": "F1",
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "brier": "Brier score",
    "ece": "Expected calibration error (ECE, 15 bins)",
    "gated_accuracy": "Accuracy, refused films counted as wrong",
    "gated_sensitivity": "Sensitivity, refused films counted as wrong",
    "gated_specificity": "Specificity, refused films counted as wrong",
}
"""Key in `evaluation.json` -> name in tables, in the order of the tables."""

_SCORES = {"auroc", "auprc", "brier", "ece"}
"""Metrics that are written as a score (`.981`), not as a percentage."""

_NO_VALUE = "-"


def share(value: float | None) -> str:
    """A share (0..1) as percentage: `93.1 %`; a dash if there is no value."""
    return _NO_VALUE if value is None else f"{100 * value:.1f} %"


def percent(figure: Figure, *, interval: bool = True) -> str:
    """A share with its interval as percentages: `93.1 % (90.9-95.0)`, or `93.1 %` without `interval`.

    A dash if there is no value; no interval if there is none.
    """
    if figure["value"] is None or not interval or figure["low"] is None:
        return share(figure["value"])
    low, high = (100 * (figure[bound] or 0) for bound in ("low", "high"))
    return f"{share(figure['value'])} ({low:.1f}-{high:.1f})"


def score(figure: Figure, digits: int = 3) -> str:
    """A score with its interval: `.981 (.971-.989)`; a dash if there is no value."""
    if figure["value"] is None:
        return _NO_VALUE
    value, low, high = (decimal(figure[key] or 0, digits) for key in ("value", "low", "high"))
    return f"{value} ({low}-{high})"


def decimal(value: float, digits: int = 3) -> str:
    """A number from 0 to 1 without its leading zero: `.981`."""
    return f"{value:.{digits}f}".removeprefix("0")


def points(figure: Figure) -> str:
    """Difference of two shares in percentage points: `-1.8 (-3.1 to -0.6)`; a dash if there is no value."""
    if figure["value"] is None:
        return _NO_VALUE
    value, low, high = (f"{100 * (figure[key] or 0):.1f}" for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def format_metric(name: str, figure: Figure) -> str:
    """The metric `name`, a key of `METRIC_NAMES`: as score for AUROC, AUPRC, Brier score and ECE, else in percent.

    The AUROC of a subgroup may have a suffix, such as `auroc_typical`.
    """
    return score(figure) if name in _SCORES or name.startswith("auroc_") else percent(figure)
