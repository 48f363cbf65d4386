"""Lung masks of the children's films (V7 Labs, CC BY 4.0), paired with the films by `masks.csv`.

The heart belongs to the masks. The masks were drawn on copies with other names; `match_z` tells how clearly mask and
film belong together.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..imaging import INPUT_SIDE
from .dataset import FilmSet

TABLE = "masks.csv"
FOLDER = "lung_masks"

MIN_MATCH_Z = 0.1
"""Masks with a lower `match_z` are not used: one mask in twenty, about the share that is paired with a wrong film."""


@dataclass(frozen=True)
class LungMasks:
    """Masks in the order of a `FilmSet`.

    `masks`: uint8 `[N, 150, 150]`, stretched like the films, 255 inside the lungs; 0 everywhere for a film without a
    mask. `has_mask`: bool `[N]`.
    """

    masks: npt.NDArray[np.uint8]
    has_mask: npt.NDArray[np.bool_]

    def subset(self, indices: npt.NDArray[np.intp]) -> LungMasks:
        """The masks at these indices, in this order."""
        return LungMasks(self.masks[indices], self.has_mask[indices])


def find_folder(root: Path) -> Path | None:
    """The folder with `masks.csv`: `root` itself or `lung_masks` in it; None if there is none."""
    return next((folder for folder in (root, root / FOLDER) if (folder / TABLE).is_file()), None)


def load_masks(folder: Path | None, films: FilmSet) -> LungMasks:
    """Read the masks of the films; without a folder, no film has a mask."""
    masks = np.zeros(films.inputs.shape, np.uint8)
    has_mask = np.zeros(len(films.films), bool)
    paths = {} if folder is None else _mask_paths(folder)
    for index, film in enumerate(films.films):
        path = paths.get(film_key(film.path))
        if path is not None:
            with Image.open(path) as mask:
                masks[index] = np.asarray(mask.convert("L").resize((INPUT_SIDE, INPUT_SIDE), Image.Resampling.BILINEAR))
            has_mask[index] = True
    return LungMasks(masks, has_mask)


def _mask_paths(folder: Path) -> dict[tuple[str, ...], Path]:
    """Key of a film -> path of its mask."""
    with (folder / TABLE).open(encoding="utf-8", newline="") as table:
        rows = [row for row in csv.DictReader(table) if float(row["match_z"]) >= MIN_MATCH_Z]
    return {film_key(Path(row["film"])): folder / row["mask"] for row in rows}


def original_sizes(folder: Path) -> dict[tuple[str, ...], tuple[int, int]]:
    """Key of a film -> its original width and height, also for a film whose mask is not used."""
    with (folder / TABLE).open(encoding="utf-8", newline="") as table:
        return {
            film_key(Path(row["film"])): (int(row["original_width"]), int(row["original_height"]))
            for row in csv.DictReader(table)
        }


def film_key(film: Path) -> tuple[str, ...]:
    """Official split, class folder and name of a film."""
    return film.parts[-3:]
