"""What a gate has to tell from the films of its population: films of the other population and other kinds of images."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .. import imaging
from ..errors import FilmError
from ..evaluation.dataset import FilmSet
from ..inference.gate_views import Films
from .gate_classifier_fit import Others
from .gate_kinds import IMAGES_OF_KIND, make_kinds

MIN_FILMS_PER_MADE_IMAGE = 20
"""Training films for each image that is made of a kind: few films need few images."""


def gate_others(train: FilmSet, other: FilmSet | None, images: Path | None = None) -> Others:
    """The negatives of the gate's classifier: films of the other population, and images of other kinds that are made.

    `train` are the training films of the gate's population, from which some images are made, `other` those of the other
    population; None if there are none, then the gate accepts chest films of any population that its PCA accepts.
    `images` is a folder with a folder of images for each further kind.
    """
    count = min(IMAGES_OF_KIND, len(train.films) // MIN_FILMS_PER_MADE_IMAGE + 1)
    population = {}
    if other is not None:
        population = {source: other.inputs[other.sources == source] for source in other.counts_by_source()}
    return Others(population, make_kinds(train.inputs, count) | read_kinds(images))


def read_kinds(folder: Path | None) -> dict[str, Films]:
    """Input images `[N, 150, 150]` of all readable files, by the name of the folder in `folder` that contains them."""
    folders = sorted(each for each in folder.iterdir() if each.is_dir()) if folder else []
    kinds = {each.name: read_images(each) for each in folders}
    return {name: images for name, images in kinds.items() if len(images)}


def read_images(folder: Path) -> Films:
    """Input images `[N, 150, 150]` of all readable files below a folder."""
    images = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            images.append(imaging.to_input(imaging.read(path))[:, :, 0])
        except FilmError:
            continue
    return np.stack(images) if images else np.zeros((0, imaging.INPUT_SIDE, imaging.INPUT_SIDE), np.uint8)
