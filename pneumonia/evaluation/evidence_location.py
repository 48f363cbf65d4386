"""Location audit: share of the evidence that lies in the drawn lung masks, and agreement of the predicted lung field.

The evidence of a film is the positive part of its activation map: Grad-CAM for a graph without a lung field, the
contributions that were added up for one with a lung field. A cell is spread evenly over the pixels from which it was
computed (12 x 12 of 150 x 150), so the share inside is exact. Masks are dilated by `DILATION`, about one
cell of the map (8 % of the side), because a cell at the edge of a lung also covers what lies beside it; the share in
the masks as drawn is given as well.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..inference import explain
from ..inference.decision import CLASSES
from ..inference.model import Model
from .answer_changes import share_of
from .audit_films import AuditFilms, Masks, run_network
from .lung_regions import DILATION, MASK_LEVEL, cover, dilate, field_masks
from .metrics import Floats
from .quantiles import quantile_figure

MIN_SHARE = explain.MIN_LUNG_SHARE
"""Films with at least this share of their evidence inside are counted."""


def evidence_location(model: Model, films: AuditFilms, *, quiet: bool = False) -> dict[str, Any]:
    """The entry `evidence` of the audits; {} without drawn masks.

    `dilated` and `as_drawn`: by class, the distribution over the films of the share inside, and `chance`, the mean area
    of the masks: the share of evidence that is spread evenly. `without`: films whose map is empty; they are not
    counted. `dice` of the lung field if the graph predicts one.
    """
    masked = films.with_masks
    if not len(masked.labels):
        return {}
    masks = masked.masks.masks >= MASK_LEVEL
    outputs = run_network(model, masked.inputs, title="evidence", quiet=quiet)
    variants = {"dilated": dilate(masks), "as_drawn": masks}
    shares = {name: shares_inside(outputs.activation, variant) for name, variant in variants.items()}
    entry: dict[str, Any] = {
        "films": len(masked.labels),
        "dilation": DILATION,
        "without": int(np.isnan(shares["dilated"]).sum()),
    }
    for name, variant in variants.items():
        entry[name] = {
            "chance": round(float(variant.mean()), 5),
            **by_class(shares[name], masked.labels, masked.weights),
        }
    if outputs.lung_field is not None:
        entry["dice"] = dice_figures(outputs.lung_field, masks, masked.weights)
    return entry


def shares_inside(activation: npt.NDArray[np.float32], masks: Masks) -> Floats:
    """Share `[N]` of the positive part of each map `[N, h, w]` inside its mask `[N, H, W]`; NaN for an empty map."""
    positive = np.maximum(activation, 0).astype(np.float64)
    inside = (positive * cover(masks, positive.shape[1:])).sum(axis=(1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        share: Floats = inside / positive.sum(axis=(1, 2))
    return share


def by_class(shares: Floats, labels: npt.NDArray[np.int64], weights: Floats) -> dict[str, Any]:
    """Distribution of `shares` `[N]` over all films and over each class; NaN is left out."""
    groups = {"all": np.ones(len(labels), bool)} | {name: labels == label for label, name in enumerate(CLASSES)}
    valid = ~np.isnan(shares)
    return {name: _distribution(shares, group & valid, weights) for name, group in groups.items()}


def _distribution(shares: Floats, group: npt.NDArray[np.bool_], weights: Floats) -> dict[str, Any]:
    if not group.any():
        return {"count": 0}
    values, drawn = shares[group], weights[:, group]
    return {
        "count": int(group.sum()),
        "median": quantile_figure(values, 0.5, drawn),
        "lower_decile": quantile_figure(values, 0.1, drawn),
        "at_least_half": share_of(values >= MIN_SHARE, drawn),
    }


def dice_figures(fields: npt.NDArray[np.float32], masks: Masks, weights: Floats) -> dict[str, Any]:
    """Median and 5th percentile of the Dice coefficient of lung fields `[N, h, w]` and masks `[N, H, W]`.

    `pixels`: on the mask's grid, with the field enlarged bilinearly. `cells`: on the field's grid, where a cell belongs
    to the mask if it covers half of it.
    """
    of_pixels = dice(field_masks(fields), masks)
    of_cells = dice(fields >= 0.5, cover(masks, fields.shape[1:]) >= 0.5)
    return {
        name: {"median": quantile_figure(values, 0.5, weights), "percentile_5": quantile_figure(values, 0.05, weights)}
        for name, values in {"pixels": of_pixels, "cells": of_cells}.items()
    }


def dice(first: Masks, second: Masks) -> Floats:
    """Dice coefficient `[N]`: twice the common area over the sum of the areas; 1 if both masks are empty."""
    common = 2.0 * (first & second).sum(axis=(1, 2))
    areas = first.sum(axis=(1, 2)) + second.sum(axis=(1, 2))
    coefficient: Floats = np.where(areas > 0, common / np.maximum(areas, 1), 1.0)
    return coefficient
