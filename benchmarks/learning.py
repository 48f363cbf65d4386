"""Training on files, loading included, against what the Keras guides teach."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import keras
from keras import layers

from pneumonia.evaluation.dataset import load_films
from pneumonia.inference.predictor import Predictor
from pneumonia.learning import recipe as recipes
from pneumonia.learning.network import build_network
from pneumonia.learning.recipe import Recipe
from pneumonia.learning.training import train

from . import films
from .many import SIZE
from .measure import Row, at_least, interleaved

EPOCHS = 3
BATCH = 32


def rows(predictor: Predictor, folder: Path, repetitions: int, count: int) -> Iterator[Row]:
    """Films a second over three epochs of the embedded model's network, from the files on; one network, not three."""
    root = folder / "training"
    for part in ("NORMAL", "PNEUMONIA"):
        films.write(predictor, root / "train" / part, SIZE, count // 2, distinct=count // 2)
    recipe = replace(recipes.get(predictor.bundle.config["recipe"]), members=1, epochs=EPOCHS, batch=BATCH)
    pair = interleaved(lambda: _ours(recipe, root, folder), lambda: _usual(recipe, root), repetitions)
    note = (
        f"{EPOCHS * count / min(pair.ours):.0f} films a second at best; ours changes films in more ways, and validates"
    )
    theirs = "`image_dataset_from_directory`, augmentation layers, `fit`, same network"
    yield at_least(f"training, {count} files of {SIZE[0]} x {SIZE[1]}, {EPOCHS} epochs", theirs, pair.faster, 1.3, 2.5,
                   note)  # fmt: skip


def _ours(recipe: Recipe, root: Path, folder: Path) -> None:
    read = load_films(root, ("train",), quiet=True)
    taken = (read.inputs, read.labels)
    few = (read.inputs[:BATCH], read.labels[:BATCH])
    with contextlib.redirect_stdout(sys.stderr):  # a line an epoch
        train(recipe, taken, few, folder / "run", seed=1, quiet=True)
    shutil.rmtree(folder / "run")


def _usual(recipe: Recipe, root: Path) -> None:
    found = keras.utils.image_dataset_from_directory(
        root / "train", image_size=(150, 150), batch_size=BATCH, label_mode="binary", verbose=False
    )
    spec = recipe.augmentation
    changes = keras.Sequential(
        [
            layers.RandomFlip("horizontal"),
            layers.RandomRotation(spec.rotation_degrees / 360),
            layers.RandomZoom((-spec.zoom_in, spec.zoom_out)),
            layers.RandomTranslation(spec.shift, spec.shift),
            layers.RandomContrast(0.3, value_range=(0, 255)),
            layers.RandomBrightness(spec.brightness, value_range=(0, 255)),
        ]
    )
    network = build_network(recipe)
    shown = keras.Input((150, 150, 3))
    model = keras.Model(shown, network(changes(shown)))
    model.compile(keras.optimizers.AdamW(recipe.learning_rate), keras.losses.BinaryCrossentropy())
    model.fit(found, epochs=EPOCHS, verbose=0)
