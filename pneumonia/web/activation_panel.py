"""HTML of the panel below the activation map: opacity slider, share of the activation in each lung zone, caveat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..evaluation import number_format
from ..evaluation.table import Table
from ..inference import explain
from ..inference.decision import CLASSES, Prediction
from ..reporting import reading_guide
from .rendering import render

OPACITY = 60
"""Initial opacity of the map in percent, at which film and map are both legible."""

NO_MAP = (
    "There is no map for Normal. The map shows evidence for pneumonia and is scaled to its own maximum. For Normal, it "
    "would highlight an area with hardly any evidence."
)
NOT_RUN = "The model was not run on this film, so there is no activation map."

_ROWS = ("upper", "middle", "lower")


def panel(prediction: Prediction, run: Mapping[str, Any] | None, *, in_lungs: bool = False) -> str:
    """HTML with slider, strongest zone, table of zones, and audit; or with the reason why there is no map.

    `run` is the served run of `evaluation.json`; None if the model has no evaluation. `in_lungs`: the map is the
    evidence in the predicted lung field, which was added up to the score.
    """
    if prediction.zones is None:
        return render("no_activation.html", reason=NO_MAP if prediction.label == CLASSES[0] else NOT_RUN)
    return render(
        "activation.html",
        opacity=OPACITY,
        location=reading_guide.describe_location(prediction, in_lungs=in_lungs),
        in_lungs=in_lungs,
        zones=_zone_table(prediction.zones, in_lungs=in_lungs),
        audit=_audit(run),
    )


def _zone_table(zones: Mapping[str, float], *, in_lungs: bool) -> Table:
    """Table of the six zones, arranged as on the film.

    If no zone is named as the strongest, it has only the shares inside and outside the lungs.
    """
    inside, lungs = sum(zones.values()), reading_guide.LUNGS[in_lungs]
    strongest = explain.strongest_zone(dict(zones))
    if strongest is None:
        rows = [
            [f"inside {lungs}", number_format.share(inside)],
            [f"outside {lungs}", number_format.share(1 - inside)],
        ]
        return Table(f"Location of the {reading_guide.MAPPED[in_lungs]}", ["part of the film", "share"], rows)
    rows = [[row, *(_zone_cell(zones, side, row, strongest) for side in ("right", "left"))] for row in _ROWS]
    rows.append([f"outside {lungs}", number_format.share(max(0.0, 1 - inside)), ""])
    head = ["zone", "patient's right (left side of the film)", "patient's left"]
    return Table(f"Share of the {reading_guide.MAPPED[in_lungs]} in each lung zone", head, rows)


def _zone_cell(zones: Mapping[str, float], side: str, row: str, strongest: str) -> str:
    mark = " ◀ strongest" if f"{side} {row}" == strongest else ""
    return number_format.share(zones[f"{side}_{row}"]) + mark


def _audit(run: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Audit of the share inside the lungs over the test films with pneumonia; None if it was not measured.

    `films` has their statistics, `chance` is the area of the boxes or the field as a share of a film.
    """
    audit = ((run or {}).get("shortcuts") or {}).get("activation")
    if not audit or not audit["films"].get(CLASSES[1], {}).get("count"):
        return None
    return {"films": audit["films"][CLASSES[1]], "chance": audit["chance"]}
