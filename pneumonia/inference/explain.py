"""What the map of a film is, and the share of it in each lung zone. `map_overlay` draws it.

What the map is depends on the served graph:

* With a lung field: the evidence that was added up. The network's score is computed from what lies inside the
  lung field, and the map has the contribution of each position to the logit (gradient times feature, positive part); it
  is 0 outside that field by construction. See `learning.lung_head`.
* Without one: Grad-CAM of the last convolution (Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via
  Gradient-based Localization", ICCV 2017, https://arxiv.org/abs/1610.02391): the feature maps, weighted by the mean
  gradient of the logit with respect to each. It shows which image regions raised the score, and does not prove that the
  network used the lungs.

Neither localises disease: each position has a receptive field, and evidence may lie beside a lesion.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from . import lung_zones
from .graph import Activation, LungField

RIGHT_LUNG, LEFT_LUNG = (0.12, 0.45), (0.55, 0.88)
"""Left and right limits of each lung box as fractions of the film's width, for graphs without a lung field. The
patient's right lung is on the left of the image. The boxes enclose the lung fields of the class average of the normal
training films."""

LUNG_HEIGHT = (0.15, 0.82)
"""Upper and lower limits of the lung boxes as fractions of the film's height, from the apices to the domes of the
diaphragm. Each zone is a third of this range."""

ZONES = ("right_upper", "right_middle", "right_lower", "left_upper", "left_middle", "left_lower")

MIN_LUNG_SHARE = 0.5
"""Minimum fraction of the activation inside both lungs together; below it no zone is named in words."""

NEAR_STRONGEST = 2 / 3
"""Share of the evidence, relative to that of the strongest zone, from which another zone counts as strong too. Two
zones with almost the same share would otherwise look like disease of one side."""


def zone_shares(activation: Activation, lung_field: LungField | None = None) -> dict[str, float]:
    """The fraction of the positive activation in each of the six lung zones, from a map `[h, w]`.

    With a lung field `[h, w]` the zones are those of the film's own lungs, see `lung_zones`; without one, or if it does
    not show two lungs, they are fixed boxes. Activation outside the zones is not counted, so the sum is at most 1. All
    values are 0 for an empty map. Sides are those of an image whose left is the patient's right; see `zone_names`.
    """
    positive = np.maximum(activation.ravel(), 0.0, dtype=np.float64)
    weights = None if lung_field is None else lung_zones.zone_weights(lung_field)
    if weights is None:
        weights = _zone_weights(*activation.shape)
    zone_sums, total = (weights @ positive).tolist(), float(positive.sum())
    return {zone: zone_sum / max(total, 1e-12) for zone, zone_sum in zip(ZONES, zone_sums, strict=True)}


def strongest_zone(shares: dict[str, float]) -> str | None:
    """The zone with the largest share, such as "right lower"; None if the sum is below `MIN_LUNG_SHARE`."""
    if sum(shares.values()) < MIN_LUNG_SHARE:
        return None
    return max(shares, key=lambda zone: shares[zone]).replace("_", " ")


def strongest_zones(shares: Mapping[str, float]) -> dict[str, float]:
    """The zones with at least `NEAR_STRONGEST` of the largest share, the strongest first; empty if none is named."""
    if strongest_zone(dict(shares)) is None:
        return {}
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    return {zone: share for zone, share in ordered if share >= NEAR_STRONGEST * ordered[0][1]}


@lru_cache(maxsize=8)
def _zone_weights(height: int, width: int) -> npt.NDArray[np.float64]:
    """`[6, h * w]`: the fraction of each map cell that lies in each of the six zones."""
    top, bottom = LUNG_HEIGHT
    edges = np.linspace(top, bottom, 4)
    rows = [_overlap(height, low, high) for low, high in zip(edges[:-1], edges[1:], strict=True)]
    columns = [_overlap(width, *lung) for lung in (RIGHT_LUNG, LEFT_LUNG)]
    zones = [np.outer(row, column).ravel() for column in columns for row in rows]
    return np.stack(zones)


def _overlap(cells: int, low: float, high: float) -> npt.NDArray[np.float64]:
    """`[cells]`: the fraction of each of `cells` equal intervals of 0..1 that lies in `low`..`high`."""
    edges = np.arange(cells + 1) / cells
    overlap: npt.NDArray[np.float64] = np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)
    return np.clip(overlap, 0, None) * cells
