"""Confusion matrix of the test films, with a slider for the threshold. `page.js` updates it in the browser."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from ..inference.decision import OperatingPoint, point_name
from ..messages import message
from .rendering import render_fragment

_RATE_NAMES = {
    "sensitivity": message("Sensitivity"),
    "specificity": message("Specificity"),
    "accuracy": message("Accuracy"),
}


def confusion_matrix(
    run: Mapping[str, Any], points: Mapping[str, OperatingPoint], slider_id: str = "threshold"
) -> Markup:
    """HTML of the matrix, the slider, and a button for the threshold of each operating point.

    `run` is a run of `evaluation.json`; `slider_id` is the id of the slider, unique on the page. Returns "" if the run
    has no confusion counts by threshold.
    """
    curve = run.get("curves", {}).get("thresholds")
    if not curve:
        return Markup()
    positives = run["confusion"]["true_positive"] + run["confusion"]["false_negative"]
    negatives = run["confusion"]["true_negative"] + run["confusion"]["false_positive"]
    thresholds = curve["threshold"]
    index = _nearest_index(thresholds, run["threshold"])
    counts = _counts(curve, index, positives, negatives)
    return render_fragment(
        "confusion_matrix.html",
        slider_id=slider_id,
        curve_json=json.dumps({**curve, "positives": positives, "negatives": negatives}),
        thresholds=thresholds,
        index=index,
        point_indices=[
            (point_name(name), _nearest_index(thresholds, point.threshold)) for name, point in points.items()
        ],
        positives=positives,
        negatives=negatives,
        counts=counts,
        rates=_rates(counts, positives, negatives),
        rate_names=_RATE_NAMES,
    )


def _counts(curve: Mapping[str, Sequence[float]], index: int, positives: int, negatives: int) -> dict[str, int]:
    """Cells of the matrix at the threshold with this index."""
    true_positives, false_positives = int(curve["true_positive"][index]), int(curve["false_positive"][index])
    return {
        "true_positive": true_positives,
        "false_negative": positives - true_positives,
        "false_positive": false_positives,
        "true_negative": negatives - false_positives,
    }


def _rates(counts: Mapping[str, int], positives: int, negatives: int) -> dict[str, float | None]:
    """Sensitivity, specificity and accuracy, 0..1; None if there are no films to divide by."""
    correct = counts["true_positive"] + counts["true_negative"]
    return {
        "sensitivity": counts["true_positive"] / positives if positives else None,
        "specificity": counts["true_negative"] / negatives if negatives else None,
        "accuracy": correct / (positives + negatives) if positives + negatives else None,
    }


def _nearest_index(values: Sequence[float], value: float) -> int:
    """Index of the element of `values` that is nearest to `value`."""
    return min(range(len(values)), key=lambda index: abs(values[index] - value))
