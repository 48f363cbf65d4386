"""Words for the location of the activation map in tables of page and report."""

from __future__ import annotations

from dataclasses import dataclass

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
