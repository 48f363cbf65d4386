"""The six zones of a film's own lungs, from the predicted lung field: upper, middle and lower third of each lung."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .graph import LungField

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

INSIDE = 0.5
"""Minimum value of the lung field that counts as lung."""

DILATION = 1
"""Number of positions by which a lung is dilated before evidence is counted. Positions at its edge, whose field is
below `INSIDE`, have a part in the evidence too; a lesion there is often not part of the predicted field."""

MIDLINE_RANGE = (0.3, 0.7)
"""Range of the midline as a fraction of the width: a rotated or off-centre chest, but no film of one lung."""

MIN_LUNG_AREA, MIN_LUNG_HEIGHT = 0.02, 0.15
"""Minimum area and height of a lung as fractions of the film's area and height. If a lung is smaller, such as a white
one that the field misses, the zones of this film cannot be trusted."""


@dataclass(frozen=True)
class Lungs:
    """The two lungs `[h, w]` of a lung field, `right` being the patient's, on the left of the image."""

    right: Mask
    left: Mask


def split_lungs(lung_field: LungField) -> Lungs | None:
    """The largest component of the field on each side of its midline; None if a side has no plausible lung.

    The midline is the boundary between two columns around which the field is weakest, as it is between two lungs; among
    equal ones, that nearest to the centre of the field.
    """
    inside = lung_field >= INSIDE
    if not inside.any():
        return None
    midline = _midline(lung_field, inside)
    columns = np.arange(inside.shape[1])
    right, left = (largest_component(inside & side) for side in (columns < midline, columns >= midline))
    return Lungs(right, left) if _is_lung(right) and _is_lung(left) else None


def zone_weights(lung_field: LungField) -> Floats | None:
    """`[6, h * w]`: fraction of each position in each zone, in the order of `explain.ZONES`; None without two lungs.

    Each lung is divided into thirds of its own height. Positions that only the dilation adds belong to the nearest
    third of the lung that they are next to; a position next to both lungs is shared by them.
    """
    lungs = split_lungs(lung_field)
    if lungs is None:
        return None
    right, left = (_dilate(lung, DILATION) for lung in (lungs.right, lungs.left))
    weights = np.where(right & left, 0.5, 1.0)
    zones = (_thirds(lungs.right)[:, :, None] * (right * weights), _thirds(lungs.left)[:, :, None] * (left * weights))
    return np.concatenate(zones).reshape(6, -1)


def _midline(lung_field: LungField, inside: Mask) -> int:
    """The first column of the patient's left lung."""
    width = inside.shape[1]
    profile = np.where(inside, lung_field, 0).sum(axis=0)
    first, last = (round(share * width) for share in MIDLINE_RANGE)
    boundaries = np.arange(max(first, 1), max(last, 1) + 1)
    columns = np.flatnonzero(inside.any(axis=0))
    centre = (columns[0] + columns[-1] + 1) / 2
    strength = profile[boundaries - 1] + profile[np.minimum(boundaries, width - 1)]
    order = np.lexsort((np.abs(boundaries - centre), strength))
    return int(boundaries[order[0]])


def _is_lung(lung: Mask) -> bool:
    height = int(lung.any(axis=1).sum())
    return bool(lung.mean() >= MIN_LUNG_AREA and height >= MIN_LUNG_HEIGHT * len(lung))


def largest_component(mask: Mask) -> Mask:
    """The largest 8-connected component of a mask `[h, w]`; that of an empty mask is empty.

    The mask is one integer, in which a row and an empty column follow each other, so that shifts reach all neighbours
    of all positions at once. With arrays this would take longer than the network.
    """
    height, width = mask.shape
    stride = width + 1
    padded = np.zeros((height, stride), np.bool_)
    padded[:, :width] = mask
    rest, largest = _to_bits(padded), 0
    while rest.bit_count() > largest.bit_count():
        component, grown = 0, rest & -rest
        while grown != component:
            component = grown
            in_row = component | component << 1 | component >> 1
            grown = (in_row | in_row << stride | in_row >> stride) & rest
        largest = max(largest, component, key=int.bit_count)
        rest &= ~component
    return _from_bits(largest, height * stride).reshape(height, stride)[:, :width]


def _to_bits(mask: Mask) -> int:
    return int.from_bytes(np.packbits(mask, axis=None, bitorder="little").tobytes(), "little")


def _from_bits(bits: int, count: int) -> Mask:
    data = np.frombuffer(bits.to_bytes(-(-count // 8), "little"), np.uint8)
    return np.unpackbits(data, count=count, bitorder="little").astype(np.bool_)


def _dilate(mask: Mask, steps: int) -> Mask:
    """The mask and all positions at most `steps` away from it, diagonals included."""
    dilated = mask.copy()
    for step in range(1, steps + 1):
        dilated[step:] |= mask[:-step]
        dilated[:-step] |= mask[step:]
    in_columns = dilated.copy()
    for step in range(1, steps + 1):
        dilated[:, step:] |= in_columns[:, :-step]
        dilated[:, :-step] |= in_columns[:, step:]
    return dilated


def _thirds(lung: Mask) -> Floats:
    """`[3, h]`: the fraction of each row that lies in the upper, middle and lower third of the lung's height."""
    height = len(lung)
    rows = np.flatnonzero(lung.any(axis=1))
    top, third = rows[0], (rows[-1] + 1 - rows[0]) / 3
    # Rows that only the dilation adds belong to the nearest third.
    edges = np.array([0, top + third, top + 2 * third, height])
    starts = np.arange(height)
    overlap: Floats = np.minimum(starts + 1, edges[1:, None]) - np.maximum(starts, edges[:-1, None])
    return np.maximum(overlap, 0)
