"""What the model looked at, in words: which part of the activation lies where, and why that proves nothing."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from ..evaluation import number_format
from ..evaluation.table import Table
from ..inference import explain
from ..inference.decision import CLASSES, Prediction
from ..reporting import reading_guide

OPACITY = 60
"""Percent at which the map first lies over the film: film and map can both be read."""

NO_MAP = (
    "<p>There is no map for Normal. A map shows what speaks for pneumonia and is scaled to its own strongest place: "
    "here it would paint the least unlikely place bright.</p>"
)
NOT_RUN = "<p>The model was not asked about this film, so there is nothing that it looked at.</p>"

_ROWS = ("upper", "middle", "lower")


def panel(prediction: Prediction, run: Mapping[str, Any] | None) -> str:
    """Slider, strongest zone, table of zones, and the audit's sentence."""
    if prediction.zones is None:
        inner = NO_MAP if prediction.label == CLASSES[0] else NOT_RUN
    else:
        location = escape(reading_guide.describe_location(prediction))
        inner = f"{_SLIDER}<p>{location}</p>{_zone_table(prediction.zones)}{_audit(run)}"
    return f'<div class="activation">{inner}</div>'


_SLIDER = (
    '<div class="opacity"><label for="opacity">Map over film</label><span aria-hidden="true">film</span>'
    f'<input id="opacity" type="range" min="0" max="100" value="{OPACITY}" aria-valuetext="{OPACITY} percent">'
    '<span aria-hidden="true">map</span></div>'
)


def _zone_table(zones: Mapping[str, float]) -> str:
    """The six zones as they lie on the film, or, where no zone is named, inside against outside."""
    inside = sum(zones.values())
    strongest = explain.strongest_zone(dict(zones))
    if strongest is None:
        rows = [["inside the lung boxes", number_format.share(inside)], ["elsewhere", number_format.share(1 - inside)]]
        return Table("Where the activation lies", ["part of the film", "share"], rows).to_html(is_compact=True)
    rows = [[row, *(_zone_cell(zones, side, row, strongest) for side in ("right", "left"))] for row in _ROWS]
    rows.append(["outside the lung boxes", number_format.share(1 - inside), ""])
    head = ["zone", "patient's right (left on the film)", "patient's left"]
    return Table("Share of the activation in each lung zone", head, rows).to_html(is_compact=True)


def _zone_cell(zones: Mapping[str, float], side: str, row: str, strongest: str) -> str:
    mark = " ◀ strongest" if f"{side} {row}" == strongest else ""
    return number_format.share(zones[f"{side}_{row}"]) + mark


def _audit(run: Mapping[str, Any] | None) -> str:
    """A heatmap is no proof: how much of the activation lies in the lungs, on all test films."""
    audit = ((run or {}).get("shortcuts") or {}).get("activation")
    if not audit or not audit["films"].get(CLASSES[1], {}).get("count"):
        return f'<p class="fine">{CAVEAT}</p>'
    row = audit["films"][CLASSES[1]]
    return (
        f'<p class="fine">{CAVEAT} Audit: on half of the {row["count"]:,} test films with pneumonia less than '
        f"{number_format.share(row['median'])} of the activation lay inside the lung boxes, which make up "
        f"{number_format.share(audit['chance'])} of a film; on {number_format.percent(row['at_least_half'])} of them "
        "half of it or more did.</p>"
    )


CAVEAT = "<strong>A heatmap is no proof.</strong> It shows what moved the score, not that the lungs were read."
