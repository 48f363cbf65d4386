"""Wording that page and report share: title, disclaimer, marks of the labels, probabilities as text."""

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
    """The confidence of a label as text, for example "confidence 93 %"; see `format_probability`."""
    return f"confidence {format_probability(confidence)}"


def format_probability(probability: float) -> str:
    """A probability in whole percent: "93 %", "over 99 %" or "under 1 %".

    0 % and 100 % are never shown, because no finite number of validation films supports them.
    """
    if not 0.01 <= probability <= 0.99:
        return "over 99 %" if probability > 0.5 else "under 1 %"
    return f"{100 * probability:.0f} %"
