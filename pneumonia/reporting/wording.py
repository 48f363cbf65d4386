"""Wording that page and report share: title, disclaimer, marks of the labels, probabilities as text."""

from __future__ import annotations

from ..inference.decision import CLASSES, UNKNOWN, Prediction
from ..messages import Message, join, message

TITLE = message("Chest-film assistant")

DISCLAIMER = join(
    (
        message("**A support tool for medical staff, not a replacement for a radiologist.**"),
        message("It is not a medical device."),
        message("It can be wrong even where P(pneumonia) is over 99 % or under 1 %."),
        message("Do not treat a patient, or send a patient home, because of its answer."),
    )
)

MARKS = {CLASSES[0]: "●", CLASSES[1]: "▲", UNKNOWN: "?"}
"""A shape for each label, so that no label is conveyed by colour alone."""


def format_p_pneumonia(prediction: Prediction) -> Message:
    """The probability of a scored film as text, for every label that of pneumonia: "P(pneumonia) 93 %"."""
    return message("P(pneumonia) {probability}", probability=format_probability(prediction.probability or 0.0))


def format_probabilities(prediction: Prediction) -> dict[str, Message]:
    """The probability of each class as text; empty if the film was not scored.

    That of Normal follows from the whole percent of P(pneumonia), so that the two add up to 100 %.
    """
    if prediction.probability is None:
        return {}
    shares = (percent / 100 for percent in round_to_percents(prediction.probability))
    return {label: format_probability(round(share, 9)) for label, share in zip(CLASSES, shares, strict=True)}


def round_to_percents(probability: float) -> tuple[float, float]:
    """P(normal) and P(pneumonia) in percent, as they are written: whole percents that add up to 100.

    Outside 1 %..99 %, where the text is "over 99 %" or "under 1 %", they are not rounded.
    """
    positive = 100 * probability
    if 0.01 <= probability <= 0.99:
        positive = round(positive)
    return 100 - positive, positive


def format_probability(probability: float) -> Message:
    """A probability in whole percent: "93 %", "over 99 %" or "under 1 %".

    0 % and 100 % are never shown, because no finite number of validation films supports them.
    """
    if not 0.01 <= probability <= 0.99:
        return message("over 99 %") if probability > 0.5 else message("under 1 %")
    return message("{percent:.0f} %", percent=100 * probability)
