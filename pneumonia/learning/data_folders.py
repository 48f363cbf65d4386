"""The data sets below the folders of `train.py --data`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import DatasetError, UsageError
from ..evaluation import adults, lung_masks
from ..evaluation.dataset import KERMANY, list_films
from ..evaluation.licences import is_non_commercial
from ..inference.populations import ADULTS
from .recipe import Recipe

LEARNING_SPLITS = ("train", "val")
"""Official splits of the children's films from which another population may learn: never the test."""

OTHER_IMAGES = "unknown"
"""Name of the folder with images of other kinds."""


@dataclass(frozen=True)
class DataFolders:
    """Folders of a training run; None for a data set that is missing or that the recipe does not need."""

    kermany: Path | None
    """Root of the children's films in Kaggle's layout."""
    adults: Path | None
    """Folder with the table of the adult films."""
    masks: Path | None
    """Folder of the lung masks."""
    notices: tuple[str, ...] = ()
    """For each data set that is missing, a sentence that says so and what is done without it."""
    other_images: Path | None = None
    """Folder with a folder of images for each kind that the gate has to refuse. Some have non-commercial terms, so only
    a model that has such terms anyway learns from them."""


def find_data_folders(roots: Sequence[Path], recipe: Recipe) -> DataFolders:
    """Find the data sets in `roots`, in their usual subfolders, and beside `roots`.

    Raises `DatasetError` if the films of children are needed and missing, and `UsageError` for those of adults. Without
    lung masks or films of the other population, the run trains on what there is.
    """
    kermany: Path | None
    adult_folder: Path | None
    if recipe.population == ADULTS.name:
        kermany, adult_folder = _kermany(roots, LEARNING_SPLITS), _required_adults(roots, recipe)
    else:
        kermany, adult_folder = _required_kermany(roots), _first(roots, adults.find_folder)
    masks = _first(roots, lung_masks.find_folder) if recipe.head == "lungs" else None
    notices = _notices(roots, recipe, kermany, adult_folder)
    other_images = _first(roots, _other_images) if is_non_commercial(recipe.training_sources) else None
    return DataFolders(kermany, adult_folder, masks, notices, other_images)


def _other_images(root: Path) -> Path | None:
    return root / OTHER_IMAGES if (root / OTHER_IMAGES).is_dir() else None


def _first(roots: Sequence[Path], find: Callable[[Path], Path | None]) -> Path | None:
    """The first folder that `find` returns for a root, or for the folder around it."""
    candidates = (candidate for root in roots for candidate in (root, root.resolve().parent))
    return next((folder for candidate in candidates if (folder := find(candidate)) is not None), None)


def _kermany(roots: Sequence[Path], splits: tuple[str, ...]) -> Path | None:
    for root in roots:
        with suppress(DatasetError):
            list_films(root, splits)
            return root
    return None


def _required_kermany(roots: Sequence[Path]) -> Path:
    root = _kermany(roots, (*LEARNING_SPLITS, "test"))
    if root is None:
        list_films(roots[0])  # raises the error that says what is missing
        raise AssertionError
    return root


def _required_adults(roots: Sequence[Path], recipe: Recipe) -> Path:
    folder = _first(roots, adults.find_folder)
    if folder is None:
        raise UsageError(
            f"The recipe {recipe.name} needs films of adults. Allowed: --data with a folder that contains "
            f"{adults.FOLDER}/{adults.TABLE}, or a recipe for children. Received: --data {_joined(roots)}."
        )
    adults.list_adults(folder)  # raises `DatasetError` if a class is missing
    return folder


def _notices(roots: Sequence[Path], recipe: Recipe, kermany: Path | None, adult_folder: Path | None) -> tuple[str, ...]:
    present = {KERMANY} if kermany else set()
    if adult_folder:
        with suppress(DatasetError):
            present |= {film.source for film in adults.list_adults(adult_folder, both_classes=False)}
    notices = []
    if recipe.population == ADULTS.name and kermany is None and KERMANY not in recipe.training_sources:
        notices.append(
            f"The films of children are missing in --data {_joined(roots)} (docs/data.md). The gate does not learn to "
            "refuse them."
        )
    return *notices, *(
        f"The films of the source {source} are missing in --data {_joined(roots)} (docs/data.md). "
        f"The training part has the films of the other sources only."
        for source in recipe.training_sources
        if source not in present
    )


def _joined(roots: Sequence[Path]) -> str:
    return " ".join(map(str, roots))
