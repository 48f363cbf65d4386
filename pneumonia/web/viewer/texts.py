"""Texts of the viewer, and its HTML. The scripts fill in the values in braces."""

from __future__ import annotations

import json

from ...inference import explain, zone_names
from ...messages import Message, deferred, message, translate
from ...reporting import zone_wording
from ..rendering import localised

TEXTS: dict[str, Message] = {
    "place": message("Column {x}, row {y}"),
    "stored": message("in the file column {x}, row {y}"),
    "value": message("stored value {value} ({bits} bits)"),
    "grey": message("grey level {value} of the colour image"),
    "scaled": message("value {value}, scaled to 16 bits"),
    "rescaled": message("rescaled {value}"),
    "padding": message("outside the film"),
    "distance": message("{x} mm, {y} mm"),
    "state": message("Level {level}, width {width}, zoom {percent} %"),
    "reduced": message("The film is too large to be shown in full: each pixel is the mean of {factor} x {factor}."),
    "turned": message("Rotated or mirrored for viewing only. The answer does not change."),
    "inverted": message("Black and white are exchanged for viewing only."),
    "corrected": message("The film was inverted in the file and is shown corrected, as the model received it."),
    "original": message("The film is shown inverted, as in the file. The model received it corrected."),
    "right": message("R"),
    "left": message("L"),
}
"""Sentences that the scripts fill in, by their names there."""

ZONE_NAMES = {
    "right_upper": message("R upper"),
    "right_middle": message("R middle"),
    "right_lower": message("R lower"),
    "left_upper": message("L upper"),
    "left_middle": message("L middle"),
    "left_lower": message("L lower"),
}
assert tuple(ZONE_NAMES) == explain.ZONES


def zone_name(zone: str) -> Message:
    """The name that is written on a zone; without a side where none is known, since the zone is seen where it lies."""
    _, height = zone_names.side_and_height(zone)
    return ZONE_NAMES.get(zone) or zone_wording.HEIGHTS[height]


OWN_ZONES = message("Lung zones: thirds of the lungs that the model found in this film.")
FIXED_ZONES = message("Lung zones: the lungs of an average film, because the model did not find two lungs in this one.")

_HELP = (
    (message("Move"), message("drag"), message("drag, when zoomed in"), ("←", "→", "↑", "↓")),
    (message("Zoom"), message("wheel, double click"), message("pinch, double tap"), ("+", "−")),
    (message("Whole film"), message("button"), message("button"), ("0",)),
    (message("One pixel for one pixel"), message("button"), message("button"), ("1",)),
    (
        message("Level and width"),
        message("drag with the right button"),
        message("◐, then drag"),
        ("W", "←", "→", "↑", "↓"),
    ),
    (message("Next window of the list"), message("list"), message("list"), ("P",)),
    (message("Exchange black and white"), message("button"), message("button"), ("I",)),
    (message("Rotate"), message("button"), message("button"), ("R",)),
    (message("Mirror"), message("button"), message("button"), ("H",)),
    (message("Lung zones"), message("button"), message("button"), ("Z",)),
    (message("Model view"), message("button"), message("button"), ("M",)),
    (message("Reset"), message("button"), message("button"), ("Home",)),
    (message("Full screen"), message("button"), message("button"), ("F", "Esc")),
    (message("This list"), message("button"), message("button"), ("?",)),
)
"""(function, mouse, touch, keys)."""


def viewer_html() -> Message:
    """The viewer without a film, in the language of the request."""
    return localised("viewer.html", texts=deferred(_texts_json), help=_HELP)


def _texts_json() -> str:
    return json.dumps({name: translate(text) for name, text in TEXTS.items()} | {"separator": " · "})
