"""Baseline: prediction with a Keras network, written as in most notebooks and Spaces."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pneumonia.imaging import INPUT_SIDE
from pneumonia.inference.model import Model
from pneumonia.inference.predictor import Predictor, load_model
from pneumonia.learning import recipe as recipes
from pneumonia.learning.export import serving_model, to_litert
from pneumonia.learning.network import build_network, ensemble


def same_network(threads: int | None = None) -> tuple[keras.Model, Predictor]:
    """(Keras network, predictor of the same network): the embedded model's recipe with random weights.

    The embedded bundle contains no Keras model, and the run time of a network does not depend on its weights.
    The limits of the lung field do not apply to random weights.
    """
    bundle = load_model("").bundle
    recipe = recipes.get(bundle.config["recipe"])
    keras.utils.set_random_seed(1)
    network = ensemble([build_network(recipe) for _ in range(recipe.members)])
    graph = to_litert(serving_model(network))
    return network, Predictor([Model(replace(bundle, graph=graph, lung_edge_limits={}), threads)])


def score(network: keras.Model, path: Path) -> float:
    """Score one file: `load_img` in RGB at the network's input size, `img_to_array`, `model.predict`."""
    image = keras.utils.load_img(path, target_size=(INPUT_SIDE, INPUT_SIDE))
    return float(network.predict(keras.utils.img_to_array(image)[None], verbose=0)[0, 0])


def direct_calls(network: keras.Model, input_image: npt.NDArray[np.uint8]) -> dict[str, Callable[[], float]]:
    """Functions that score a `[150, 150, 3]` input image without the overhead of `model.predict`, by name.

    `model.predict` builds a data pipeline for each call. Its documentation recommends `model(x)` for small inputs
    (https://keras.io/api/models/model_training_apis/#predict-method). `tf.function` runs it as one compiled graph. The
    input is a float tensor that is created once.
    """
    batch = tf.constant(input_image[None], tf.float32)
    graph = tf.function(lambda images: network(images, training=False))
    return {
        "Keras `model(x)`, same network": lambda: float(network(batch, training=False)[0, 0]),
        "Keras `model(x)` in a `tf.function`, same network": lambda: float(graph(batch)[0, 0]),
    }


def multiply_adds(network: keras.Model) -> int:
    """Number of multiply-adds of the convolutions and dense layers for one film; other operations are negligible."""
    total = 0
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            total += multiply_adds(layer)
        elif isinstance(layer, keras.layers.Conv2D):
            _, height, width, _ = layer.output.shape
            total += height * width * math.prod(layer.kernel.shape)
        elif isinstance(layer, keras.layers.Dense):
            total += math.prod(layer.kernel.shape)
    return total
