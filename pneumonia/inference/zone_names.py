"""Names of the lung zones by what is known of the patient's sides in an image.

Network and zones work on positions in the image. A zone is named here, once, so that all outputs name the same side.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from ..imaging import Sides
from .explain import ZONES

IMAGE_ZONES = tuple(f"image_{side}_{height}" for side in ("left", "right") for height in ("upper", "middle", "lower"))
"""Names where no side of the patient is known: by the side of the image."""

Value = TypeVar("Value")


def named(values: Mapping[str, Value], sides: Sides) -> dict[str, Value]:
    """Values by zone, renamed: the keys `ZONES` of `values` take the left of the image for the patient's right.

    The result has the keys `ZONES` of the patient, or `IMAGE_ZONES` if `sides` is unknown.
    """
    if sides is Sides.UNKNOWN:
        return {name: values[zone] for name, zone in zip(IMAGE_ZONES, ZONES, strict=True)}
    if sides is Sides.MIRRORED:
        return dict(zip(ZONES, (values[zone] for zone in (*ZONES[3:], *ZONES[:3])), strict=True))
    return dict(values)


def side_and_height(zone: str) -> tuple[str, str]:
    """The parts of a name, such as ("right", "lower") or ("image_left", "lower")."""
    side, _, height = zone.rpartition("_")
    return side, height
