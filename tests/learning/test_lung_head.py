"""The lung head: only features inside the lung field are scored, and the evidence adds up to the logit."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from pneumonia.inference.graph import Graph
from pneumonia.learning import recipe, training
from pneumonia.learning.export import check_against_keras, serving_model, to_litert
from pneumonia.learning.lung_head import LUNG_FIELD, LUNG_STATISTICS, LungEvidence, LungMask, LungStatistics
from pneumonia.learning.network import HIDDEN, LOGIT, build_network, ensemble
from pneumonia.learning.recipe import Convolution, Recipe
from pneumonia.learning.style_mixing import StyleMixing
from pneumonia.learning.training_films import TrainingFilms

RANDOM = np.random.default_rng(4)
FEATURES = np.maximum(RANDOM.normal(0.5, 1, (3, 12, 12, 5)), 0).astype(np.float32)
FIELD = np.zeros((3, 12, 12, 1), np.float32)
FIELD[:, 3:8, 2:5] = FIELD[:, 3:8, 7:10] = 1


@pytest.fixture(scope="module")
def small() -> Recipe:
    """The recipe `lungs` with few filters."""
    convolutions = (Convolution(4, 5), Convolution(6, 3), Convolution(8, 3))
    return dataclasses.replace(recipe.get("lungs"), convolutions=convolutions, dense=8, epochs=2, batch=8)


def statistics(features: Any, field: Any) -> Any:
    return np.asarray(LungStatistics()((features, LungMask()(field))))


def test_the_statistics_are_those_of_the_positions_inside_the_dilated_field() -> None:
    dilated = np.zeros((12, 12), bool)
    dilated[2:9, 1:6] = dilated[2:9, 6:11] = True
    inside = FEATURES[:, dilated]
    expected = np.concatenate([inside.mean(axis=1), inside.max(axis=1), inside.std(axis=1)], axis=-1)
    np.testing.assert_allclose(statistics(FEATURES, FIELD), expected, atol=1e-3)


def test_features_outside_the_field_have_no_effect() -> None:
    changed = FEATURES.copy()
    changed[:, 10:] += 7
    np.testing.assert_array_equal(statistics(changed, FIELD), statistics(FEATURES, FIELD))


def test_a_film_without_lungs_gives_finite_numbers() -> None:
    np.testing.assert_allclose(statistics(FEATURES, np.zeros_like(FIELD)), 0, atol=2e-3)


def test_the_evidence_adds_up_to_the_logit_less_the_biases_and_is_zero_outside_the_lungs() -> None:
    hidden_kernel, bias = RANDOM.normal(0, 1, (15, 8)), RANDOM.normal(0, 1, 8)
    output_kernel = RANDOM.normal(0, 1, 8)
    hidden = np.maximum(statistics(FEATURES, FIELD) @ hidden_kernel + bias, 0)
    expected = hidden @ output_kernel - ((hidden > 0) * bias) @ output_kernel
    layer = LungEvidence(hidden_kernel, output_kernel)
    evidence = np.asarray(layer((FEATURES, LungMask()(FIELD), hidden.astype(np.float32))))
    np.testing.assert_allclose(evidence.sum(axis=(1, 2)), expected, atol=1e-3)
    assert (evidence[:, 10:] == 0).all()


def test_the_evidence_is_gradient_times_feature(small: Recipe) -> None:
    """Compared with the gradient of the backend, for a whole network."""
    import tensorflow as tf

    network = build_network(small)
    features = network.get_layer("activation_3").output
    head = keras.Model(features, [network.get_layer(name).output for name in (LOGIT, HIDDEN, LUNG_FIELD)])
    values = tf.constant(np.maximum(RANDOM.normal(0.5, 1, (2, *features.shape[1:])), 0).astype(np.float32))
    with tf.GradientTape() as tape:
        tape.watch(values)
        logit, hidden, field = head(values)
    expected = np.sum(np.asarray(tape.gradient(logit, values) * values), axis=-1)
    layer = LungEvidence(network.get_layer(HIDDEN).kernel, np.asarray(network.get_layer(LOGIT).kernel)[:, 0])
    np.testing.assert_allclose(np.asarray(layer((values, LungMask()(field), hidden))), expected, atol=1e-4)


@pytest.mark.slow
def test_the_served_graph_has_score_evidence_and_lung_field_and_equals_keras(small: Recipe) -> None:
    model = serving_model(ensemble([build_network(small), build_network(small)]))
    assert set(model.output) == {"score", "activation_map", LUNG_FIELD}
    assert model.output[LUNG_FIELD].shape[1:3] == model.output["activation_map"].shape[1:]
    films = RANDOM.integers(0, 256, (3, 150, 150)).astype(np.uint8)
    assert check_against_keras(model, Graph(to_litert(model), 1), films) <= 1e-4


def test_a_frame_outside_the_central_part_does_not_change_the_scale_of_the_lungs(small: Recipe) -> None:
    standardised = build_network(small).get_layer("standardised")
    film = np.repeat(RANDOM.integers(60, 180, (1, 150, 150, 1)), 3, axis=3).astype(np.float32)
    framed = film.copy()
    framed[:, :12] = framed[:, -12:] = framed[:, :, :12] = framed[:, :, -12:] = 255
    centre = np.s_[:, 10:40, 10:40]
    np.testing.assert_array_equal(np.asarray(standardised(film))[centre], np.asarray(standardised(framed))[centre])


def test_style_mixing_exchanges_statistics_in_training_only() -> None:
    keras.utils.set_random_seed(1)  # a random order of three films can be the order that they have
    layer = StyleMixing(1.0)
    np.testing.assert_array_equal(np.asarray(layer(FEATURES, training=False)), FEATURES)
    mixed = np.asarray(layer(FEATURES, training=True))
    assert np.abs(mixed - FEATURES).max() > 0.01
    # The pattern of each film stays the same: only its mean and its deviation change.
    before, after = FEATURES[..., 0].reshape(3, -1), mixed[..., 0].reshape(3, -1)
    assert all(np.corrcoef(pair)[0, 1] > 0.999 for pair in zip(before, after, strict=True))
    unmixed = np.asarray(StyleMixing(0.0)(FEATURES, training=True))
    np.testing.assert_allclose(unmixed, FEATURES, atol=1e-4)


@pytest.mark.slow
def test_it_learns_the_lung_field_from_the_masks_of_some_films(small: Recipe, tmp_path: Path) -> None:
    labels = np.arange(48) % 2
    inputs = RANDOM.integers(100, 140, (48, 150, 150)).astype(np.uint8)
    masks = np.zeros_like(inputs)
    masks[:, 40:110, 25:65] = masks[:, 40:110, 85:125] = 255
    inputs[masks > 0] -= 80
    has_mask = np.arange(48) < 36
    masks[~has_mask] = 0
    films = TrainingFilms(inputs, labels, masks, has_mask, np.full(48, "children"))
    spec = dataclasses.replace(small, epochs=25, weight_averaging=0.5, lung_field_weight=4.0)
    network, _ = training.train(spec, films, (inputs, labels), tmp_path, seed=3, quiet=True)
    field_model = keras.Model(network.input, network.get_layer(LUNG_FIELD).output)
    films_without_mask = np.repeat(inputs[~has_mask, :, :, None], 3, axis=3).astype(np.float32)
    field = np.asarray(field_model(films_without_mask))[..., 0].mean(axis=0)
    inside, outside = field[4:9, 3:5].mean(), field[:, [0, 11]].mean()
    assert inside > outside + 0.3
    assert network.get_layer(LUNG_STATISTICS).output.shape == (None, 24)
