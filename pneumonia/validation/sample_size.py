"""Films that are still needed for an interval of five points on each side, for each class."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..evaluation.intervals import films_for_margin

MARGIN = 0.05

_CLASSES = {"sensitivity": "Pneumonia", "specificity": "Normal"}


def sample_size(shares: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """For sensitivity and specificity: films with an answer that are there, that are needed, and films to add.

    Films to add are more than the missing answers if some films get none, or if the films of a patient resemble each
    other (`design_effect`, Kish 1965: the ratio of the variances of the two intervals, at least 1). None without films.
    """
    return {name: _of_class(name, shares) for name in _CLASSES}


def _of_class(name: str, shares: Mapping[str, Any]) -> dict[str, Any]:
    figure, of_all = shares["answered"][name], shares["all"][name]
    answered, films = figure["films"], of_all["films"]
    if not answered:
        return {"class": _CLASSES[name], "answered": 0, "needed": None, "to_add": None, "design_effect": None}
    effect = _design_effect(figure)
    needed = math.ceil(effect * films_for_margin(figure["value"], MARGIN))
    to_add = math.ceil(max(0, needed - answered) * films / answered)
    return {
        "class": _CLASSES[name],
        "answered": answered,
        "needed": needed,
        "to_add": to_add,
        "design_effect": round(effect, 2),
    }


def _design_effect(figure: Mapping[str, Any]) -> float:
    if figure["patient_low"] is None:
        return 1.0
    widths = figure["patient_high"] - figure["patient_low"], figure["high"] - figure["low"]
    return float(max(1.0, (widths[0] / widths[1]) ** 2))
