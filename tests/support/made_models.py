"""Models with an exactly known rule, and films for which every figure of an audit can be computed by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pneumonia.evaluation.audit_films import AuditFilms
from pneumonia.evaluation.dataset import FilmSet, LabelledFilm
from pneumonia.evaluation.lung_masks import LungMasks
from pneumonia.inference.bundle import Bundle
from pneumonia.inference.decision import OperatingPoint
from pneumonia.inference.model import Model, Score

Grey = npt.NDArray[np.uint8]
CELLS = 12
"""Cells of a map at each side; a cell is 12 pixels wide."""


class MadeModel(Model):
    """P(pneumonia) is `rule(film)` of the film `[150, 150]`, the map and the lung field are constant."""

    def __init__(
        self,
        bundle: Bundle,
        rule: Callable[[Grey], float],
        activation: npt.NDArray[np.float32],
        lung_field: npt.NDArray[np.float32] | None = None,
    ) -> None:
        self.bundle, self.threads = bundle, 1
        self._rule, self._activation, self._lung_field = rule, activation, lung_field

    @property
    def operating_points(self) -> dict[str, OperatingPoint]:
        return {"balanced": OperatingPoint(0.4, 0.5, 0.6)}

    def score(self, input_image: npt.NDArray[np.uint8]) -> Score:
        return Score(self._rule(input_image[:, :, 0]), self._activation, self._lung_field)


def lungs() -> npt.NDArray[np.bool_]:
    """Two lungs whose edges are edges of cells: rows 24 to 96, columns 24 to 48 and 96 to 120."""
    mask = np.zeros((150, 150), bool)
    mask[24:96, 24:48] = mask[24:96, 96:120] = True
    return mask


def border() -> npt.NDArray[np.bool_]:
    """The outermost 10 pixels."""
    mask = np.ones((150, 150), bool)
    mask[10:-10, 10:-10] = False
    return mask


def cells(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """A map `[12, 12]`: 1 in the cells whose centre lies in the mask."""
    centres = np.arange(CELLS) * 12 + 6
    return np.asarray(mask[np.ix_(centres, centres)], np.float32)


def reader_of(bundle: Bundle, mask: npt.NDArray[np.bool_], *, with_field: bool = False) -> MadeModel:
    """A model whose score is the mean brightness of one region and nothing else, and whose map is that region."""
    field = cells(lungs()) if with_field else None
    return MadeModel(bundle, lambda film: float(film[mask].mean()) / 255, cells(mask), field)


def made_films(count: int = 8, *, with_masks: bool = True) -> AuditFilms:
    """Films, half of them with pneumonia: those have brighter lungs and a brighter border, everything else is equal."""
    labels = np.arange(count) % 2
    inputs = np.full((count, 150, 150), 90, np.uint8)
    for film, label in zip(inputs, labels, strict=True):
        film[lungs() | border()] = 200 if label else 50
    names = ("NORMAL/IM-{:04}-0001.png", "PNEUMONIA/person{}_virus_1.png")
    films = tuple(
        LabelledFilm(Path("train") / names[label].format(index), "train", int(label))
        for index, label in enumerate(labels)
    )
    drawn = np.repeat(lungs()[None], count, axis=0).astype(np.uint8) * 255 * with_masks
    digests = tuple(str(index) for index in range(count))
    return AuditFilms(FilmSet(films, inputs, digests, ()), LungMasks(drawn, np.full(count, with_masks)))
