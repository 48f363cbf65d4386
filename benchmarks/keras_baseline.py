"""The usual way to ask a Keras network about a film: what most notebooks and Spaces do."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import keras

from pneumonia import load_predictor
from pneumonia.imaging import INPUT_SIDE
from pneumonia.inference.predictor import Predictor
from pneumonia.learning import recipe as recipes
from pneumonia.learning.export import serving_model, to_litert
from pneumonia.learning.network import build_network, ensemble


def same_network(threads: int | None = None) -> tuple[keras.Model, Predictor]:
    """(a Keras network, a predictor that serves it): the embedded model's recipe with fresh weights.

    The embedded bundle holds no Keras model, and weights do not change how long a network takes.
    """
    bundle = load_predictor("").bundle
    recipe = recipes.get(bundle.config["recipe"])
    keras.utils.set_random_seed(1)
    network = ensemble([build_network(recipe) for _ in range(recipe.members)])
    graph = to_litert(serving_model(network))
    return network, Predictor(replace(bundle, graph=graph), threads)


def score(network: keras.Model, path: Path) -> float:
    """The score of one file: the film in colour at the network's size, as an array, through `model.predict`."""
    picture = keras.utils.load_img(path, target_size=(INPUT_SIDE, INPUT_SIDE))
    return float(network.predict(keras.utils.img_to_array(picture)[None], verbose=0)[0, 0])


def multiply_adds(network: keras.Model) -> int:
    """Of the convolutions and dense layers for one film; everything else is small beside them."""
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
