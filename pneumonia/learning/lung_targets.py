"""Targets of the lung field: drawn masks, or without them predicted lung fields or fixed boxes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import ModelError, UsageError
from ..evaluation.dataset import FilmSet
from ..evaluation.lung_masks import FOLDER, TABLE, LungMasks, load_masks
from ..imaging import INPUT_SIDE
from ..inference.explain import LEFT_LUNG, LUNG_HEIGHT, RIGHT_LUNG
from ..inference.model import Model
from ..inference.predictor import load_model

DRAWN, PREDICTED, BOXES = "drawn masks", "predicted lung fields", "fixed lung boxes"
"""Kinds of lung targets."""


@dataclass(frozen=True)
class LungTargets:
    """Masks of the training films, and their kind."""

    masks: LungMasks
    kind: str


def lung_targets(folder: Path | None, films: FilmSet) -> LungTargets:
    """The drawn masks of the films. Films without one have no target, as long as some film has one.

    If no film has one, every film gets the lung field that the embedded model predicts, or, if its graph predicts none,
    the fixed lung boxes. Prints which targets are used.
    """
    drawn = load_masks(folder, films)
    count = int(np.count_nonzero(drawn.has_mask))
    if count:
        print(f"{count:,} of {len(films.films):,} training films have a lung mask")
        return LungTargets(drawn, DRAWN)
    missing = f"there is no {FOLDER}/{TABLE} in --data" if folder is None else f"{TABLE} lists none of the films"
    model = _embedded_model_with_lung_field()
    kind, origin = (BOXES, "") if model is None else (PREDICTED, " of the embedded model")
    print(f"No training film has a lung mask: {missing}. Used instead: {kind}{origin} (docs/data.md, Lung masks).")
    masks = _boxes(len(films.films)) if model is None else _predicted(model, films.inputs)
    return LungTargets(LungMasks(masks, np.ones(len(films.films), bool)), kind)


def _embedded_model_with_lung_field() -> Model | None:
    """The embedded model if its graph predicts a lung field and can be loaded, else None."""
    try:
        model = load_model("")
    except (ModelError, UsageError):
        return None
    blank = np.zeros((INPUT_SIDE, INPUT_SIDE, 3), np.uint8)
    return None if model.score(blank).lung_field is None else model


def _predicted(model: Model, inputs: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Masks `[N, 150, 150]` from the lung fields of a model, as in the targets: whole cells from the upper left."""
    masks = np.zeros(inputs.shape, np.uint8)
    for mask, film in zip(masks, inputs, strict=True):
        field = model.score(np.repeat(film[:, :, None], 3, axis=2)).lung_field
        assert field is not None
        block = INPUT_SIDE // field.shape[0]
        enlarged = np.rint(255 * field).astype(np.uint8).repeat(block, axis=0).repeat(block, axis=1)
        mask[: enlarged.shape[0], : enlarged.shape[1]] = enlarged
    return masks


def _boxes(count: int) -> npt.NDArray[np.uint8]:
    """The two lung boxes, for each of `count` films: a view of one mask `[150, 150]`."""
    mask = np.zeros((INPUT_SIDE, INPUT_SIDE), np.uint8)
    top, bottom = (round(edge * INPUT_SIDE) for edge in LUNG_HEIGHT)
    for lung in (RIGHT_LUNG, LEFT_LUNG):
        left, right = (round(edge * INPUT_SIDE) for edge in lung)
        mask[top:bottom, left:right] = 255
    return np.broadcast_to(mask, (count, INPUT_SIDE, INPUT_SIDE))
