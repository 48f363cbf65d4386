"""ROC curve and reliability diagram of one model, beside the card's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..evaluation.number_format import score
from ..messages import message
from .plots import Line, Mark, Plot

_DIAGONAL = Line((0.0, 1.0), (0.0, 1.0), "reference")


def plots_of(entry: Mapping[str, Any]) -> list[Plot]:
    """The plots for which there are films of both classes."""
    plots = [_roc(entry)] if entry["discrimination"] else []
    return [*plots, _reliability(entry)] if entry["calibration"] else plots


def _roc(entry: Mapping[str, Any]) -> Plot:
    own, card = entry["discrimination"], entry["card"].get("roc")
    lines = [_DIAGONAL]
    if card:
        lines.append(Line(card["false_positive_rate"], card["sensitivity"], "card"))
    lines.append(Line(own["roc"]["false_positive_rate"], own["roc"]["sensitivity"], "own"))
    description = message(
        "Area {area} on your films: solid line. Broken line: the films of the model's card.", area=score(own["auroc"])
    )
    return Plot(message("ROC curve"), description, message("1 - specificity, %"), message("Sensitivity, %"), lines)


def _reliability(entry: Mapping[str, Any]) -> Plot:
    own, card = entry["calibration"]["reliability"], entry["card"].get("reliability")
    marks = _marks(card, "card") if card else []
    description = message(
        "How often films with a stated probability have pneumonia: filled circles are your films, open circles those "
        "of the model's card, larger for more films. On the diagonal the probabilities are right."
    )
    names = message("P(pneumonia), %"), message("Films with pneumonia, %")
    return Plot(message("Reliability"), description, *names, [_DIAGONAL], [*marks, *_marks(own, "own")])


def _marks(curve: Mapping[str, Any], kind: str) -> list[Mark]:
    """The bins as circles, whose area grows with the share of the films."""
    total = sum(curve["count"])
    bins = zip(curve["count"], curve["probability"], curve["observed"], strict=True)
    return [Mark(x, y, round(2.5 + 9 * (count / total) ** 0.5, 1), kind) for count, x, y in bins]
