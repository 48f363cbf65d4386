from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from pneumonia.inference.explain import (
    LEFT_LUNG,
    LUNG_HEIGHT,
    RIGHT_LUNG,
    ZONES,
    strongest_zone,
    zone_shares,
)
from pneumonia.inference.map_overlay import OUTLINE_COLOUR, lung_outline, map_layer, overlay
from tests.support.made_bundles import lung_field

Grey = npt.NDArray[np.uint8]

Map = npt.NDArray[np.float32]
SIZES = [(1, 1), (4, 4), (5, 7), (10, 10), (18, 18), (150, 150)]


def box(zone: str) -> tuple[float, float, float, float]:
    """(top, bottom, left, right) of a zone as shares of the film."""
    side, height = zone.split("_")
    third = (LUNG_HEIGHT[1] - LUNG_HEIGHT[0]) / 3
    top = LUNG_HEIGHT[0] + third * ["upper", "middle", "lower"].index(height)
    return (top, top + third, *(RIGHT_LUNG if side == "right" else LEFT_LUNG))


def map_inside(zone: str, side: int = 150) -> Map:
    """A map that is 1 in all cells that lie completely in the zone."""
    edges = np.arange(side + 1) / side
    top, bottom, left, right = box(zone)
    rows = (edges[:-1] >= top) & (edges[1:] <= bottom)
    columns = (edges[:-1] >= left) & (edges[1:] <= right)
    return np.outer(rows, columns).astype(np.float32)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("side", [18, 150])
def test_activation_in_one_zone_is_all_counted_there(zone: str, side: int) -> None:
    shares = zone_shares(map_inside(zone, side))
    assert shares == pytest.approx({other: float(other == zone) for other in ZONES}, abs=1e-6)


def test_the_zones_have_the_contracts_names_and_order() -> None:
    names = ["right_upper", "right_middle", "right_lower", "left_upper", "left_middle", "left_lower"]
    assert list(zone_shares(np.ones((18, 18), np.float32))) == names


def test_the_patients_right_is_the_images_left() -> None:
    activation = np.zeros((150, 150), np.float32)
    activation[:, :75] = 1
    shares = zone_shares(activation)
    assert all((shares[zone] > 0) is zone.startswith("right") for zone in ZONES)


def test_the_upper_zone_is_at_the_top() -> None:
    activation = np.zeros((150, 150), np.float32)
    activation[:50] = 1
    shares = zone_shares(activation)
    assert shares["right_upper"] > 0
    assert shares["left_upper"] > 0
    assert shares["right_lower"] == shares["left_lower"] == 0


def test_activation_outside_the_lungs_is_not_counted() -> None:
    activation = map_inside("left_lower")
    covered = float(activation.sum())
    activation[0, :] = activation[:, 75] = activation[-1, :] = 1
    shares = zone_shares(activation)
    assert sum(shares.values()) < 1
    assert shares["left_lower"] == pytest.approx(covered / float(activation.sum()))


def test_a_corner_alone_counts_nowhere() -> None:
    activation = np.zeros((18, 18), np.float32)
    activation[0, 0] = activation[17, 17] = 5
    assert set(zone_shares(activation).values()) == {0.0}


@pytest.mark.parametrize("size", SIZES)
def test_an_empty_map_has_only_zeros(size: tuple[int, int]) -> None:
    assert zone_shares(np.zeros(size, np.float32)) == dict.fromkeys(ZONES, 0.0)


