"""The network: three convolutions and a dense head, from `[N, 150, 150, 3]` in 0..255 to a score in 0..1.

An ensemble is several of these networks side by side in one graph, with one film in and the mean of their logits out.
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


@keras.saving.register_keras_serializable("pneumonia")
class StandardisedGrey(layers.Layer):
    """`[N, H, W, 3]` -> `[N, H / pooling, W / pooling, 1]` with mean 0 and deviation 1 a film.

    So exposure and window fall out, and with `pooling` the finest texture, in which the way a film was saved can be
    read and a consolidation cannot.
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
        # One grey level of 255 under the root: an empty film must not be blown up to noise.
        return centred / ops.sqrt(variance + 1.0)


def build_network(recipe: Recipe) -> keras.Model:
    """A Functional model (Grad-CAM on a loaded `Sequential` fails in Keras 3) with one output, the score."""
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
    """Convolution, pooling, normalisation, ReLU; the last block is pooled outside, behind its activation map.

    Normalisation and ReLU commute with the maximum where the scale is positive; behind it they touch a quarter of the
    memory, which is what a training step on a processor mostly waits for.
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
    """One model of several networks: `[N, 150, 150, 3]` -> the sigmoid of the mean of their logits, `[N, 1]`."""
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
    """The networks that answer together in `network`; itself alone where it is no ensemble."""
    inner = [layer for layer in network.layers if isinstance(layer, keras.Model)]
    return inner or [network]


def training_model(network: keras.Model) -> keras.Model:
    """The network for `[N, 150, 150]` grey films in 0..255, as augmentation gives them."""
    grey = keras.Input((INPUT_SIDE, INPUT_SIDE), name="grey")
    return keras.Model(grey, network(ops.stack([grey] * 3, axis=-1)))
