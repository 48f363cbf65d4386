"""From the trained network to the served graph: score and Grad-CAM in one LiteRT file."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers, ops

from ..imaging import INPUT_SIDE
from ..inference.graph import Graph
from .network import HIDDEN, LAST_ACTIVATION, LOGIT, members_of

TOLERANCE = 1e-4
"""Largest difference between Keras and the served graph, in score and in the map relative to its maximum."""


@keras.saving.register_keras_serializable("pneumonia")
class GradCam(layers.Layer):
    """Grad-CAM of the logit for convolution -> pooling -> flatten -> dense -> ReLU -> dense, without a gradient tape.

    Behind the last convolution the gradient is a product of matrices, and Grad-CAM needs only its mean over places. Max
    pooling hands each place's gradient to one place below it, so the mean over the pooled map, scaled by the numbers of
    places, is the mean over the map before it. The big dense kernel enters by its spatial mean alone and is not stored
    twice. The ReLU that ends Grad-CAM comes later: the maps of an ensemble's members are averaged before it, as the
    gradient of their mean logit asks.
    """

    def __init__(self, mean_kernel: Any, output_kernel: Any, **options: Any) -> None:
        super().__init__(**options)
        self.mean_kernel = np.asarray(mean_kernel, np.float32)
        self.output_kernel = np.asarray(output_kernel, np.float32)

    def call(self, inputs: tuple[Any, Any]) -> Any:
        activation, hidden = inputs
        _, height, width, filters = activation.shape
        gradient = ops.where(hidden > 0, 1.0, 0.0) * self.output_kernel
        importance = ops.matmul(gradient, self.mean_kernel.T)
        flat = ops.reshape(activation, (-1, height * width, filters))
        weighted = ops.matmul(flat, ops.reshape(importance, (-1, filters, 1)))
        return ops.reshape(weighted, (-1, height, width))


def serving_model(network: keras.Model) -> keras.Model:
    """The network, or ensemble, with a second output: the activation map `[N, h, w]` of its last convolutions."""
    films = keras.Input(network.input_shape[1:], name="film")
    members = [_add_activation_map(member, number) for number, member in enumerate(members_of(network), start=1)]
    member_outputs = [member(films) for member in members]
    logit, activation_map = (ops.mean(ops.stack(parts), axis=0) for parts in zip(*member_outputs, strict=True))
    outputs = {"score": ops.sigmoid(logit), "activation_map": ops.relu(activation_map)}
    return keras.Model(films, outputs, name=network.name)


def _add_activation_map(member: keras.Model, number: int) -> keras.Model:
    """One network with its logit `[N, 1]` and its share of the map `[N, h, w]`."""
    activation = member.get_layer(LAST_ACTIVATION).output
    hidden_layer = member.get_layer(HIDDEN)
    kernel = np.asarray(hidden_layer.kernel)
    filters = activation.shape[-1]
    positions = activation.shape[1] * activation.shape[2]
    # Flatten lays places before filters: the sum over pooled places, per place of the map before pooling.
    mean_kernel = kernel.reshape(-1, filters, kernel.shape[1]).sum(axis=0) / positions
    output_kernel = np.asarray(member.get_layer(LOGIT).kernel)[:, 0]
    cam = GradCam(mean_kernel, output_kernel, name="activation_map")((activation, hidden_layer.output))
    return keras.Model(member.input, [member.get_layer(LOGIT).output, cam], name=f"member_{number}_with_map")


def to_litert(model: keras.Model) -> bytes:
    """The model as a LiteRT flatbuffer of builtin operations, float32."""
    import tensorflow as tf

    # `from_concrete_functions` can silently write a graph of unbound variables; this way is right.
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    with contextlib.redirect_stdout(io.StringIO()):  # it prints every variable of the model
        return bytes(converter.convert())


def check_against_keras(model: keras.Model, graph: Graph, films: npt.NDArray[np.uint8]) -> float:
    """The max_difference difference on `[N, 150, 150]` films and on noise; raises `ValueError` above the tolerance."""
    noise = np.random.default_rng(0).integers(0, 256, (4, INPUT_SIDE, INPUT_SIDE)).astype(np.uint8)
    max_difference = 0.0
    for film in [*films, *noise]:
        input_image = np.repeat(film[:, :, None], 3, axis=2)
        expected = {name: np.asarray(value)[0] for name, value in model(input_image[None].astype(np.float32)).items()}
        score, activation = graph.score(input_image)
        scale = max(float(expected["activation_map"].max()), 1e-3)
        map_difference = np.abs(activation - expected["activation_map"]).max() / scale
        max_difference = max(max_difference, abs(score - float(expected["score"][0])), float(map_difference))
    if not max_difference <= TOLERANCE:
        raise ValueError(f"the served graph differs from Keras by {max_difference:.2e}, more than {TOLERANCE:.0e}")
    return max_difference
