"""The network: three convolutions and a dense head. Maps films `[N, 150, 150, 3]` in 0..255 to scores `[N, 1]` in 0..1.

An ensemble is one graph with several of these networks in parallel. Its score is the sigmoid of their mean logit (deep
ensemble, Lakshminarayanan et al. 2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from ..imaging import INPUT_SIDE
from .recipe import Recipe

LAST_ACTIVATION = "activation_3"
HIDDEN = "hidden"
LOGIT = "logit"
SCORE = "score"
"""Names of layers that other modules or saved models refer to."""


@keras.saving.register_keras_serializable("pneumonia")
class StandardisedGrey(layers.Layer):
    """Conversion to grey, average pooling, standardisation: `[N, H, W, 3]` -> `[N, H / pooling, W / pooling, 1]`.

    Each film gets mean 0 and standard deviation 1, so that its exposure and window have no effect. `pooling` removes
    the finest texture, which depends on how a film was saved and does not show consolidation.
    """

    def __init__(self, pooling: int = 1, **options: Any) -> None:
        super().__init__(**options)
        self.pooling = pooling

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "pooling": self.pooling}

    def call(self, films: Any) -> Any:
        grey = ops.mean(films, axis=-1, keepdims=True)
        if self.pooling > 1:
            grey = ops.average_pool(grey, self.pooling, self.pooling, "valid")
        centred = grey - ops.mean(grey, axis=(1, 2), keepdims=True)
        variance = ops.mean(ops.square(centred), axis=(1, 2), keepdims=True)
        # One grey level (of 255) squared is added, so that the noise of a blank film is not amplified.
        return centred / ops.sqrt(variance + 1.0)


def build_network(recipe: Recipe) -> keras.Model:
    """Build the recipe's network, untrained, as a Keras model with one output, the score.

    It is a Functional model, because Grad-CAM fails on a loaded `Sequential` model in Keras 3.
    """
    films = keras.Input((INPUT_SIDE, INPUT_SIDE, 3), name="film")
    if recipe.standardise:
        features = StandardisedGrey(recipe.pooling, name="standardised")(films)
    else:
        features = layers.Rescaling(1 / 255)(films)
    for number in (1, 2, 3):
        features = _block(features, recipe, number)
    features = layers.MaxPooling2D(recipe.head_pooling, name="pooling_3")(features)
    features = layers.Flatten(name="flat")(features)
    features = layers.Dropout(recipe.dropout_features, name="dropout_features")(features)
    features = layers.Dense(recipe.dense, activation="relu", name=HIDDEN)(features)
    features = layers.Dropout(recipe.dropout_dense, name="dropout_dense")(features)
    logit = layers.Dense(1, name=LOGIT)(features)
    return keras.Model(films, layers.Activation("sigmoid", name=SCORE)(logit), name=recipe.name)


def _block(features: Any, recipe: Recipe, number: int) -> Any:
    """Convolution, max pooling, batch normalisation, ReLU. The caller pools block 3, after its activation map.

    Normalisation and ReLU commute with max pooling if the scale is positive. After pooling they read and write a
    quarter of the memory, and memory access dominates a training step on a CPU.
    """
    convolution = recipe.convolutions[number - 1]
    features = layers.Conv2D(
        convolution.filters,
        convolution.kernel,
        convolution.stride,
        padding=recipe.padding,
        use_bias=not recipe.batch_normalisation,
        name=f"convolution_{number}",
    )(features)
    if number < 3:
        features = layers.MaxPooling2D(name=f"pooling_{number}")(features)
    if recipe.batch_normalisation:
        features = layers.BatchNormalization(momentum=0.9, name=f"normalisation_{number}")(features)
    return layers.ReLU(name=f"activation_{number}")(features)


def ensemble(members: Sequence[keras.Model]) -> keras.Model:
    """Join networks in one model, which maps `[N, 150, 150, 3]` to the sigmoid of their mean logit `[N, 1]`."""
    if len(members) == 1:
        return members[0]
    films = keras.Input((INPUT_SIDE, INPUT_SIDE, 3), name="film")
    logits = []
    for number, member in enumerate(members, start=1):
        headless = keras.Model(member.input, member.get_layer(LOGIT).output, name=f"member_{number}")
        logits.append(headless(films))
    logit = layers.Average(name=LOGIT)(logits)
    return keras.Model(films, layers.Activation("sigmoid", name=SCORE)(logit), name=members[0].name)


def members_of(network: keras.Model) -> list[keras.Model]:
    """The members of an ensemble; the network itself if it is not an ensemble."""
    inner = [layer for layer in network.layers if isinstance(layer, keras.Model)]
    return inner or [network]


def training_model(network: keras.Model) -> keras.Model:
    """The network with another input, `[N, 150, 150]`: one grey channel in 0..255, as augmentation returns it."""
    grey = keras.Input((INPUT_SIDE, INPUT_SIDE), name="grey")
    return keras.Model(grey, network(ops.stack([grey] * 3, axis=-1)))
