"""HTML of the panel below the activation map: opacity slider, share of the activation in each lung zone, caveat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..evaluation import number_format
from ..evaluation.table import Table
from ..inference import explain
from ..inference.decision import CLASSES, Prediction
from ..messages import Message, message
from ..reporting import reading_guide, zone_wording
from .rendering import render

OPACITY = 60
"""Initial opacity of the map in percent, at which film and map are both legible."""

NO_MAP = message(
    "There is no map for Normal. The map shows evidence for pneumonia and is scaled to its own maximum. For Normal, it "
    "would highlight an area with hardly any evidence."
)
NOT_RUN = message("There is no answer for this film, so there is no activation map.")


def panel(prediction: Prediction, run: Mapping[str, Any] | None, *, in_lungs: bool = False) -> str:
    """HTML with slider, strongest zone, table of zones, and audit; or with the reason why there is no map.

    `run` is the served run of `evaluation.json`; None if the model has no evaluation. `in_lungs`: the map is the
    evidence in the predicted lung field, which was added up to the score.
    """
    if prediction.zone_shares is None:
        return render("no_activation.html", reason=NO_MAP if prediction.label == CLASSES[0] else NOT_RUN)
    return render(
        "activation.html",
        opacity=OPACITY,
        location=reading_guide.describe_location(prediction, in_lungs=in_lungs),
        in_lungs=in_lungs,
        zones=_zone_table(prediction.zone_shares, zone_wording.sides_in_image(prediction.sides), in_lungs=in_lungs),
        audit=_audit(run),
    )


def _zone_table(zones: Mapping[str, float], sides: tuple[str, str], *, in_lungs: bool) -> Table:
    """Table of the six zones, arranged as on the film; `sides` are the keys of those at its left and at its right.

    If no zone is named as the strongest, it has only the shares inside and outside the lungs.
    """
    inside, words = sum(zones.values()), zone_wording.WORDS[in_lungs]
    strongest = explain.strongest_zone(dict(zones))
    rows: list[list[str]]
    if strongest is None:
        rows = [
            [words.inside, number_format.share(inside)],
            [words.outside, number_format.share(1 - inside)],
        ]
        return Table(words.location, [message("part of the film"), message("share")], rows)
    rows = [
        [name, *(_zone_cell(zones, side, row, strongest) for side in sides)]
        for row, name in zone_wording.HEIGHTS.items()
    ]
    rows.append([words.outside, number_format.share(max(0.0, 1 - inside)), ""])
    head = [message("zone"), zone_wording.AT_LEFT_NAMES[sides[0]], zone_wording.SIDE_NAMES[sides[1]]]
    return Table(words.share_by_zone, head, rows)


def _zone_cell(zones: Mapping[str, float], side: str, row: str, strongest: str) -> Message:
    share = number_format.share(zones[f"{side}_{row}"])
    return message("{share} ◀ strongest", share=share) if f"{side}_{row}".replace("_", " ") == strongest else share


def _audit(run: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Audit of the share inside the lungs over the test films with pneumonia; None if it was not measured.

    `films` has their statistics, `chance` is the area of the boxes or the field as a share of a film.
    """
    audit = ((run or {}).get("shortcuts") or {}).get("activation")
    if not audit or not audit["films"].get(CLASSES[1], {}).get("count"):
        return None
    return {"films": audit["films"][CLASSES[1]], "chance": audit["chance"]}
