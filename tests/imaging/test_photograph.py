"""Photographs are recognised by the surroundings of the film in them; scans, frames and shutters are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from pneumonia.evaluation.simulated_frames import COLOURS, add_frame
from pneumonia.evaluation.simulated_photographs import SCENES, STRENGTHS, photograph, photograph_with_corners
from pneumonia.evaluation.simulated_scans import LIDS, askew_scan
from pneumonia.imaging import is_photograph, read
from pneumonia.imaging.straight_edges import REDUCED_SIDE, find_edges

Grey = npt.NDArray[np.uint8]
ALL_SIDES = np.ones(4, np.bool_)


def on_panel(film: Grey, corners: list[tuple[float, float]], slope: float = 0.0, noise: float = 1.0) -> Grey:
    """The film, squeezed into a quadrilateral, on a panel of level 190 that becomes darker by `slope` to the right."""
    side = 320
    mask = Image.new("L", (side, side))
    ImageDraw.Draw(mask).polygon([(x * side, y * side) for x, y in corners], fill=255)
    content = np.asarray(Image.fromarray(film).resize((side, side)), np.float64) * 0.6
    panel = 190 - slope * np.arange(side)[None, :] / side
    image = np.where(np.asarray(mask) > 0, content, panel)
    image = image + np.random.default_rng(0).normal(0, noise, image.shape)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("scene", SCENES)
def test_a_film_photographed_with_its_surroundings_is_recognised(scene: str, normal_film: Grey) -> None:
    assert all(is_photograph(read(photograph(normal_film, scene, STRENGTHS["medium"], seed))) for seed in (0, 1, 4))


def test_a_photograph_in_grey_is_recognised(normal_film: Grey) -> None:
    film = read(photograph(normal_film, "lightbox", STRENGTHS["medium"], 1))
    assert is_photograph(replace(film, warnings=()))


@pytest.mark.parametrize("brightest", [4095, 65535])
@pytest.mark.parametrize("scene", SCENES)
def test_a_photograph_of_12_or_16_bits_is_recognised(scene: str, brightest: int, normal_film: Grey) -> None:
    grey = read(photograph(normal_film, scene, STRENGTHS["medium"], 1)).pixels
    deep = np.rint(grey * (brightest / 255)).astype(np.uint16)
    assert is_photograph(read(grey))
    assert is_photograph(read(deep))


@pytest.mark.parametrize("scene", SCENES)
def test_a_photograph_of_nothing_but_the_film_is_read_as_the_film(scene: str, normal_film: Grey) -> None:
    assert not any(is_photograph(read(photograph(normal_film, scene, STRENGTHS["mild"], seed))) for seed in range(2))


@pytest.mark.parametrize("lid", LIDS)
def test_a_film_askew_on_a_scanner_is_no_photograph(lid: str, normal_film: Grey) -> None:
    assert not any(is_photograph(read(askew_scan(normal_film, lid, seed))) for seed in range(3))


@pytest.mark.parametrize("colour", COLOURS)
def test_a_film_in_a_frame_is_no_photograph(colour: str, normal_film: Grey) -> None:
    assert not is_photograph(read(add_frame(normal_film, 0.08, colour)))


def test_tilted_edges_need_uneven_light(normal_film: Grey) -> None:
    tilted = [(0.1, 0.08), (0.92, 0.1), (0.9, 0.92), (0.08, 0.9)]  # a square, rotated by 1.4 degrees
    assert not is_photograph(read(on_panel(normal_film, tilted)))
    assert is_photograph(read(on_panel(normal_film, tilted, slope=25)))


def test_an_oblique_digital_shutter_is_no_photograph(normal_film: Grey) -> None:
    shutter = [(0.12, 0.1), (0.88, 0.1), (0.92, 0.9), (0.08, 0.9)]
    side = 320
    mask = Image.new("L", (side, side))
    ImageDraw.Draw(mask).polygon([(x * side, y * side) for x, y in shutter], fill=255)
    film = np.asarray(Image.fromarray(normal_film).resize((side, side)))
    assert not is_photograph(read(np.where(np.asarray(mask) > 0, film, 0).astype(np.uint8)))


def test_the_film_itself_is_no_photograph_at_any_depth(normal_film: Grey, large_film: Grey) -> None:
    assert not is_photograph(read(normal_film))
    assert not is_photograph(read(large_film))
    assert not is_photograph(read(large_film.astype(np.uint16) * 16))


def test_edges_are_located_to_a_tenth_of_a_degree(normal_film: Grey) -> None:
    data, corners = photograph_with_corners(normal_film, "lightbox", STRENGTHS["medium"], 2)
    image = Image.fromarray(read(data).pixels).resize((REDUCED_SIDE, REDUCED_SIDE), Image.Resampling.BOX)
    top_left, top_right, bottom_right, bottom_left = corners
    lines = (bottom_left - top_left, (top_right - top_left)[::-1], bottom_right - top_right)
    left, top, right = (np.degrees(np.arctan(line[0] / line[1])) for line in lines)
    bottom = np.degrees(np.arctan((bottom_right - bottom_left)[1] / (bottom_right - bottom_left)[0]))
    edges = find_edges(np.asarray(image), ALL_SIDES)
    for edge, tilt in zip(edges, (left, top, -right, -bottom), strict=True):
        assert edge is None or abs(edge.tilt - tilt) < 0.1
    assert sum(edge is not None for edge in edges) >= 3
