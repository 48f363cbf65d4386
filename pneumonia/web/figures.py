"""Figures and tables as the page shows them: the same notation as the model card's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

Figure = Mapping[str, float | None]
"""`{"value", "low", "high"}` as in `evaluation.json`; the value is None where it could not be measured."""

NAMES = {
    "accuracy": "Accuracy",
    "precision": "Precision",
    "sensitivity": "Sensitivity (recall)",
    "specificity": "Specificity",
    "f1": "F1",
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "brier": "Brier score",
    "ece": "Calibration error (ECE)",
    "gated_accuracy": "Accuracy, a refused film counts as wrong",
    "gated_sensitivity": "Sensitivity, a refused film counts as wrong",
    "gated_specificity": "Specificity, a refused film counts as wrong",
}
_SCORES = {"auroc", "auprc", "brier", "ece"}
_DASH = "-"


def share(value: float | None) -> str:
    """`93.1 %`; a dash where there is none."""
    return _DASH if value is None else f"{100 * value:.1f} %"


def percent(figure: Figure) -> str:
    """`93.1 % (90.9-95.0)`; a dash where there is no value."""
    if figure["value"] is None:
        return _DASH
    low, high = (100 * (figure[name] or 0) for name in ("low", "high"))
    return f"{share(figure['value'])} ({low:.1f}-{high:.1f})"


def score(figure: Figure, digits: int = 3) -> str:
    """`.981 (.971-.989)`; a dash where there is no value."""
    if figure["value"] is None:
        return _DASH
    value, low, high = (f"{figure[name] or 0:.{digits}f}".removeprefix("0") for name in ("value", "low", "high"))
    return f"{value} ({low}-{high})"


def points(figure: Figure) -> str:
    """A difference of two shares in points: `-1.8 (-3.1 to -0.6)`; a dash where there is no value."""
    if figure["value"] is None:
        return _DASH
    value, low, high = (f"{100 * (figure[name] or 0):.1f}" for name in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def shown(name: str, figure: Figure) -> str:
    return score(figure) if name in _SCORES else percent(figure)


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], *, tight: bool = False) -> str:
    """An HTML table whose first column names the rows; every cell is escaped. It scrolls by itself where it is wide."""
    columns = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    kind = "figures tight" if tight else "figures"
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table class="{kind}">'
        f"<caption>{escape(caption)}</caption><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table></div>"
    )
