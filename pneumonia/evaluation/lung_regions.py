"""Lung regions of films: drawn masks, the field that the network predicts, or fixed boxes; and their dilation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from ..imaging import INPUT_SIDE
from ..inference import explain
from .audit_films import AuditFilms, Masks, NetworkOutputs

DRAWN, PREDICTED, BOXES = "drawn masks", "predicted lung fields", "lung boxes"
"""Kinds of regions, by their names in `evaluation.json`."""

DILATION = 0.08
"""Dilation as a share of the film's side: one cell of a 12 x 12 map. The lung head's field is dilated by as much, as
consolidation and effusion at the edge of a lung are often not part of a mask."""

MASK_LEVEL = 128
"""Grey level from which a pixel of a mask, 0 to 255, belongs to the lungs."""


@dataclass(frozen=True)
class LungRegions:
    """The lung regions `[N, 150, 150]` of films, not dilated, and their `kind`."""

    kind: str
    regions: Masks


def masked_or_all(films: AuditFilms) -> AuditFilms:
    """The films that have a drawn mask; all films if none has."""
    return films.with_masks if films.masks.has_mask.any() else films


def lung_regions(films: AuditFilms, outputs: NetworkOutputs) -> LungRegions:
    """Drawn masks if all films have one, else predicted fields if the graph has them, else the boxes.

    `outputs` are those of the network for `films`. A predicted field depends on the network under audit, and boxes
    contain other tissue, so figures of different kinds cannot be compared.
    """
    if films.masks.has_mask.all():
        return LungRegions(DRAWN, films.masks.masks >= MASK_LEVEL)
    if outputs.lung_field is not None:
        return LungRegions(PREDICTED, field_masks(outputs.lung_field))
    return LungRegions(BOXES, np.broadcast_to(lung_boxes(INPUT_SIDE), films.inputs.shape))


def lung_boxes(side: int) -> npt.NDArray[np.bool_]:
    """Mask `[side, side]`: True inside the two lung boxes of `explain.py`."""
    centre = (np.arange(side) + 0.5) / side
    columns = [(low <= centre) & (centre < high) for low, high in (explain.RIGHT_LUNG, explain.LEFT_LUNG)]
    low, high = explain.LUNG_HEIGHT
    return np.outer((low <= centre) & (centre < high), columns[0] | columns[1])


def field_masks(fields: npt.NDArray[np.float32]) -> Masks:
    """Masks `[N, 150, 150]` of predicted lung fields `[N, h, w]`, which are enlarged bilinearly and cut at one half."""
    return np.stack([enlarge(field) for field in fields]) >= 0.5


def dilate(masks: Masks, share: float = DILATION) -> Masks:
    """Dilate masks `[N, H, W]` by a share of their side in each direction, with a square."""
    reach = round(share * masks.shape[-1])
    dilated: Masks = ndimage.maximum_filter(masks, size=(1, 2 * reach + 1, 2 * reach + 1), mode="constant")
    return dilated


def cover(masks: Masks, shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Share `[N, h, w]` of each cell of a map of this shape (h, w) that the masks `[N, H, W]` cover.

    A cell has a whole number of pixels, as in the network: 12 cells of 12 pixels cover 144 of 150.
    """
    height, width = shape
    rows, columns = masks.shape[1] // height, masks.shape[2] // width
    blocks = masks[:, : height * rows, : width * columns].reshape(len(masks), height, rows, width, columns)
    covered: npt.NDArray[np.float64] = blocks.mean(axis=(2, 4))
    return covered


def enlarge(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """A map `[h, w]`, enlarged bilinearly to the input `[150, 150]`; the last cells are continued to its edge."""
    height, width = values.shape
    padded = Image.fromarray(np.pad(values, ((0, 1), (0, 1)), mode="edge"))
    box = (0, 0, *(min(INPUT_SIDE / (INPUT_SIDE // cells), cells + 1) for cells in (width, height)))
    side = (INPUT_SIDE, INPUT_SIDE)
    return np.asarray(padded.resize(side, Image.Resampling.BILINEAR, box=box), np.float32)
