"""HTML of the panel below the activation map: opacity slider, share of the activation in each lung zone, caveat."""

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
"""Initial opacity of the map in percent, at which film and map are both legible."""

NO_MAP = (
    "<p>There is no map for Normal. The map shows evidence for pneumonia and is scaled to its own maximum. For Normal, "
    "it would highlight an area with hardly any evidence.</p>"
)
NOT_RUN = "<p>The model was not run on this film, so there is no activation map.</p>"

_ROWS = ("upper", "middle", "lower")


def panel(prediction: Prediction, run: Mapping[str, Any] | None) -> str:
    """HTML with slider, strongest zone, table of zones, and audit; or with the reason why there is no map.

    `run` is the served run of `evaluation.json`; None if the model has no evaluation.
    """
    if prediction.zones is None:
        inner = NO_MAP if prediction.label == CLASSES[0] else NOT_RUN
    else:
        location = escape(reading_guide.describe_location(prediction))
        inner = f"{_SLIDER}<p>{location}</p>{_zone_table(prediction.zones)}{_audit(run)}"
    return f'<div class="activation">{inner}</div>'


_SLIDER = (
    '<div class="opacity"><label for="opacity">Map opacity</label><span aria-hidden="true">film</span>'
    f'<input id="opacity" type="range" min="0" max="100" value="{OPACITY}" aria-valuetext="{OPACITY} percent">'
    '<span aria-hidden="true">map</span></div>'
)


def _zone_table(zones: Mapping[str, float]) -> str:
    """HTML table of the six zones, arranged as on the film.

    If no zone is named as the strongest, it has only the shares inside and outside the lung boxes.
    """
    inside = sum(zones.values())
    strongest = explain.strongest_zone(dict(zones))
    if strongest is None:
        rows = [
            ["inside the lung boxes", number_format.share(inside)],
            ["outside the lung boxes", number_format.share(1 - inside)],
        ]
        return Table("Location of the activation", ["part of the film", "share"], rows).to_html(is_compact=True)
    rows = [[row, *(_zone_cell(zones, side, row, strongest) for side in ("right", "left"))] for row in _ROWS]
    rows.append(["outside the lung boxes", number_format.share(1 - inside), ""])
    head = ["zone", "patient's right (left side of the film)", "patient's left"]
    return Table("Share of the activation in each lung zone", head, rows).to_html(is_compact=True)


def _zone_cell(zones: Mapping[str, float], side: str, row: str, strongest: str) -> str:
    mark = " ◀ strongest" if f"{side} {row}" == strongest else ""
    return number_format.share(zones[f"{side}_{row}"]) + mark


def _audit(run: Mapping[str, Any] | None) -> str:
    """The caveat, followed by the audit of the share inside the lung boxes over the test films, if it was measured."""
    audit = ((run or {}).get("shortcuts") or {}).get("activation")
    if not audit or not audit["films"].get(CLASSES[1], {}).get("count"):
        return f'<p class="fine">{CAVEAT}</p>'
    row = audit["films"][CLASSES[1]]
    return (
        f'<p class="fine">{CAVEAT} Audit on {row["count"]:,} test films with pneumonia: the median share of '
        f"the activation inside the lung boxes is {number_format.share(row['median'])}; the boxes cover "
        f"{number_format.share(audit['chance'])} of a film. In {number_format.percent(row['at_least_half'])} of these "
        "films, at least half of the activation is inside.</p>"
    )


CAVEAT = (
    "<strong>A heatmap is not proof.</strong> It shows which regions changed the score. It does not show that the "
    "model read the lungs."
)
