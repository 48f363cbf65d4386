"""Outlines of the lung zones: closed lines around the field, on the pixels of the film."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pneumonia.imaging import WHOLE, Area
from pneumonia.inference import explain, map_overlay
from pneumonia.inference.contours import contours
from pneumonia.inference.zone_outlines import ZoneOutlines, zone_outlines


def lung_field(side: int = 12) -> Any:
    """Two lungs, the patient's right one lower."""
    field = np.zeros((side, side), np.float32)
    field[3:10, 1:5] = 1
    field[2:8, 7:11] = 1
    return field


def filled(outlines: ZoneOutlines, zone: str, size: tuple[int, int] = (300, 300)) -> Any:
    """`[H, W]`, true inside the polygons of a zone."""
    image = Image.new("1", size)
    for polygon in outlines.polygons[zone]:
        ImageDraw.Draw(image).polygon([(x * size[0], y * size[1]) for x, y in polygon], fill=1)
    return np.asarray(image)


def test_the_contour_of_a_disc_is_a_circle() -> None:
    rows, columns = np.indices((40, 50))
    (loop,) = contours(10.5 - np.hypot(rows - 18, columns - 22))
    radii = [np.hypot(x - 22, y - 18) for x, y in loop]
    assert np.allclose(radii, 10.5, atol=0.05)


def test_parts_and_holes_have_lines_of_their_own() -> None:
    values = np.full((20, 20), -1.0)
    values[2:9, 2:9] = 1
    values[4:6, 4:6] = -1
    values[12:18, 0:20] = 1
    assert len(contours(values)) == 3


def test_diagonal_neighbours_close_their_lines() -> None:
    assert len(contours(np.array([[1.0, -1], [-1, 1]]))) == 2


def test_a_function_that_is_negative_everywhere_has_no_contour() -> None:
    assert contours(np.full((5, 5), -1.0)) == []


def test_the_zones_cover_the_lungs_and_do_not_overlap() -> None:
    outlines = zone_outlines(lung_field())
    assert outlines.is_own
    assert tuple(outlines.polygons) == explain.ZONES
    masks = np.stack([filled(outlines, zone) for zone in explain.ZONES])
    assert masks.sum(axis=0).max() <= 1 or (masks.sum(axis=0) > 1).mean() < 0.01, "only their borders touch"
    # 12 positions of 12 pixels cover 144 of 150 pixels of the model input.
    lungs = np.asarray(map_overlay.enlarge(lung_field(), (300, 300), WHOLE)) > 127
    assert np.mean(masks.any(axis=0) != lungs) < 0.01


def test_upper_zones_are_above_and_the_patients_right_is_on_the_left() -> None:
    outlines = zone_outlines(lung_field())
    middles = {zone: np.argwhere(filled(outlines, zone)).mean(axis=0) for zone in explain.ZONES}
    for side in ("right", "left"):
        heights = [middles[f"{side}_{name}"][0] for name in ("upper", "middle", "lower")]
        assert heights == sorted(heights)
    assert middles["right_middle"][1] < 150 < middles["left_middle"][1]


def test_the_zones_lie_inside_the_area_of_the_model_input() -> None:
    area = Area(0.2, 0.1, 0.9, 0.6)
    whole, cropped = zone_outlines(lung_field()), zone_outlines(lung_field(), area)
    for zone in explain.ZONES:
        for before, after in zip(whole.polygons[zone], cropped.polygons[zone], strict=True):
            expected = np.array(before) * (0.7, 0.5) + (0.2, 0.1)
            assert np.allclose(after, expected)


@pytest.mark.parametrize("field", [None, np.zeros((12, 12), np.float32), np.ones((12, 12), np.float32)])
def test_without_two_lungs_the_zones_are_the_boxes_that_are_counted(field: Any) -> None:
    outlines = zone_outlines(field)
    if field is None or not field.any():
        assert not outlines.is_own
        assert outlines.polygons["right_upper"][0][0] == (explain.RIGHT_LUNG[0], explain.LUNG_HEIGHT[0])
        assert outlines.polygons["left_lower"][0][2] == (explain.LEFT_LUNG[1], explain.LUNG_HEIGHT[1])
    assert tuple(outlines.polygons) == explain.ZONES
