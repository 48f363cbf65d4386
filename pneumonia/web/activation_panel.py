"""What the model looked at, in words: which part of the activation lies where, and why that proves nothing."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from ..inference import explain
from ..inference.decision import CLASSES, Prediction
from ..reporting import reading_guide
from . import figures

OPACITY = 60
"""Percent at which the map first lies over the film: film and map can both be read."""

NO_MAP = (
    "<p>There is no map for Normal. A map shows what speaks for pneumonia and is scaled to its own strongest place: "
    "here it would paint the least unlikely place bright.</p>"
)
NOT_ASKED = "<p>The model was not asked about this film, so there is nothing that it looked at.</p>"

_ROWS = ("upper", "middle", "lower")


def panel(prediction: Prediction, run: Mapping[str, Any] | None) -> str:
    """Slider, strongest zone, table of zones, and the audit's sentence."""
    if prediction.zones is None:
        inner = NO_MAP if prediction.label == CLASSES[0] else NOT_ASKED
    else:
        location = escape(reading_guide.describe_location(prediction))
        inner = f"{_SLIDER}<p>{location}</p>{_shares(prediction.zones)}{_audit(run)}"
    return f'<div class="look">{inner}</div>'


_SLIDER = (
    '<div class="opacity"><label for="opacity">Map over film</label><span aria-hidden="true">film</span>'
    f'<input id="opacity" type="range" min="0" max="100" value="{OPACITY}" aria-valuetext="{OPACITY} percent">'
    '<span aria-hidden="true">map</span></div>'
)


def _shares(zones: Mapping[str, float]) -> str:
    """The six zones as they lie on the film, or, where no zone is named, inside against outside."""
    inside = sum(zones.values())
    strongest = explain.strongest_zone(dict(zones))
    if strongest is None:
        rows = [["inside the lung boxes", figures.share(inside)], ["elsewhere", figures.share(1 - inside)]]
        return figures.table("Where the activation lies", ["part of the film", "share"], rows, tight=True)
    rows = [[row, *(_zone(zones, side, row, strongest) for side in ("right", "left"))] for row in _ROWS]
    rows.append(["outside the lung boxes", figures.share(1 - inside), ""])
    head = ["zone", "patient's right (left on the film)", "patient's left"]
    return figures.table("Share of the activation in each lung zone", head, rows, tight=True)


def _zone(zones: Mapping[str, float], side: str, row: str, strongest: str) -> str:
    mark = " ◀ strongest" if f"{side} {row}" == strongest else ""
    return figures.share(zones[f"{side}_{row}"]) + mark


def _audit(run: Mapping[str, Any] | None) -> str:
    """A heatmap is no proof: how much of the activation lies in the lungs, on all test films."""
    found = ((run or {}).get("shortcuts") or {}).get("activation")
    if not found or not found["films"].get(CLASSES[1], {}).get("count"):
        return f'<p class="fine">{NO_PROOF}</p>'
    row = found["films"][CLASSES[1]]
    return (
        f'<p class="fine">{NO_PROOF} Audit: on half of the {row["count"]:,} test films with pneumonia less than '
        f"{figures.share(row['median'])} of the activation lay inside the lung boxes, which make up "
        f"{figures.share(found['chance'])} of a film; on {figures.percent(row['at_least_half'])} of them half of it or "
        "more did.</p>"
    )


NO_PROOF = "<strong>A heatmap is no proof.</strong> It shows what moved the score, not that the lungs were read."
