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
from .lung_head import LUNG_FIELD, has_lung_head, pool_lungs
from .recipe import Recipe
from .style_mixing import StyleMixing

LAST_ACTIVATION = "activation_3"
HIDDEN = "hidden"
LOGIT = "logit"
SCORE = "score"
"""Names of layers that other modules or saved models refer to."""


@keras.saving.register_keras_serializable("pneumonia")
class StandardisedGrey(layers.Layer):
    """Conversion to grey, average pooling, standardisation: `[N, H, W, 3]` -> `[N, H / pooling, W / pooling, 1]`.

    Each film gets mean 0 and standard deviation 1 in its central part, so that its exposure and window have no effect.
    `pooling` removes the finest texture, which depends on how a film was saved and does not show consolidation.
    `central_share` is the side of the central part as a share of the film's side: a frame or a bright border outside it
    does not change the scale. `deviation_floor`, in grey levels of 255, is added to the standard deviation in
    quadrature, so that the noise of a nearly uniform film is not amplified.
    """

    def __init__(
        self, pooling: int = 1, central_share: float = 1.0, deviation_floor: float = 1.0, **options: Any
    ) -> None:
        super().__init__(**options)
        self.pooling, self.central_share, self.deviation_floor = pooling, central_share, deviation_floor

    def get_config(self) -> dict[str, Any]:
        options = {
            "pooling": self.pooling,
            "central_share": self.central_share,
            "deviation_floor": self.deviation_floor,
        }
        return {**super().get_config(), **options}

    def call(self, films: Any) -> Any:
        grey = ops.mean(films, axis=-1, keepdims=True)
        if self.pooling > 1:
            grey = ops.average_pool(grey, self.pooling, self.pooling, "valid")
        centre = self._central_part(grey)
        mean = ops.mean(centre, axis=(1, 2), keepdims=True)
        variance = ops.mean(ops.square(centre - mean), axis=(1, 2), keepdims=True)
        return (grey - mean) / ops.sqrt(variance + self.deviation_floor**2)

    def _central_part(self, grey: Any) -> Any:
        height, width = grey.shape[1:3]
        top, left = (round(side * (1 - self.central_share) / 2) for side in (height, width))
        return grey[:, top : height - top, left : width - left, :]


def build_network(recipe: Recipe) -> keras.Model:
    """Build the recipe's network, untrained, as a Keras model with one output, the score.

    It is a Functional model, because Grad-CAM fails on a loaded `Sequential` model in Keras 3.
    """
    films = keras.Input((INPUT_SIDE, INPUT_SIDE, 3), name="film")
    if recipe.standardise:
        features = StandardisedGrey(recipe.pooling, recipe.central_share, recipe.deviation_floor, name="standardised")(
            films
        )
    else:
        features = layers.Rescaling(1 / 255)(films)
    for number in (1, 2, 3):
        features = _block(features, recipe, number)
        if number == 1 and recipe.style_mixing:
            features = StyleMixing(recipe.style_mixing, name="style_mixing")(features)
    features = pool_lungs(features, recipe.lung_dilation) if recipe.head == "lungs" else _flatten(features, recipe)
    features = layers.Dropout(recipe.dropout_features, name="dropout_features")(features)
    features = layers.Dense(recipe.dense, activation="relu", name=HIDDEN)(features)
    features = layers.Dropout(recipe.dropout_dense, name="dropout_dense")(features)
    logit = layers.Dense(1, name=LOGIT)(features)
    return keras.Model(films, layers.Activation("sigmoid", name=SCORE)(logit), name=recipe.name)


def _flatten(features: Any, recipe: Recipe) -> Any:
    features = layers.MaxPooling2D(recipe.head_pooling, name="pooling_3")(features)
    return layers.Flatten(name="flat")(features)


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
    """The network with another input, `[N, 150, 150]`: one grey channel in 0..255, as augmentation returns it.

    A network with a lung head has two outputs: the score `[N, 1]`, and its lung field `[N, h * w]`, one row per film.
    """
    grey = keras.Input((INPUT_SIDE, INPUT_SIDE), name="grey")
    films = ops.stack([grey] * 3, axis=-1)
    if not has_lung_head(network):
        return keras.Model(grey, network(films))
    outputs = keras.Model(network.input, [network.output, network.get_layer(LUNG_FIELD).output])
    score, field = outputs(films)
    return keras.Model(grey, [score, layers.Flatten(name="lung_field_row")(field)])
