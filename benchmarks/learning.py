"""Benchmark of training from files, including loading, compared with the method of the Keras guides."""

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
from pneumonia.learning.training_films import TrainingFilms

from . import films
from .batch_throughput import SIZE
from .measure import Row, at_least, interleaved

BATCH = 32


def rows(predictor: Predictor, folder: Path, repetitions: int, count: int, epochs: int) -> Iterator[Row]:
    """Yield the row of training: some epochs of the embedded recipe from files, with one network instead of three."""
    root = folder / "training"
    for class_folder in ("NORMAL", "PNEUMONIA"):
        films.write(predictor, root / "train" / class_folder, SIZE, count // 2, distinct=count // 2)
    recipe = replace(recipes.get(predictor.models[0].bundle.config["recipe"]), members=1, epochs=epochs, batch=BATCH)
    pair = interleaved(lambda: _train_product(recipe, root, folder), lambda: _train_keras(recipe, root), repetitions)
    rate = epochs * count / min(pair.product)
    note = f"{rate:.0f} films per second at best; the product applies more augmentations and also validates"
    label = f"training, {count} files of {SIZE[0]} x {SIZE[1]}, {epochs} epochs"
    reference = "`image_dataset_from_directory`, augmentation layers, `fit`, same network"
    yield at_least(label, reference, pair.speedups, 1.3, 2.5, note)


def _train_product(recipe: Recipe, root: Path, folder: Path) -> None:
    film_set = load_films(root, ("train",), quiet=True)
    training_data = TrainingFilms.without_masks(film_set.inputs, film_set.labels)
    validation_data = (film_set.inputs[:BATCH], film_set.labels[:BATCH])
    with contextlib.redirect_stdout(sys.stderr):  # one line per epoch
        train(recipe, training_data, validation_data, folder / "run", seed=1, quiet=True)
    shutil.rmtree(folder / "run")


def _train_keras(recipe: Recipe, root: Path) -> None:
    batches = keras.utils.image_dataset_from_directory(
        root / "train", image_size=(150, 150), batch_size=BATCH, label_mode="binary", verbose=False
    )
    settings = recipe.augmentation
    augmentation = keras.Sequential(
        [
            layers.RandomFlip("horizontal"),
            layers.RandomRotation(settings.rotation_degrees / 360),
            layers.RandomZoom((-settings.zoom_in, settings.zoom_out)),
            layers.RandomTranslation(settings.shift, settings.shift),
            layers.RandomContrast(0.3, value_range=(0, 255)),
            layers.RandomBrightness(settings.brightness, value_range=(0, 255)),
        ]
    )
    network = build_network(recipe)
    inputs = keras.Input((150, 150, 3))
    model = keras.Model(inputs, network(augmentation(inputs)))
    model.compile(keras.optimizers.AdamW(recipe.learning_rate), keras.losses.BinaryCrossentropy())
    model.fit(batches, epochs=recipe.epochs, verbose=0)
