"""Wording that page and report share: title, notice, marks of the labels, probabilities as text."""

from __future__ import annotations

from ..inference.decision import CLASSES, UNKNOWN

TITLE = "Chest-film assistant"

DISCLAIMER = (
    "**A support tool for medical staff, not a replacement for a radiologist.** It is no medical device. It can be "
    "wrong with high confidence; nobody should be treated, or sent home, because of its answer."
)

MARKS = {CLASSES[0]: "●", CLASSES[1]: "▲", UNKNOWN: "?"}
"""A shape for each answer, so that none is told by colour alone."""


def format_confidence(confidence: float) -> str:
    """No number of validation films supports "100 %"."""
    return f"{format_probability(confidence)} sure"


def format_probability(probability: float) -> str:
    """A probability as far as the validation films support it."""
    if not 0.01 <= probability <= 0.99:
        return "over 99 %" if probability > 0.5 else "under 1 %"
    return f"{100 * probability:.0f} %"
