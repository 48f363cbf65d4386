"""A film in a uniform frame is answered as without the frame, and its activation map lies on the film."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from pneumonia import Predictor
from pneumonia.cli.heatmaps import HeatmapFolder
from pneumonia.imaging import FRAME_WARNING, WHOLE, Area, to_input
from pneumonia.inference import map_overlay
from pneumonia.inference.model import Model
from tests.support.forced_points import ALWAYS_PNEUMONIA

Grey = npt.NDArray[np.uint8]
Encode = Callable[..., bytes]


@pytest.fixture(scope="module")
def film(large_film: Grey) -> Grey:
    """A film that the gate accepts, of 450 x 350 pixels, brighter than black everywhere."""
    small = np.asarray(Image.fromarray(large_film).resize((450, 350), Image.Resampling.BOX))
    return np.rint(30 + 0.85 * small).astype(np.uint8)


@pytest.fixture(scope="module")
def alarmist(predictor: Predictor) -> Predictor:
    """The embedded model with a threshold at which every film is called Pneumonia, so that it has a map."""
    points = dict.fromkeys(predictor.models[0].operating_points, ALWAYS_PNEUMONIA)
    return Predictor([Model(dataclasses.replace(predictor.models[0].bundle, operating_points=points), 1)])


@pytest.mark.parametrize("level", [0, 120, 255])
@pytest.mark.parametrize("depth", [5, 10, 40, 90])
def test_the_prediction_is_that_of_the_film(level: int, depth: int, film: Grey, predictor: Predictor) -> None:
    plain, framed = predictor.predict(film), predictor.predict(np.pad(film, depth, constant_values=level))
    assert plain.probability is not None
    assert framed.probability == plain.probability
    assert (framed.label, framed.zones, framed.reason) == (plain.label, plain.zones, plain.reason)
    assert plain.warnings == ()
    assert len(framed.warnings) == 1
    assert framed.warnings[0].startswith(FRAME_WARNING)


def test_an_inverted_film_in_a_frame_is_corrected(film: Grey, predictor: Predictor) -> None:
    inverted = predictor.read(np.pad(255 - film, 20, constant_values=255))
    assert inverted.inverted
    np.testing.assert_array_equal(to_input(inverted.film), to_input(predictor.read(film).film))


def test_the_map_lies_on_the_film_inside_the_frame(film: Grey, predictor: Predictor) -> None:
    framed = np.pad(film, ((30, 20), (10, 40)), constant_values=255)
    reading, plain = predictor.read(framed), predictor.read(film)
    assert reading.activation is not None and plain.activation is not None
    np.testing.assert_array_equal(reading.activation, plain.activation)
    drawn = np.asarray(map_overlay.overlay(reading.display(framed), reading.activation, area=reading.area))
    np.testing.assert_array_equal(drawn[30:-20, 10:-40], np.asarray(map_overlay.overlay(film, plain.activation)))
    outside = np.ones(framed.shape, bool)
    outside[30:-20, 10:-40] = False
    assert (drawn[outside] == 255).all()


def test_the_layer_is_transparent_on_the_frame() -> None:
    activation = np.ones((18, 18), np.float32)
    layer = np.asarray(map_overlay.map_layer(activation, (100, 80), Area(0.1, 0.25, 0.9, 1.0)).convert("RGBA"))[:, :, 3]
    assert (layer[20:, 10:90] == 255).all()
    assert layer[:20].max() == layer[:, :10].max() == layer[:, 90:].max() == 0


def test_the_area_of_a_film_without_a_frame_is_the_whole_film(film: Grey, predictor: Predictor) -> None:
    assert predictor.read(film).area == WHOLE


def test_the_area_fits_a_jpeg_that_was_decoded_at_reduced_size(
    film: Grey, predictor: Predictor, encode: Encode
) -> None:
    large = Image.fromarray(np.pad(film, 50, constant_values=255)).resize((550 * 5, 450 * 5))
    data = encode(large, "JPEG", quality=95)
    reading = predictor.read(data)
    displayed = reading.display(data)
    assert displayed.shape == (450 * 5, 550 * 5)
    box = reading.area.box(displayed.shape[1], displayed.shape[0])
    assert max(abs(found - true) for found, true in zip(box, (250, 250, 2500, 2000), strict=True)) <= 8


def test_the_heat_map_of_the_command_line_has_the_frame(film: Grey, alarmist: Predictor, tmp_path: Path) -> None:
    framed = np.pad(film, 40, constant_values=255)
    with HeatmapFolder(tmp_path / "maps") as folder:
        path = folder.write(alarmist.read(framed), framed)
        assert path is not None
        with Image.open(path) as picture:
            drawn = np.asarray(picture)
    assert drawn.shape == (*framed.shape, 3)
    assert (drawn[:40] == 255).all() and (drawn[:, -40:] == 255).all()
