"""The network: three convolutions and a dense head, from `[N, 150, 150, 3]` in 0..255 to a score in 0..1."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from ..imaging import INPUT_SIDE
from .augmentation import RandomFilm
from .recipe import Recipe

LAST_ACTIVATION = "activation_3"
HIDDEN = "hidden"
SCORE = "score"


@keras.saving.register_keras_serializable("pneumonia")
class StandardisedGrey(layers.Layer):
    """`[N, H, W, 3]` -> `[N, H, W, 1]` with mean 0 and deviation 1 a film, so that exposure and window fall out."""

    def call(self, films: Any) -> Any:
        grey = ops.mean(films, axis=-1, keepdims=True)
        centred = grey - ops.mean(grey, axis=(1, 2), keepdims=True)
        variance = ops.mean(ops.square(centred), axis=(1, 2), keepdims=True)
        # One grey level of 255 under the root: an empty film must not be blown up to noise.
        return centred / ops.sqrt(variance + 1.0)


def build_network(recipe: Recipe) -> keras.Model:
    """A Functional model (Grad-CAM on a loaded `Sequential` fails in Keras 3) with one output, the score."""
    films = keras.Input((INPUT_SIDE, INPUT_SIDE, 3), name="film")
    flow = StandardisedGrey(name="standardised")(films) if recipe.standardise else layers.Rescaling(1 / 255)(films)
    for number, convolution in enumerate(recipe.convolutions, start=1):
        flow = layers.Conv2D(
            convolution.filters,
            convolution.kernel,
            convolution.stride,
            padding=recipe.padding,
            use_bias=not recipe.batch_normalisation,
            name=f"convolution_{number}",
        )(flow)
        if recipe.batch_normalisation:
            flow = layers.BatchNormalization(momentum=0.9, name=f"normalisation_{number}")(flow)
        flow = layers.ReLU(name=f"activation_{number}")(flow)
        flow = layers.MaxPooling2D(name=f"pooling_{number}")(flow)
    flow = layers.Flatten(name="flat")(flow)
    flow = layers.Dropout(recipe.dropout_features, name="dropout_features")(flow)
    flow = layers.Dense(recipe.dense, activation="relu", name=HIDDEN)(flow)
    flow = layers.Dropout(recipe.dropout_dense, name="dropout_dense")(flow)
    score = layers.Dense(1, activation="sigmoid", name=SCORE)(flow)
    return keras.Model(films, score, name=recipe.name)


def training_model(network: keras.Model, recipe: Recipe, seed: int) -> keras.Model:
    """The network behind its augmentation: `[N, 150, 150, 1]` uint8 -> score."""
    grey = keras.Input((INPUT_SIDE, INPUT_SIDE, 1), dtype="uint8", name="grey")
    changed = RandomFilm(recipe.augmentation, seed=seed, name="random_film")(grey)
    return keras.Model(grey, network(layers.Concatenate(name="three_channels")([changed] * 3)))
