"""Outlines of the six lung zones: those in which `explain.zone_shares` counts the evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise, product
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ..imaging import INPUT_SIDE, WHOLE, Area, Sides
from . import explain, lung_zones, map_overlay, zone_names
from .contours import contours
from .graph import LungField

Polygon: TypeAlias = list[tuple[float, float]]
"""Corners (x, y) as shares of the image's width and height."""

GRID = 150
"""Side of the grid on which the lung field is outlined: one point for each pixel of the model input."""


@dataclass(frozen=True)
class ZoneOutlines:
    """Polygons of each zone, by the names of `zone_names`. `is_own`: of the film's own lungs, else fixed boxes."""

    polygons: dict[str, list[Polygon]]
    is_own: bool


def zone_outlines(lung_field: LungField | None, area: Area = WHOLE, sides: Sides = Sides.ASSUMED) -> ZoneOutlines:
    """The outlines on the whole image; `area` is the part of it from which the model input was made.

    `sides` says which side of the patient its left shows.

    Without a lung field, or if it does not show two lungs, the zones are the fixed boxes of `explain`.
    """
    if lung_field is None:
        outlines = ZoneOutlines(dict(_boxes(area)), is_own=False)
    else:
        outlines = _outlines(lung_field.tobytes(), lung_field.shape, lung_field.dtype.str, area)
    return replace(outlines, polygons=zone_names.named(outlines.polygons, sides))


@lru_cache(maxsize=8)
def _outlines(data: bytes, shape: tuple[int, ...], dtype: str, area: Area) -> ZoneOutlines:
    """The outlines for a lung field, with the sides of an image whose left is the patient's right.

    Picture and report of a film both need them, which take 4 ms.
    """
    lung_field = np.frombuffer(data, dtype).reshape(shape)
    lungs = lung_zones.split_lungs(lung_field)
    if lungs is None:
        return ZoneOutlines(dict(_boxes(area)), is_own=False)
    polygons: dict[str, list[Polygon]] = {}
    for side, lung, other in (("right", lungs.right, lungs.left), ("left", lungs.left, lungs.right)):
        excluded = (lung_field >= lung_zones.INSIDE) & ~lung | _beyond(lung, other)
        own_field = np.where(excluded, 0, lung_field).astype(np.float32)
        polygons |= {f"{side}_{name}": zone for name, zone in _thirds(own_field, lung, area)}
    return ZoneOutlines({zone: polygons[zone] for zone in explain.ZONES}, is_own=True)


def _beyond(lung: lung_zones.Mask, other: lung_zones.Mask) -> lung_zones.Mask:
    """The columns on the other lung's side of both: its values below the threshold must not shift this outline."""
    columns = np.arange(lung.shape[1])
    own, opposite = (np.flatnonzero(mask.any(axis=0)) for mask in (lung, other))
    beyond = columns > own[-1] + 1 if own[0] < opposite[0] else columns < own[0] - 1
    return np.broadcast_to(beyond, lung.shape)


def _thirds(own_field: LungField, lung: lung_zones.Mask, area: Area) -> Iterator[tuple[str, list[Polygon]]]:
    """(name of the third, its polygons): the lung between two heights."""
    inside = np.asarray(map_overlay.enlarge(own_field, (GRID, GRID), WHOLE), np.float64) / 255 - lung_zones.INSIDE
    positions = INPUT_SIDE / (INPUT_SIDE // len(lung))
    rows = np.flatnonzero(lung.any(axis=1))
    edges = np.linspace(rows[0], rows[-1] + 1, 4) / positions
    edges[0], edges[-1] = -1, 2  # the outline is smoother than the positions and may reach beyond them
    heights = (np.arange(GRID) + 0.5) / GRID
    for name, (top, bottom) in zip(("upper", "middle", "lower"), pairwise(edges), strict=True):
        band = np.minimum(heights - top, bottom - heights)[:, None]
        loops = contours(np.minimum(inside, band))
        yield name, [[_on_image((x + 0.5) / GRID, (y + 0.5) / GRID, area) for x, y in loop] for loop in loops]


def _boxes(area: Area) -> Iterator[tuple[str, list[Polygon]]]:
    bands = list(pairwise(np.linspace(*explain.LUNG_HEIGHT, 4).tolist()))
    sides = product((explain.RIGHT_LUNG, explain.LEFT_LUNG), bands)
    for zone, ((left, right), (top, bottom)) in zip(explain.ZONES, sides, strict=True):
        corners = ((left, top), (right, top), (right, bottom), (left, bottom))
        yield zone, [[_on_image(x, y, area) for x, y in corners]]


def _on_image(x: float, y: float, area: Area) -> tuple[float, float]:
    """A point of the model input on the whole image."""
    return float(area.left + x * (area.right - area.left)), float(area.top + y * (area.bottom - area.top))


def field_on_grid(lung_field: LungField) -> npt.NDArray[np.bool_]:
    """`[GRID, GRID]`, true where the model input shows lung."""
    return np.asarray(map_overlay.enlarge(lung_field, (GRID, GRID), WHOLE)) >= 255 * lung_zones.INSIDE
