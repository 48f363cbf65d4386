"""Features of a network as a further view of the gate, on synthetic features and a small network."""

from __future__ import annotations

import numpy as np
import pytest

from pneumonia.learning.network_features import AREAS, FeatureGate

RANDOM = np.random.default_rng(6)
FEATURES, SCALES = 200, np.linspace(0.01, 100, 200).astype(np.float32)


def films(count: int) -> np.ndarray:
    """Features `[count, 200]` that vary along three directions, each on a scale of its own."""
    directions = np.random.default_rng(0).normal(size=(3, FEATURES))
    return (
        (RANDOM.normal(size=(count, 3)) @ directions + 0.1 * RANDOM.normal(size=(count, FEATURES))) * SCALES
    ).astype(np.float32)


def test_the_limits_accept_their_share_of_the_validation_films_and_refuse_other_images() -> None:
    validation = films(400)
    gate = FeatureGate.fit(films(300), validation, 0.98)
    assert 0.01 <= gate.refuses(validation).mean() <= 0.04
    others = (RANDOM.normal(size=(50, FEATURES)) * SCALES).astype(np.float32)
    assert gate.refuses(others).mean() >= 0.9


def test_a_feature_counts_by_its_deviation_and_not_by_its_size() -> None:
    gate = FeatureGate.fit(films(300), films(300), 0.998)
    film = films(1)
    film[0, 0] += 20 * SCALES[0]  # the smallest feature
    assert gate.refuses(film).tolist() == [True]


@pytest.mark.slow  # imports Keras
def test_the_features_are_means_of_the_activations_of_the_first_member() -> None:
    import keras

    from pneumonia.learning.network import LAST_ACTIVATION, build_network, ensemble, members_of
    from pneumonia.learning.network_features import feature_extractor
    from pneumonia.learning.recipes.default import RECIPE

    network = ensemble([build_network(RECIPE), build_network(RECIPE)])
    images = RANDOM.integers(0, 256, (2, 150, 150)).astype(np.uint8)
    features = feature_extractor(network)(images)
    member = members_of(network)[0]
    activations = keras.Model(member.input, member.get_layer(LAST_ACTIVATION).output)
    expected = np.asarray(activations(np.repeat(images[..., None], 3, axis=3).astype(np.float32)))
    assert features.shape == (2, AREAS * AREAS * expected.shape[3])
    side = expected.shape[1] // AREAS
    np.testing.assert_allclose(
        features[:, : expected.shape[3]], expected[:, :side, :side].mean(axis=(1, 2)), rtol=1e-3, atol=1e-4
    )
