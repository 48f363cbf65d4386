"""Network, training model, and served graph with its Grad-CAM activation map."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from pneumonia.inference.graph import Graph, GraphOutput
from pneumonia.learning import recipe
from pneumonia.learning.export import check_against_keras, serving_model, to_litert
from pneumonia.learning.network import (
    LAST_ACTIVATION,
    LOGIT,
    SCORE,
    build_network,
    ensemble,
    members_of,
    training_model,
)

FILMS = np.random.default_rng(3).integers(0, 256, (3, 150, 150)).astype(np.uint8)


@pytest.fixture(
    scope="module",
    params=[
        ("seed", 1),
        pytest.param(("flat", 1), marks=pytest.mark.slow),
        pytest.param(("flat", 3), marks=pytest.mark.slow),
    ],
    ids=lambda case: "-".join(map(str, case)),
)
def network(request: pytest.FixtureRequest) -> keras.Model:
    """One network of a recipe, or several of them as an ensemble."""
    name, members = request.param
    keras.utils.set_random_seed(5)
    return ensemble([build_network(recipe.get(name)) for _ in range(members)])


@pytest.fixture(scope="module")
def served(network: keras.Model) -> tuple[keras.Model, bytes]:
    """The model that is exported, and the graph that it becomes."""
    model = serving_model(network)
    return model, to_litert(model)


def three_channels(films: Any) -> Any:
    return np.repeat(films[..., None], 3, axis=-1).astype(np.float32)


def test_three_convolutions_and_a_dense_head_from_film_to_score(network: keras.Model) -> None:
    for member in members_of(network):
        kinds = [type(layer).__name__ for layer in member.layers]
        assert kinds.count("Conv2D") == 3
        assert kinds.count("Dense") == 2
    assert network.input_shape == (None, 150, 150, 3)
    assert network.output_shape == (None, 1)
    assert network.get_layer(SCORE).activation.__name__ == "sigmoid"
    assert type(network).__name__ == "Functional"


def test_the_seed_recipe_has_the_original_parameters() -> None:
    seed = recipe.get("seed")
    assert (seed.optimizer, seed.learning_rate, seed.epochs, seed.batch) == ("adam", 1e-3, 25, 32)
    assert (seed.standardise, seed.weight_averaging, seed.label_smoothing) == (False, 0.0, 0.0)
    assert seed.augmentation.rotation_degrees > 0
    assert seed.augmentation.zoom_in > 0


def test_exposure_does_not_change_the_score_of_the_default_recipe() -> None:
    network = build_network(recipe.get("default"))
    film = FILMS[:1] // 2
    brighter = (film * 1.5 + 20).astype(np.float32)
    before, after = (np.asarray(network(three_channels(image))) for image in (film, brighter))
    np.testing.assert_allclose(before, after, atol=1e-3)


def test_the_training_model_is_the_network_for_grey_films() -> None:
    network = build_network(recipe.get("flat"))
    scores = np.asarray(training_model(network)(FILMS.astype(np.float32), training=False))
    np.testing.assert_allclose(scores, np.asarray(network(three_channels(FILMS))), atol=1e-5)


def test_the_served_graph_equals_keras_on_films_and_noise(served: tuple[keras.Model, bytes]) -> None:
    model, graph = served
    assert check_against_keras(model, Graph(graph, 1), FILMS) <= 1e-4


def test_a_graph_that_differs_from_keras_is_refused(network: keras.Model, served: tuple[keras.Model, bytes]) -> None:
    model, graph = served
    weights = network.get_weights()
    network.set_weights([weight + 0.05 for weight in weights])
    try:
        with pytest.raises(ValueError, match="differs from Keras"):
            check_against_keras(model, Graph(graph, 1), FILMS)
    finally:
        network.set_weights(weights)


@pytest.mark.parametrize(("map_error", "accepted"), [(5e-3, True), (5e-2, False)])
def test_a_map_may_differ_where_two_positions_share_a_maximum(map_error: float, accepted: bool) -> None:
    def model(film: Any) -> dict[str, Any]:
        return {"score": np.array([[0.5]]), "activation_map": np.ones((1, 2, 2))}

    graph: Any = SimpleNamespace(score=lambda film: GraphOutput(0.5, np.full((2, 2), 1 + map_error, np.float32), None))
    untyped: Any = model
    if accepted:
        assert check_against_keras(untyped, graph, FILMS) == 0
    else:
        with pytest.raises(ValueError, match="for the map"):
            check_against_keras(untyped, graph, FILMS)


def grad_cam(member: keras.Model, input_image: Any) -> Any:
    """Grad-CAM before its ReLU, by a gradient tape over the layers after the last convolution."""
    names = [layer.name for layer in member.layers]
    head = member.layers[names.index(LAST_ACTIVATION) + 1 : names.index(LOGIT) + 1]
    activation = tf.Variable(keras.Model(member.input, member.get_layer(LAST_ACTIVATION).output)(input_image))
    with tf.GradientTape() as tape:
        features = activation
        for layer in head:
            features = layer(features, training=False)
    importance = tf.reduce_mean(tape.gradient(features, activation), axis=(1, 2))
    return tf.einsum("nhwk,nk->nhw", activation, importance).numpy()[0]


def test_the_activation_map_is_grad_cam_of_the_logit(network: keras.Model, served: tuple[keras.Model, bytes]) -> None:
    """Compares the matrix products in the graph with gradients. An ensemble's logit is the mean over its members."""
    input_image = three_channels(FILMS[:1])
    expected = np.maximum(np.mean([grad_cam(member, input_image) for member in members_of(network)], axis=0), 0)
    activation_map = np.asarray(served[0](input_image)["activation_map"])[0]
    np.testing.assert_allclose(activation_map, expected, atol=1e-5 * max(1.0, float(expected.max())))


def test_the_score_of_an_ensemble_is_the_sigmoid_of_its_mean_logit(network: keras.Model) -> None:
    heads = [keras.Model(member.input, member.get_layer(LOGIT).output) for member in members_of(network)]
    mean = np.mean([np.asarray(head(three_channels(FILMS))) for head in heads], axis=0)
    np.testing.assert_allclose(np.asarray(network(three_channels(FILMS))), 1 / (1 + np.exp(-mean)), atol=1e-5)


def test_the_map_layer_does_not_store_the_dense_kernel_again(
    network: keras.Model, served: tuple[keras.Model, bytes]
) -> None:
    """The graph is hardly larger than the weights that the score depends on."""
    weights = 4 * sum(weight.numpy().size for weight in network.weights)
    assert len(served[1]) < 1.1 * weights + 50_000
