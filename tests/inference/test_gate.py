"""The gate: which films it accepts, each limit with its code, its classifier, and a gate that is saved and read."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from pneumonia import Predictor
from pneumonia.imaging import read, to_input
from pneumonia.inference.decision import REASONS
from pneumonia.inference.gate import Gate, Limits, Subspace
from pneumonia.inference.gate_classifier import Classifier
from pneumonia.inference.gate_views import (
    MIN_CONTRAST,
    THUMBNAIL_BLOCK,
    VIEWS,
    Features,
    edge_maps,
    flip_vertically,
    join_views,
    thumbnails,
)

Grey = npt.NDArray[np.uint8]

CELLS = (150 // THUMBNAIL_BLOCK) ** 2
"""Values of a thumbnail."""

RISING = np.tile(np.arange(150), (150, 1))
"""Grey levels 0-149 from left to right, which other exposures do not clip."""


@pytest.fixture
def gate(predictor: Predictor) -> Gate:
    return predictor.models[0].gate


def check(gate: Gate, film: npt.NDArray[np.uint8]) -> str | None:
    return gate.check(to_input(read(np.ascontiguousarray(film))))


def test_the_average_film_passes(gate: Gate, normal_film: Grey, large_film: Grey) -> None:
    assert check(gate, normal_film) is None
    assert check(gate, large_film) is None


@pytest.mark.parametrize(("gain", "offset"), [(0.5, 0.0), (0.5, 120.0), (1.1, 5.0), (0.8, -3.0)])
def test_the_average_film_passes_at_any_exposure(gate: Gate, normal_film: Grey, gain: float, offset: float) -> None:
    assert check(gate, np.clip(np.rint(normal_film * gain + offset), 0, 255).astype(np.uint8)) is None


def test_a_mirrored_film_passes(gate: Gate, normal_film: Grey) -> None:
    """The gate recognises the kind of image; situs inversus and a swapped side marker are no reason to refuse."""
    assert check(gate, normal_film[:, ::-1]) is None


@pytest.mark.parametrize("level", [0, 1, 128, 255])
def test_a_blank_picture_has_no_contrast(gate: Gate, level: int) -> None:
    assert check(gate, np.full((150, 150), level, np.uint8)) == "unreadable_contrast"


def test_a_film_of_a_few_grey_levels_has_no_contrast(gate: Gate, normal_film: Grey) -> None:
    pale = normal_film.astype(np.float64)
    pale = 128 + (pale - pale.mean()) * (0.8 * MIN_CONTRAST / pale.std())
    assert check(gate, np.rint(pale).astype(np.uint8)) == "unreadable_contrast"


@pytest.mark.parametrize(
    ("deviation", "code"), [(MIN_CONTRAST - 1, "unreadable_contrast"), (MIN_CONTRAST + 1, "not_a_chest_film")]
)
def test_contrast_is_that_of_the_pixels_even_if_block_means_have_none(gate: Gate, deviation: float, code: str) -> None:
    stripes = np.where(np.indices((150, 150))[1] % 2, 128 - deviation, 128 + deviation).astype(np.uint8)
    assert check(gate, stripes) == code


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_no_chest_film(gate: Gate, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (150, 150), dtype=np.uint8)
    assert check(gate, noise) == "not_a_chest_film"


def test_a_chessboard_is_no_chest_film(gate: Gate) -> None:
    board = (np.indices((150, 150)).sum(axis=0) // 10 % 2 * 255).astype(np.uint8)
    assert check(gate, board) == "not_a_chest_film"


@pytest.mark.parametrize("turns", range(4))
def test_a_gradient_is_refused_in_each_direction(gate: Gate, turns: int) -> None:
    gradient = np.rot90(RISING.astype(np.uint8), turns)
    assert check(gate, gradient) in {"not_a_chest_film", "unlike_training_films"}


@pytest.mark.parametrize("turns", [1, 3])
def test_a_film_turned_by_a_quarter_is_refused(gate: Gate, normal_film: Grey, turns: int) -> None:
    assert check(gate, np.rot90(normal_film, turns)) in {"not_a_chest_film", "unlike_training_films"}


def test_a_negative_is_refused(gate: Gate, normal_film: Grey) -> None:
    assert check(gate, 255 - normal_film) in {"not_a_chest_film", "unlike_training_films"}


WIDE = Limits(1e6, 1e6)


def gate_with_one_component(residual: Limits, distance: Limits) -> Gate:
    """A gate with one brightness component, the left-to-right ramp, and no limits for edges."""
    rise = thumbnails(RISING.astype(np.uint8)[None])
    one = np.ones(1, np.float32)
    brightness = Subspace(np.zeros(CELLS, np.float32), rise / np.linalg.norm(rise), one, residual, distance)
    count = edge_maps(RISING.astype(np.uint8)[None]).shape[1]
    edges = Subspace(np.zeros(count, np.float32), np.eye(1, count, dtype=np.float32), one, WIDE, WIDE)
    return Gate({"brightness": brightness, "edges": edges})


@pytest.mark.parametrize(
    ("near", "far", "code"),
    [
        (1.01, 1.02, None),
        (0.98, 1.02, "unlike_training_films"),
        (0.98, 0.99, "not_a_chest_film"),
    ],
)
@pytest.mark.parametrize("which", ["residual", "distance"])
def test_each_limit_refuses_with_its_code(which: str, near: float, far: float, code: str | None) -> None:
    # Rotated by 90 degrees, the ramp is orthogonal to the component: residual 1, distance 0. Unrotated, the residual is
    # 0 and the distance that of a thumbnail with standard deviation 1: sqrt(900).
    film = np.repeat(RISING.astype(np.uint8)[:, :, None], 3, axis=2)
    if which == "residual":
        gate, film = gate_with_one_component(Limits(near, far), WIDE), film.transpose(1, 0, 2)
    else:
        gate = gate_with_one_component(WIDE, Limits(near * CELLS**0.5, far * CELLS**0.5))
    assert gate.check(film) == code


@pytest.mark.parametrize("view", VIEWS)
def test_the_measures_are_those_of_the_definition(gate: Gate, normal_film: Grey, view: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (150, 150), dtype=np.uint8)
    features, space = VIEWS[view](np.stack([normal_film, noise])), gate.subspaces[view]
    residual, distance = space.measure(features)
    for feature, one_residual, one_distance in zip(features, residual, distance, strict=True):
        centred = (feature - space.mean).astype(np.float64)
        along = space.components.astype(np.float64) @ centred
        rest = centred - along @ space.components
        assert one_residual == pytest.approx((rest**2).mean(), rel=1e-2, abs=1e-4)
        assert one_distance == pytest.approx(np.sqrt((along**2 / space.variances).mean()), rel=1e-3)


@pytest.mark.parametrize("view", VIEWS)
def test_a_film_is_measured_alone_as_in_a_batch(gate: Gate, normal_film: Grey, view: str) -> None:
    films = np.stack([normal_film, 255 - normal_film, normal_film[::-1]])
    space, features = gate.subspaces[view], VIEWS[view]
    together = np.stack(space.measure(features(films)))
    alone = np.concatenate([np.stack(space.measure(features(film[None]))) for film in films], axis=1)
    np.testing.assert_allclose(together, alone, rtol=1e-3, atol=1e-4)


TOP_HEAVY = np.flipud(RISING.T).astype(np.uint8)
"""Bright above and dark below."""


def gate_with_upright_component(upside_down: Limits | None) -> Gate:
    """A gate with the mean `TOP_HEAVY`; upside down, the difference is twice its values, so the residual is 4."""
    one = np.ones(1, np.float32)
    views = {name: view(TOP_HEAVY[None]) for name, view in VIEWS.items()}
    spaces = {
        name: Subspace(features[0], np.eye(1, features.shape[1], dtype=np.float32), one, WIDE, WIDE)
        for name, features in views.items()
    }
    return Gate({**spaces, "brightness": replace(spaces["brightness"], upside_down=upside_down)})


@pytest.mark.parametrize(
    ("limit", "code"),
    [
        (Limits(4.01, 4.02), None),
        (Limits(3.9, 4.02), "unlike_training_films"),
        (Limits(3.8, 3.9), "not_a_chest_film"),
        (None, None),
    ],
)
def test_a_film_that_fits_better_upside_down_is_refused(limit: Limits | None, code: str | None) -> None:
    gate = gate_with_upright_component(limit)
    assert check(gate, TOP_HEAVY) is None
    assert check(gate, TOP_HEAVY[::-1]) == code


def test_a_symmetric_film_has_no_residual_drop_upside_down(gate: Gate, normal_film: Grey) -> None:
    symmetric = np.concatenate([normal_film[:75], normal_film[74::-1]])[None]
    features = thumbnails(symmetric)
    gain = gate.subspaces["brightness"].residual_drop_when_flipped(features, thumbnails(flip_vertically(symmetric)))
    assert gain == pytest.approx(0, abs=1e-5)


def limits(gate: Gate) -> dict[str, dict[str, Limits]]:
    return {name: space.limits for name, space in gate.subspaces.items()}


@pytest.mark.parametrize("limit", [None, Limits(0.0, 0.3)])
def test_the_limits_that_are_set_are_those_that_are_saved(limit: Limits | None) -> None:
    gate = gate_with_upright_component(limit)
    again = Gate.from_bytes(gate.to_bytes(), limits(gate))
    assert again.subspaces["brightness"].upside_down == limit
    assert ("upside_down" in limits(gate)["brightness"]) is (limit is not None)
    assert "upside_down" not in limits(gate)["edges"]


def test_a_gate_survives_being_saved(gate: Gate, normal_film: Grey) -> None:
    again = Gate.from_bytes(gate.to_bytes(), limits(gate))
    assert limits(again) == limits(gate)
    for view in VIEWS:
        for name in ("mean", "components", "variances"):
            np.testing.assert_array_equal(getattr(again.subspaces[view], name), getattr(gate.subspaces[view], name))
    assert check(again, normal_film) is None


def test_a_saved_gate_is_read_without_running_code(gate: Gate) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=True, brightness_mean=np.array([print], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        Gate.from_bytes(buffer.getvalue(), limits(gate))


def classifier_of_brightness(own: float = 0.0, other: float = 0.0, kind: float = 0.0) -> Classifier:
    """A classifier whose hidden unit is the brightness of the upper left corner above the film's mean; the arguments
    are the units' weights in the logits."""
    count = Features.of(RISING_FILM).joined.shape[1]
    hidden = np.zeros((count, 1), np.float32)
    hidden[0] = 1
    weights = np.array([[own, other, kind]], np.float32)
    return Classifier(hidden, np.zeros(1, np.float32), weights, np.zeros(3, np.float32))


