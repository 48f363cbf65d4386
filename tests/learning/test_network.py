"""The network, its training model and the served graph with its activation map."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from pneumonia.graph import Graph
from pneumonia.learning import recipe
from pneumonia.learning.export import GradCam, check_against_keras, serving_model, to_litert
from pneumonia.learning.network import HIDDEN, LAST_ACTIVATION, SCORE, build_network, training_model

FILMS = np.random.default_rng(3).integers(0, 256, (3, 150, 150)).astype(np.uint8)


@pytest.fixture(scope="module", params=["default", "seed"])
def network(request: pytest.FixtureRequest) -> keras.Model:
    keras.utils.set_random_seed(5)
    return build_network(recipe.get(request.param))


def three_channels(films: Any) -> Any:
    return np.repeat(films[..., None], 3, axis=-1).astype(np.float32)


def test_three_convolutions_and_a_dense_head_from_film_to_score(network: keras.Model) -> None:
    kinds = [type(layer).__name__ for layer in network.layers]
    assert kinds.count("Conv2D") == 3
    assert kinds.count("Dense") == 2
    assert network.input_shape == (None, 150, 150, 3)
    assert network.output_shape == (None, 1)
    assert network.get_layer(SCORE).activation.__name__ == "sigmoid"
    assert type(network).__name__ == "Functional"


def test_the_seed_recipe_is_the_seeds_table() -> None:
    seed = recipe.get("seed")
    assert (seed.optimizer, seed.learning_rate, seed.epochs, seed.batch) == ("adam", 1e-3, 25, 32)
    assert (seed.standardise, seed.weight_averaging, seed.label_smoothing) == (False, 0.0, 0.0)
    assert seed.augmentation.rotation_degrees > 0
    assert seed.augmentation.zoom_in > 0


def test_exposure_does_not_move_the_default_score() -> None:
    network = build_network(recipe.get("default"))
    film = FILMS[:1] // 2
    brighter = (film * 1.5 + 20).astype(np.float32)
    before, after = (np.asarray(network(three_channels(shown))) for shown in (film, brighter))
    np.testing.assert_allclose(before, after, atol=1e-3)


def test_the_training_model_changes_films_only_in_training() -> None:
    spec = recipe.get("default")
    network = build_network(spec)
    model = training_model(network, spec, seed=1)
    grey = FILMS[..., None]
    still = np.asarray(model(grey, training=False))
    np.testing.assert_allclose(still, np.asarray(network(three_channels(FILMS))), atol=1e-5)


def test_the_served_graph_equals_keras_on_films_and_noise(network: keras.Model) -> None:
    model = serving_model(network)
    assert check_against_keras(model, Graph(to_litert(model), 1), FILMS) <= 1e-4


def test_a_graph_that_differs_from_keras_is_refused(network: keras.Model) -> None:
    graph = Graph(to_litert(serving_model(network)), 1)
    other = keras.models.clone_model(network)
    other.set_weights([weight + 0.05 for weight in network.get_weights()])
    with pytest.raises(ValueError, match="differs from Keras"):
        check_against_keras(serving_model(other), graph, FILMS)


def test_the_activation_map_is_grad_cam_of_the_logit(network: keras.Model) -> None:
    """The matrix product in the graph against a gradient tape over the layers behind the last convolution."""
    names = [layer.name for layer in network.layers]
    behind = network.layers[names.index(LAST_ACTIVATION) + 1 : -1]
    seen = three_channels(FILMS[:1])
    activation = tf.Variable(keras.Model(network.input, network.get_layer(LAST_ACTIVATION).output)(seen))
    with tf.GradientTape() as tape:
        flow = activation
        for layer in behind:
            flow = layer(flow, training=False)
        logit = tf.matmul(flow, network.get_layer(SCORE).kernel)
    importance = tf.reduce_mean(tape.gradient(logit, activation), axis=(1, 2))
    expected = tf.nn.relu(tf.einsum("nhwk,nk->nhw", activation, importance)).numpy()[0]
    found = np.asarray(serving_model(network)(seen)["activation_map"])[0]
    np.testing.assert_allclose(found, expected, atol=1e-5 * max(1.0, float(expected.max())))


def test_the_map_layer_does_not_store_the_dense_kernel_again(network: keras.Model) -> None:
    layer = serving_model(network).get_layer("activation_map")
    assert isinstance(layer, GradCam)
    assert layer.mean_kernel.size * 10 < network.get_layer(HIDDEN).kernel.numpy().size