@pytest.mark.parametrize("size", SIZES)
def test_shares_equal_a_count_on_a_fine_grid(size: tuple[int, int]) -> None:
    activation = np.random.default_rng(7).exponential(1, size).astype(np.float32)
    # 4,200 is a multiple of each size here, and 1/4,200 is finer than the test's tolerance.
    fine = np.repeat(np.repeat(activation, 4200 // size[0], axis=0), 4200 // size[1], axis=1).astype(np.float64)
    shares = zone_shares(activation)
    for zone in ZONES:
        top, bottom, left, right = (round(4200 * edge) for edge in box(zone))
        assert shares[zone] == pytest.approx(fine[top:bottom, left:right].sum() / fine.sum(), abs=1e-3)


@pytest.mark.parametrize("size", SIZES)
def test_an_even_map_is_shared_by_area(size: tuple[int, int]) -> None:
    shares = zone_shares(np.full(size, 0.3, np.float32))
    for zone in ZONES:
        top, bottom, left, right = box(zone)
        assert shares[zone] == pytest.approx((bottom - top) * (right - left))


def test_negative_activation_counts_for_nothing() -> None:
    activation = map_inside("right_lower")
    assert zone_shares(activation - map_inside("left_upper") * 9) == zone_shares(activation)


@pytest.mark.parametrize("factor", [1e-6, 3.0, 1e6])
def test_shares_do_not_depend_on_the_maps_scale(factor: float) -> None:
    activation = np.random.default_rng(8).random((18, 18)).astype(np.float32)
    assert zone_shares((activation * factor).astype(np.float32)) == pytest.approx(zone_shares(activation), rel=1e-4)


def shares_of(**shares: float) -> dict[str, float]:
    return {**dict.fromkeys(ZONES, 0.0), **shares}


def test_the_strongest_zone_is_named_in_words() -> None:
    assert strongest_zone(shares_of(right_lower=0.4, left_upper=0.3)) == "right lower"


@pytest.mark.parametrize(("share", "zone"), [(0.5, "left middle"), (0.4999, None), (0.0, None)])
def test_no_zone_is_named_where_less_than_half_lies_inside(share: float, zone: str | None) -> None:
    assert strongest_zone(shares_of(left_middle=share)) == zone


def test_no_zone_is_named_without_zones() -> None:
    assert strongest_zone({}) is None


@pytest.mark.parametrize("size", SIZES)
def test_the_overlay_has_the_films_size_in_colour(size: tuple[int, int], large_film: Grey) -> None:
    picture = overlay(large_film, np.ones(size, np.float32))
    assert isinstance(picture, Image.Image)
    assert picture.size == (900, 700)
    assert picture.mode == "RGB"


def test_an_empty_map_leaves_the_film_as_it_is(large_film: Grey) -> None:
    rendered = np.asarray(overlay(large_film, np.zeros((18, 18), np.float32)))
    np.testing.assert_array_equal(rendered, np.repeat(large_film[:, :, None], 3, axis=2))


def test_the_overlay_is_clear_where_the_map_is_0_and_coloured_where_it_is_strong(large_film: Grey) -> None:
    activation = np.zeros((18, 18), np.float32)
    activation[12:15, 12:15] = 7
    rendered = np.asarray(overlay(large_film, activation)).astype(np.int16)
    film = np.repeat(large_film[:, :, None], 3, axis=2).astype(np.int16)
    # The left half lies further away than the interpolation reaches.
    np.testing.assert_array_equal(rendered[:, :450], film[:, :450])
    centre = rendered[round(13.5 / 18 * 700), round(13.5 / 18 * 900)]
    assert centre.max() - centre.min() > 20


@pytest.mark.parametrize("opacity", [0.0, 0.45, 1.0])
def test_the_opacity_is_the_weight_of_the_map_at_its_maximum(opacity: float) -> None:
    film = np.full((150, 150), 100, np.uint8)
    rendered = np.asarray(overlay(film, np.full((18, 18), 2, np.float32), opacity))
    strongest = np.array([252, 255, 164])
    np.testing.assert_allclose(rendered[75, 75], 100 * (1 - opacity) + strongest * opacity, atol=1)


def test_a_stronger_activation_is_brighter_also_in_grey() -> None:
    film = np.zeros((150, 150), np.uint8)
    activation = np.tile(np.linspace(0, 1, 18, dtype=np.float32), (18, 1))
    grey = np.asarray(overlay(film, activation).convert("L")).astype(np.int16)[75]
    assert np.all(np.diff(grey) >= -1)
    assert grey[-1] - grey[0] > 50


def test_a_map_of_negative_values_shows_nothing() -> None:
    film = np.full((150, 150), 100, np.uint8)
    assert np.unique(np.asarray(overlay(film, np.full((18, 18), -1, np.float32)))).tolist() == [100]


def test_the_layer_over_the_film_is_the_overlay(large_film: Grey) -> None:
    """The film and the layer, blended as in a browser, equal `overlay` within two grey levels."""
    activation = np.random.default_rng(3).random((18, 18)).astype(np.float32)
    layer = map_layer(activation, (large_film.shape[1], large_film.shape[0]))
    assert layer.mode == "P"
    red, green, blue, alpha = (np.asarray(band, np.float64) for band in layer.convert("RGBA").split())
    share = (alpha / 255 * 0.45)[:, :, None]
    blended = large_film[:, :, None] * (1 - share) + np.stack([red, green, blue], axis=-1) * share
    assert np.abs(blended - np.asarray(overlay(large_film, activation, 0.45))).max() <= 2


def test_the_layer_is_clear_where_there_is_no_activation() -> None:
    assert np.asarray(map_layer(np.zeros((18, 18), np.float32), (60, 40)).convert("RGBA"))[:, :, 3].max() == 0


@pytest.mark.parametrize(("positions", "cell"), [(12, 12), (18, 8), (15, 10)])
def test_each_position_of_the_map_is_drawn_over_the_pixels_that_it_was_computed_from(positions: int, cell: int) -> None:
    for index in (1, positions - 2):
        activation = np.zeros((positions, positions), np.float32)
        activation[index, index] = 1
        layer = np.asarray(map_layer(activation, (1500, 1500)).convert("RGBA"))[:, :, 3].astype(float)
        centre = (layer.sum(axis=0) * (np.arange(1500) + 0.5)).sum() / layer.sum()
        assert centre == pytest.approx(10 * cell * (index + 0.5), abs=8)


def test_the_edge_of_the_lungs_is_drawn_and_nothing_else_has_its_colour() -> None:
    field = lung_field(12, 12)
    weak = np.tile(np.linspace(0, 1, 12, dtype=np.float32), (12, 1))  # every strength, also those next to 0
    layer = np.asarray(map_layer(weak, (240, 240), lung_field=field).convert("RGBA"))
    is_line = (layer[:, :, :3] == OUTLINE_COLOUR).all(axis=2) & (layer[:, :, 3] > 0)
    np.testing.assert_array_equal(is_line, np.asarray(lung_outline(field, (240, 240))) == 255)
    drawn = np.asarray(overlay(np.zeros((240, 240), np.uint8), 0 * weak, lung_field=field)).max(axis=2) > 0
    np.testing.assert_array_equal(drawn, is_line)