RISING_FILM = np.repeat(RISING.astype(np.uint8)[:, ::-1, None], 3, axis=2)
"""Brightest on the left."""

OUT_OF_REACH = Limits(1e6)


@pytest.mark.parametrize(
    ("population", "kind", "code"),
    [
        (OUT_OF_REACH, OUT_OF_REACH, None),
        (Limits(1.0), OUT_OF_REACH, "unlike_training_films"),
        (OUT_OF_REACH, Limits(-1.0), "unlike_training_films"),
        (OUT_OF_REACH, Limits(-1.0, -0.8), "not_a_chest_film"),
    ],
)
def test_the_classifier_refuses_another_population_as_unlike_and_another_kind_as_no_chest_film(
    population: Limits, kind: Limits, code: str | None
) -> None:
    limits = {"other_population": population, "other_kind": kind}
    plain = gate_with_one_component(WIDE, WIDE)
    # With equal logits, the odds of another kind against both populations are 1:2, whose logarithm is -0.69.
    other_population = Gate(plain.subspaces, classifier_of_brightness(other=1), limits)
    equal = Gate(plain.subspaces, classifier_of_brightness(), limits)
    gate = other_population if population.near == 1 else equal
    assert gate.check(RISING_FILM) == code


def test_resemblance_is_the_log_odds_of_the_population() -> None:
    plain = gate_with_one_component(WIDE, WIDE)
    limits = {"other_population": OUT_OF_REACH, "other_kind": OUT_OF_REACH}
    features = Features.of(RISING_FILM)
    corner = float(features.joined[0, 0])
    assert corner > 1
    assessments = [
        Gate(plain.subspaces, classifier_of_brightness(own, other, 5), limits).assess(features)
        for own, other in ((1, 0), (0, 1), (2, 1))
    ]
    assert [each.resemblance for each in assessments] == pytest.approx([corner, -corner, corner], abs=1e-3)


