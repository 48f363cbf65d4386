"""Wording shared by page and report: title, disclaimer, marks of the labels, probabilities as text."""

from __future__ import annotations

from ..inference.decision import CLASSES, UNKNOWN

TITLE = "Chest-film assistant"

DISCLAIMER = (
    "**A support tool for medical staff, not a replacement for a radiologist.** It is not a medical device. It can be "
    "wrong with high confidence. Do not treat a patient, or send a patient home, because of its answer."
)

MARKS = {CLASSES[0]: "●", CLASSES[1]: "▲", UNKNOWN: "?"}
"""A shape for each label, so that no label is conveyed by colour alone."""


def format_confidence(confidence: float) -> str:
    """The confidence of a label. It never shows 100 %: no number of validation films supports that."""
    return f"{format_probability(confidence)} sure"


def format_probability(probability: float) -> str:
    """A probability in whole percent, limited to the range that the number of validation films supports."""
    if not 0.01 <= probability <= 0.99:
        return "over 99 %" if probability > 0.5 else "under 1 %"
    return f"{100 * probability:.0f} %"
