"""Conversion of the trained network to the served graph: a LiteRT file that computes the score and a map."""

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
from .lung_head import LUNG_FIELD, LUNG_MASK, LungEvidence, has_lung_head
from .network import HIDDEN, LAST_ACTIVATION, LOGIT, members_of

TOLERANCE = 1e-4
"""Maximum difference between the scores of Keras and of the served graph."""

MAP_TOLERANCE = 1e-2
"""Maximum difference between their maps, relative to the maximum of the map, at `COMPARED_POSITIONS`."""

COMPARED_POSITIONS = 0.95
"""Share of the positions of a map, those that differ least. The evidence of a feature's maximum belongs to one
position: where two positions differ by a rounding error, which depends on the processor, either may have it."""


@keras.saving.register_keras_serializable("pneumonia")
class GradCam(layers.Layer):
    """Grad-CAM (Selvaraju et al. 2017) of the logit before the final ReLU, computed without a gradient tape.

    The head is max pooling -> flatten -> dense -> ReLU -> dense. The gradient of its logit with respect to the last
    activation map is a product of matrices, and Grad-CAM needs only the mean of this gradient over all positions. Max
    pooling passes the gradient of each pooled position to exactly one position of the map, so the sums of the gradient
    before and after pooling are equal. Only the sum of the large dense kernel over its positions is therefore needed,
    and the graph does not store the kernel twice.

    Inputs: the activation map `[N, h, w, k]` and the output of the hidden dense layer `[N, d]`. Output: `[N, h, w]`.
    The ReLU of Grad-CAM is applied later. The maps of an ensemble's members are averaged first, because the result is
    then the Grad-CAM of their mean logit.
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
    """The network or ensemble with two outputs: `score` `[N, 1]` and a non-negative `activation_map` `[N, h, w]`.

    With lung heads, the map is the evidence that was added up (`LungEvidence`), and there is a third output,
    `lung_field` `[N, h, w, 1]`. Otherwise the map is Grad-CAM.
    """
    films = keras.Input(network.input_shape[1:], name="film")
    add_map = _add_lung_evidence if has_lung_head(members_of(network)[0]) else _add_activation_map
    member_outputs = [add_map(member, number)(films) for number, member in enumerate(members_of(network), start=1)]
    means = [ops.mean(ops.stack(outputs), axis=0) for outputs in zip(*member_outputs, strict=True)]
    named_outputs = {"score": ops.sigmoid(means[0]), "activation_map": ops.relu(means[1])}
    if len(means) == 3:
        named_outputs[LUNG_FIELD] = means[2]
    return keras.Model(films, named_outputs, name=network.name)


def _add_lung_evidence(member: keras.Model, number: int) -> keras.Model:
    """One network with its logit `[N, 1]`, evidence before the ReLU `[N, h, w]` and lung field `[N, h, w, 1]`."""
    hidden_layer = member.get_layer(HIDDEN)
    evidence = LungEvidence(
        np.asarray(hidden_layer.kernel), np.asarray(member.get_layer(LOGIT).kernel)[:, 0], name="evidence"
    )
    layers_read = (member.get_layer(name).output for name in (LAST_ACTIVATION, LUNG_MASK, HIDDEN))
    outputs = [member.get_layer(LOGIT).output, evidence(tuple(layers_read)), member.get_layer(LUNG_FIELD).output]
    return keras.Model(member.input, outputs, name=f"member_{number}_with_evidence")


def _add_activation_map(member: keras.Model, number: int) -> keras.Model:
    """One network with its logit `[N, 1]` and its Grad-CAM before the ReLU `[N, h, w]` as outputs."""
    activation = member.get_layer(LAST_ACTIVATION).output
    hidden_layer = member.get_layer(HIDDEN)
    kernel = np.asarray(hidden_layer.kernel)
    filters = activation.shape[-1]
    positions = activation.shape[1] * activation.shape[2]
    # Flatten orders positions before filters. The sum over the pooled positions is divided by the map's positions.
    mean_kernel = kernel.reshape(-1, filters, kernel.shape[1]).sum(axis=0) / positions
    output_kernel = np.asarray(member.get_layer(LOGIT).kernel)[:, 0]
    cam = GradCam(mean_kernel, output_kernel, name="activation_map")((activation, hidden_layer.output))
    return keras.Model(member.input, [member.get_layer(LOGIT).output, cam], name=f"member_{number}_with_map")


def to_litert(model: keras.Model) -> bytes:
    """Convert the model to a LiteRT flatbuffer with built-in operations and float32 weights."""
    import tensorflow as tf

    # `from_concrete_functions` can silently write a graph whose variables are not bound.
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    with contextlib.redirect_stdout(io.StringIO()):  # the converter prints every variable of the model
        return bytes(converter.convert())


def check_against_keras(model: keras.Model, graph: Graph, films: npt.NDArray[np.uint8]) -> float:
    """Largest difference between the scores of graph and Keras on `[N, 150, 150]` films and on noise images.

    Raises `ValueError` if it exceeds `TOLERANCE`, or that of the maps `MAP_TOLERANCE`.
    """
    noise = np.random.default_rng(0).integers(0, 256, (4, INPUT_SIDE, INPUT_SIDE)).astype(np.uint8)
    differences = np.array([_differences(model, graph, film) for film in [*films, *noise]])
    largest = differences.max(axis=0)
    if not (largest <= (TOLERANCE, MAP_TOLERANCE)).all():
        raise ValueError(
            f"The served graph differs from Keras. Allowed: {TOLERANCE:.0e} for the score, {MAP_TOLERANCE:.0e} for the "
            f"map. Received: {largest[0]:.2e} and {largest[1]:.2e}."
        )
    return float(largest[0])


def _differences(model: keras.Model, graph: Graph, film: npt.NDArray[np.uint8]) -> tuple[float, float]:
    """Differences of the scores, and of the maps relative to their maximum, for a `[150, 150]` film."""
    input_image = np.repeat(film[:, :, None], 3, axis=2)
    expected = {name: np.asarray(value)[0] for name, value in model(input_image[None].astype(np.float32)).items()}
    output = graph.score(input_image)
    scale = max(float(expected["activation_map"].max()), 1e-3)
    of_map = np.quantile(np.abs(output.activation - expected["activation_map"]), COMPARED_POSITIONS) / scale
    return abs(output.score - float(expected["score"][0])), float(of_map)