def test_a_gate_without_a_classifier_has_the_larger_resemblance_for_the_film_nearer_to_its_training_films(
    gate: Gate, normal_film: Grey
) -> None:
    films = [normal_film, normal_film.T, 255 - normal_film]
    near, *far = (gate.assess(Features.of(to_input(read(np.ascontiguousarray(film))))).resemblance for film in films)
    assert near > 0 > max(far)


def test_a_gate_with_a_classifier_survives_being_saved() -> None:
    plain = gate_with_one_component(WIDE, WIDE)
    limits = {"other_population": Limits(1.5), "other_kind": Limits(-1.0, 1.0)}
    gate = Gate(plain.subspaces, classifier_of_brightness(1, 2, 3), limits)
    stored = json.loads(
        json.dumps({view: {name: vars(limit) for name, limit in of.items()} for view, of in gate.limits.items()})
    )
    again = Gate.from_bytes(
        gate.to_bytes(), {v: {n: Limits(**limit) for n, limit in of.items()} for v, of in stored.items()}
    )
    assert again.limits == gate.limits
    features = Features.of(RISING_FILM)
    assert again.assess(features) == gate.assess(features)


def test_a_saved_gate_whose_classifier_is_missing_is_invalid() -> None:
    gate = gate_with_one_component(WIDE, WIDE)
    with pytest.raises(KeyError):
        Gate.from_bytes(gate.to_bytes(), {**gate.limits, "classifier": {"other_population": Limits(1.0)}})


def test_features_are_computed_once_and_serve_every_gate(gate: Gate, normal_film: Grey) -> None:
    input_image = to_input(read(normal_film))
    features = Features.of(input_image)
    assert gate.assess(features).reason == gate.check(input_image)
    np.testing.assert_array_equal(features.joined, join_views(input_image[None, :, :, 0]))


def test_each_code_of_the_gate_has_a_message() -> None:
    assert {"unreadable_contrast", "not_a_chest_film", "unlike_training_films"} <= set(REASONS)


@pytest.mark.parametrize("view", VIEWS)
def test_the_embedded_components_are_orthonormal(gate: Gate, view: str) -> None:
    """The residual is |x - m|^2 - |c|^2, which requires orthonormal components."""
    space = gate.subspaces[view]
    gram = space.components.astype(np.float64) @ space.components.T.astype(np.float64)
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-3)
    assert (space.variances > 0).all()
