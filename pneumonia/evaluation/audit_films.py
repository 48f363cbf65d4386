"""Films of the audits, with their lung masks, and the outputs of a network for them.

Audits use validation films: the training part would show what was learnt by heart, and the official test is for the
final figures only. The films are those on which calibration and operating points were chosen, so the share of correct
answers is slightly optimistic on them; what an audit measures is a difference, or where the evidence lies.
"""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from ..errors import DatasetError
from ..inference.model import Model
from ..inference.populations import ADULTS, Population
from . import adults, lung_masks, metrics
from .dataset import FilmSet, load_films
from .lung_masks import LungMasks
from .metrics import Floats, Labels
from .protocols import ADULTS as ADULTS_PROTOCOL
from .protocols import splits

Films = npt.NDArray[np.uint8]
"""Model inputs `[N, 150, 150]`, one channel."""

Masks = npt.NDArray[np.bool_]
"""Regions of films `[N, 150, 150]`."""

PARTS = ("validation", "test")
"""Parts of the protocols `official` (children) and `adults` that can be audited."""


@dataclass(frozen=True)
class AuditFilms:
    """The films of one audit, in the order of all arrays. `part` is an entry of `PARTS`."""

    films: FilmSet
    masks: LungMasks
    part: str = PARTS[0]

    @property
    def inputs(self) -> Films:
        return self.films.inputs

    @property
    def labels(self) -> Labels:
        return self.films.labels

    @cached_property
    def weights(self) -> Floats:
        """Bootstrap weights `[R, N]` over the patients."""
        return metrics.bootstrap_weights(self.films.strict_keys)

    def subset(self, indices: npt.NDArray[np.intp]) -> AuditFilms:
        """The films at these indices, in this order."""
        return AuditFilms(self.films.subset(indices), self.masks.subset(indices), self.part)

    @property
    def with_masks(self) -> AuditFilms:
        """The films that have a drawn lung mask."""
        return self.subset(np.flatnonzero(self.masks.has_mask))

    def describe(self) -> dict[str, Any]:
        """Part, counts and fingerprint of the films, for `evaluation.json`."""
        normal = int((self.labels == 0).sum())
        return {
            "part": self.part,
            "total": len(self.labels),
            "normal": normal,
            "pneumonia": len(self.labels) - normal,
            "with_masks": int(self.masks.has_mask.sum()),
            "patients": len(set(self.films.strict_keys.tolist())),
            "fingerprint": self.films.fingerprint,
        }


@dataclass(frozen=True)
class NetworkOutputs:
    """Outputs of a network for `N` films, without the gate.

    `probability` `[N]`: calibrated P(pneumonia). `activation` `[N, h, w]`: non-negative evidence. `lung_field`
    `[N, h, w]` in 0..1; None if the graph predicts none.
    """

    probability: Floats
    activation: npt.NDArray[np.float32]
    lung_field: npt.NDArray[np.float32] | None


def load_audit_films(data: Path, population: Population, part: str = PARTS[0], *, quiet: bool = False) -> AuditFilms:
    """The films of a population's validation or test part below `data`, with the lung masks that exist.

    Children: protocol `official`. Adults: protocol `adults`, which has no masks. All films are read, as training does,
    because the split depends on which of them are copies of each other. Raises `DatasetError`.
    """
    if population == ADULTS:
        folder = adults.find_folder(data)
        if folder is None:
            raise DatasetError(f"No adult films. Expected: {adults.FOLDER}/{adults.TABLE}. Received: {data}.")
        films, protocol = adults.load_adults(folder, quiet=quiet), ADULTS_PROTOCOL
    else:
        films, protocol = load_films(data, quiet=quiet), "official"
    split = splits(films, protocol)[0]
    chosen = films.subset(split.validation if part == PARTS[0] else split.test)
    masks = lung_masks.load_masks(None if population == ADULTS else lung_masks.find_folder(data), chosen)
    return AuditFilms(chosen, masks, part)


def run_network(model: Model, inputs: Films, *, title: str = "scoring", quiet: bool = False) -> NetworkOutputs:
    """Run the network on films `[N, 150, 150]`, on all threads of the model; `title` labels the progress bar."""
    with ThreadPoolExecutor(model.threads) as pool:
        scores = pool.map(model.score, (np.repeat(film[:, :, None], 3, axis=2) for film in inputs))
        rows = list(tqdm(scores, title, len(inputs), unit="film", disable=quiet or None))
    fields = [row.lung_field for row in rows if row.lung_field is not None]
    return NetworkOutputs(
        np.array([row.probability for row in rows]),
        np.stack([row.activation for row in rows]),
        np.stack(fields) if len(fields) == len(rows) else None,
    )


def without_masks(films: FilmSet) -> AuditFilms:
    """Films of which no drawn mask is used, for example test films."""
    return AuditFilms(films, lung_masks.load_masks(None, films))


def with_inputs(films: FilmSet, inputs: Films) -> FilmSet:
    """The same films with other model inputs `[N, 150, 150]`."""
    return dataclasses.replace(films, inputs=inputs)
