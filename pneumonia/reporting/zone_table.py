"""The table of the share of the activation in each lung zone, which PDF report and result picture share."""

from __future__ import annotations

from ..inference import explain
from ..inference.decision import Prediction
from ..messages import Message, message
from . import zone_wording


def rows(prediction: Prediction, *, in_lungs: bool) -> list[list[Message]]:
    """Rows of cells, the first with the headings, arranged like the film, with the names of `zone_wording.SIDE_NAMES`.

    If less than half of the activation lies inside the lungs, the rows have no zones, only the shares inside and
    outside. Empty for Normal and for a film that was not scored.
    """
    zones = prediction.zone_shares
    if zones is None:
        return []
    inside = sum(zones.values())
    words = zone_wording.WORDS[in_lungs]
    if explain.strongest_zone(zones) is None:
        shares = ((words.inside, inside), (words.outside, 1 - inside))
        return [[words.location, message("share")], *([name, format_share(share)] for name, share in shares)]
    sides = zone_wording.sides_in_image(prediction.sides)
    headings = [words.share, *(zone_wording.SIDE_NAMES[side] for side in sides)]
    heights = zone_wording.HEIGHTS.items()
    return [
        headings,
        *([name, *(format_share(zones[f"{side}_{height}"]) for side in sides)] for height, name in heights),
    ]


def format_share(share: float) -> Message:
    """A share in whole percent."""
    return message("{percent:.0f} %", percent=100 * share)
