"""Words for the location of the activation map in tables of page and report."""

from __future__ import annotations

from dataclasses import dataclass

from ..imaging import Sides
from ..messages import Message, message


@dataclass(frozen=True)
class ZoneWords:
    """Captions and row names of the tables for one kind of map."""

    location: Message
    share: Message
    share_by_zone: Message
    inside: Message
    outside: Message
    caption: Message
    """Caption of a film with its map."""


WORDS = {
    False: ZoneWords(
        location=message("Location of the activation"),
        share=message("Share of the activation"),
        share_by_zone=message("Share of the activation in each lung zone"),
        inside=message("inside the lung boxes"),
        outside=message("outside the lung boxes"),
        caption=message("Activation map; not proof of disease"),
    ),
    True: ZoneWords(
        location=message("Location of the evidence"),
        share=message("Share of the evidence"),
        share_by_zone=message("Share of the evidence in each lung zone"),
        inside=message("inside the lungs"),
        outside=message("outside the lungs"),
        caption=message("Parts of the lungs that raised the score; not proof of disease"),
    ),
}
"""By whether the model predicts a lung field, inside which it adds up its score."""

HEIGHTS = {"upper": message("upper zone"), "middle": message("middle zone"), "lower": message("lower zone")}
"""Second part of a zone's key -> its name."""

SIDES = {
    Sides.ASSUMED: message("The left side of the image is assumed to be the patient's right."),
    Sides.STANDARD: message("According to the DICOM header, the left side of the image is the patient's right."),
    Sides.MIRRORED: message("According to the DICOM header, the left side of the image is the patient's left."),
    Sides.UNKNOWN: message(
        "Which side of the image is the patient's right is not known: see the side marker on the film."
    ),
}
"""Where the names of sides come from."""

SIDE_NAMES = {
    "right": message("patient's right"),
    "left": message("patient's left"),
    "image_left": message("left side of the image"),
    "image_right": message("right side of the image"),
}
"""First part of a zone's key -> its name."""

SIDE_LETTERS = {"right": message("R"), "left": message("L")}
"""Letters of the patient's sides at the edges of a film."""

AT_LEFT_NAMES = {
    **SIDE_NAMES,
    "right": message("patient's right (left side of the film)"),
    "left": message("patient's left (left side of the film)"),
}
"""The same for the side that is at the left of the image."""


def sides_in_image(sides: Sides) -> tuple[str, str]:
    """First parts of the keys of the zones at the left and at the right of the image."""
    return {"right": ("right", "left"), "left": ("left", "right"), "": ("image_left", "image_right")}[sides.at_left]
