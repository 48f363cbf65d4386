"""Zones from the film's own lung field: both lungs are separated, and evidence counts where the network pools it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import array_shapes, arrays
from hypothesis.strategies import floats
from PIL import Image

from pneumonia.imaging import Area
from pneumonia.inference import lung_zones
from pneumonia.inference.explain import ZONES, zone_shares
from pneumonia.inference.lung_zones import split_lungs, zone_weights
from pneumonia.inference.map_overlay import lung_outline
from tests.support.made_bundles import lung_field

Field = npt.NDArray[np.float32]


def boxes(*lungs: tuple[slice, slice], side: int = 12) -> Field:
    """A field that is 1 in the boxes (rows, columns) and 0 elsewhere."""
    field = np.zeros((side, side), np.float32)
    for box in lungs:
        field[box] = 1
    return field


TWO = (slice(1, 10), slice(1, 5)), (slice(1, 10), slice(7, 11))


def at(row: int, column: int, side: int = 12) -> Field:
    """A map whose evidence lies at one position."""
    activation = np.zeros((side, side), np.float32)
    activation[row, column] = 2.5
    return activation


@pytest.mark.parametrize(
    ("row", "column", "zone"),
    [
        *((row, 2, zone) for row, zone in ((1, "upper"), (3, "upper"), (4, "middle"), (6, "middle"), (7, "lower"))),
        *((row, 8, zone) for row, zone in ((2, "upper"), (5, "middle"), (9, "lower"))),
    ],
)
def test_evidence_in_a_lung_belongs_to_the_third_of_its_own_height(row: int, column: int, zone: str) -> None:
    side = "right" if column < 6 else "left"
    assert zone_shares(at(row, column), boxes(*TWO)) == {**dict.fromkeys(ZONES, 0.0), f"{side}_{zone}": 1.0}


def test_each_lung_has_thirds_of_its_own() -> None:
    """A high diaphragm on one side: its lung is shorter, and so are its thirds."""
    field = boxes((slice(1, 10), slice(1, 5)), (slice(1, 7), slice(7, 11)))
    shares = zone_shares(at(5, 2), field), zone_shares(at(5, 8), field)
    assert (shares[0]["right_middle"], shares[1]["left_lower"]) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("row", "column", "zone"),
    [
        (0, 2, "right_upper"),
        (10, 2, "right_lower"),
        (5, 0, "right_middle"),
        (5, 5, "right_middle"),
        (0, 11, "left_upper"),
    ],
)
def test_evidence_beside_the_field_counts_where_the_network_pools_it(row: int, column: int, zone: str) -> None:
    assert zone_shares(at(row, column), boxes(*TWO))[zone] == 1.0


@pytest.mark.parametrize(("row", "column"), [(11, 2), (11, 11), (11, 6)])
def test_evidence_farther_from_the_field_belongs_to_no_zone(row: int, column: int) -> None:
    assert sum(zone_shares(at(row, column), boxes(*TWO)).values()) == 0


def test_a_position_next_to_both_lungs_is_shared() -> None:
    shares = zone_shares(at(5, 5), boxes((slice(1, 10), slice(1, 5)), (slice(1, 10), slice(6, 10))))
    assert (shares["right_middle"], shares["left_middle"]) == (0.5, 0.5)


@pytest.mark.parametrize("seed", range(5))
def test_the_shares_are_fractions_of_the_whole_evidence(seed: int) -> None:
    random = np.random.default_rng(seed)
    activation = random.random((12, 12)).astype(np.float32)
    weights = zone_weights(lung_field())
    assert weights is not None and weights.shape == (6, 144)
    assert weights.min() >= 0 and weights.sum(axis=0).max() == pytest.approx(1)
    assert 0 < sum(zone_shares(activation, lung_field()).values()) < 1
    assert zone_shares(-activation, lung_field()) == dict.fromkeys(ZONES, 0.0)


@pytest.mark.parametrize("shift", [-2, -1, 0, 1, 2])
@pytest.mark.parametrize("size", [12, 18, 25])
def test_the_lungs_of_a_shifted_chest_are_separated(size: int, shift: int) -> None:
    field = np.roll(lung_field(size, size), shift, axis=1)
    lungs = split_lungs(field)
    assert lungs is not None
    columns = [float(np.argwhere(lung)[:, 1].mean()) for lung in (lungs.right, lungs.left)]
    assert columns[0] + 0.25 * size < columns[1]
    assert 0.7 < lungs.right.sum() / lungs.left.sum() < 1.4
    assert not (lungs.right & lungs.left).any()


def test_lungs_that_touch_are_separated_where_the_field_is_weakest() -> None:
    field = boxes(*TWO)
    field[4:6, 5:7] = 0.6  # a bridge behind the heart
    lungs = split_lungs(field)
    assert lungs is not None
    assert lungs.right[:, :5].sum() == lungs.left[:, 7:].sum() == 36
    assert not lungs.right[:, 6:].any() and not lungs.left[:, :6].any()


def test_a_spot_outside_the_lungs_is_no_lung() -> None:
    """Gas in the stomach, or air beside the arm, is often predicted as a small island of lung."""
    field = boxes(*TWO, (slice(11, 12), slice(9, 11)))
    field[9, 9] = field[9, 10] = 1
    lungs = split_lungs(boxes((slice(1, 8), slice(1, 5)), (slice(1, 8), slice(7, 11)), (slice(10, 12), slice(9, 11))))
    assert lungs is not None and not lungs.left[9:].any()


ONE_LUNG = {
    "no lung": np.zeros((12, 12), np.float32),
    "a weak field": np.full((12, 12), 0.49, np.float32),
    "the right lung only": boxes(TWO[0]),
    "the left lung only": boxes(TWO[1]),
    "a speck instead of a lung": boxes(TWO[0], (slice(3, 4), slice(8, 10))),
    "no number": np.full((12, 12), np.nan, np.float32),
}


@pytest.mark.parametrize("field", ONE_LUNG.values(), ids=ONE_LUNG)
def test_without_two_plausible_lungs_the_zones_are_the_fixed_boxes(field: Field) -> None:
    activation = np.random.default_rng(1).random((12, 12)).astype(np.float32)
    assert split_lungs(field) is None and zone_weights(field) is None
    assert zone_shares(activation, field) == zone_shares(activation)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=20), elements=floats(0, 1, width=32)))
def test_any_field_gives_shares(field: Field) -> None:
    shares = zone_shares(np.ones_like(field), field)
    assert list(shares) == list(ZONES)
    assert min(shares.values()) >= 0 and sum(shares.values()) <= 1 + 1e-9


def test_the_largest_component_is_found_along_diagonals_and_spirals() -> None:
    spiral = np.array([[1, 1, 1, 1], [0, 0, 0, 1], [1, 1, 0, 1], [1, 0, 0, 1], [1, 1, 1, 1]], bool)
    mask = np.zeros((9, 9), bool)
    mask[0:5, 0:4], mask[6:9, 6:9] = spiral, True
    largest = lung_zones.largest_component(mask)
    assert largest.sum() == spiral.sum() and not largest[6:].any()
    assert not lung_zones.largest_component(np.zeros((3, 3), bool)).any()


def test_zones_contain_all_positions_that_a_network_may_score() -> None:
    recipe = pytest.importorskip("pneumonia.learning.recipe")
    assert all(recipe.get(name).lung_dilation <= lung_zones.DILATION for name in recipe.names())


@pytest.mark.parametrize("size", [(300, 200), (90, 400), (150, 150)])
def test_the_outline_lies_on_the_edge_of_the_field(size: tuple[int, int]) -> None:
    outline = np.asarray(lung_outline(lung_field(), size))
    assert outline.shape == size[::-1] and set(np.unique(outline)) == {0, 255}
    assert 0.005 < (outline == 255).mean() < 0.2
    field = lung_field()
    # The positions of the field cover whole pixels of the input; the last row and column are continued to its edge.
    covered = tuple(150 / (150 // positions) for positions in field.shape[::-1])
    continued = Image.fromarray(np.pad(field, ((0, 1), (0, 1)), mode="edge"))
    inside = np.asarray(continued.resize(size, Image.Resampling.BICUBIC, box=(0, 0, *covered))) >= 0.5
    assert inside[outline == 255].all()


def test_the_outline_covers_the_part_of_the_film_that_the_model_received() -> None:
    area: Any = Area(0.5, 0.0, 1.0, 1.0)
    outline = np.asarray(lung_outline(lung_field(), (200, 100), area))
    assert not outline[:, :100].any() and outline[:, 100:].any()
