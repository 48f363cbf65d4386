"""Figures as text, the same in card, README and terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

NAMES = {
    "accuracy": "accuracy",
    "precision": "precision",
    "sensitivity": "sensitivity (recall)",
    "specificity": "specificity",
    "f1": "F1",
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "brier": "Brier score",
    "ece": "ECE, 15 bins",
    "gated_accuracy": "accuracy, a refused film counts as wrong",
    "gated_sensitivity": "sensitivity, a refused film counts as wrong",
    "gated_specificity": "specificity, a refused film counts as wrong",
}
_SCORES = {"auroc", "auprc", "brier", "ece"}


def percent(figure: Mapping[str, float | None], *, interval: bool = True) -> str:
    """`93.1 % (90.9-95.0)`, or `93.1 %` without the interval; a dash where there is no value."""
    if figure["value"] is None:
        return "-"
    text = share(figure["value"])
    if not interval:
        return text
    return f"{text} ({100 * (figure['low'] or 0):.1f}-{100 * (figure['high'] or 0):.1f})"


def share(value: float) -> str:
    """`93.1 %`."""
    return f"{100 * value:.1f} %"


def score(figure: Mapping[str, float | None]) -> str:
    """`.981 (.971-.989)`; a dash where there is no value."""
    if figure["value"] is None:
        return "-"
    value, low, high = (f"{figure[name]:.3f}".removeprefix("0") for name in ("value", "low", "high"))
    return f"{value} ({low}-{high})"


def points(figure: Mapping[str, float | None]) -> str:
    """A difference of two shares in points: `-1.8 (-3.1 to -0.6)`; a dash where there is no value."""
    if figure["value"] is None:
        return "-"
    value, low, high = (f"{100 * (figure[name] or 0):.1f}" for name in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def shown(name: str, figure: Mapping[str, float | None]) -> str:
    return score(figure) if name in _SCORES else percent(figure)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
