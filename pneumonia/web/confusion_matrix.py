"""Confusion matrix of the test films, with a slider for the threshold. `page.js` updates it in the browser."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ..evaluation.number_format import share
from ..inference.decision import OperatingPoint


def confusion_matrix(run: Mapping[str, Any], points: Mapping[str, OperatingPoint]) -> str:
    """HTML of the matrix, the slider, and a button for the threshold of each operating point.

    `run` is a run of `evaluation.json`. Returns "" if it has no confusion counts by threshold.
    """
    curve = run.get("curves", {}).get("thresholds")
    if not curve:
        return ""
    counts = run["confusion"]
    positives = counts["true_positive"] + counts["false_negative"]
    negatives = counts["true_negative"] + counts["false_positive"]
    index = _nearest_index(curve["threshold"], run["threshold"])
    data = escape(json.dumps({**curve, "positives": positives, "negatives": negatives}), quote=True)
    buttons = "".join(_threshold_button(curve["threshold"], name, point) for name, point in points.items())
    return f"""<div class="thresholds" data-curve="{data}">
<p class="threshold-slider"><label for="threshold">Answer Pneumonia if P(pneumonia) is at least
<output data-cell="threshold">{curve["threshold"][index]:.2f}</output></label>
<input id="threshold" type="range" min="0" max="{len(curve["threshold"]) - 1}" value="{index}"></p>
<p class="threshold-buttons"><span>Threshold of</span>{buttons}</p>
{_matrix(curve, index, positives, negatives)}</div>
<p>These are the results of the network without the gate; every film is answered. The operating points add an undecided
band around their threshold, in which the answer is Unknown.</p>"""


def _threshold_button(thresholds: Sequence[float], name: str, point: OperatingPoint) -> str:
    return (
        f'<button type="button" data-threshold="{_nearest_index(thresholds, point.threshold)}">{escape(name)}</button>'
    )


def _matrix(curve: Mapping[str, Sequence[float]], index: int, positives: int, negatives: int) -> str:
    true_positives, false_positives = int(curve["true_positive"][index]), int(curve["false_positive"][index])
    true_negatives, total = negatives - false_positives, positives + negatives
    rates = {
        "sensitivity": (true_positives, positives),
        "specificity": (true_negatives, negatives),
        "accuracy": (true_positives + true_negatives, total),
    }
    positive_cells = (("true_positive", true_positives), ("false_negative", positives - true_positives))
    negative_cells = (("false_positive", false_positives), ("true_negative", true_negatives))
    rows = _row(f"pneumonia ({positives:,})", positive_cells) + _row(f"normal ({negatives:,})", negative_cells)
    return (
        '<div class="scroll"><table class="figures tight confusion">'
        f"<caption>Confusion matrix, {total:,} test films</caption>"
        '<thead><tr><td></td><th scope="col">answered Pneumonia</th><th scope="col">answered Normal</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
        f'<dl class="rates">{"".join(_rate(name, *counts) for name, counts in rates.items())}</dl>'
    )


def _row(heading: str, cells: Sequence[tuple[str, int]]) -> str:
    data = "".join(
        f'<td class="{"correct" if name.startswith("true") else "wrong"}" data-cell="{name}">{count}</td>'
        for name, count in cells
    )
    return f'<tr><th scope="row">{heading}</th>{data}</tr>'


def _rate(name: str, count: int, total: int) -> str:
    value = share(count / total if total else None)
    return f'<div><dt>{name.capitalize()}</dt><dd data-cell="{name}">{value}</dd></div>'


def _nearest_index(values: Sequence[float], value: float) -> int:
    """Index of the element of `values` that is nearest to `value`."""
    return min(range(len(values)), key=lambda index: abs(values[index] - value))
