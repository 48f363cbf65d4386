"""An image in false colours has a warning and no answer; tints, letters and colour scales without loss have one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pytest

from pneumonia.imaging import has_false_colours, read
from pneumonia.imaging.false_colours import FALSE_COLOUR_WARNING
from pneumonia.imaging.greyscale import COLOUR_WARNING
from pneumonia.inference.decision import UNKNOWN
from pneumonia.inference.predictor import Predictor
from tests.support.colour_scales import STOPS, Colours, scale

Grey: TypeAlias = npt.NDArray[np.uint8]
Encode: TypeAlias = Callable[..., bytes]

RAINBOW = [(0, 0, 128), (0, 0, 255), (0, 255, 255), (255, 255, 0), (255, 0, 0), (128, 0, 0)]


def rainbow(film: Grey) -> Colours:
    """The film in a rainbow scale."""
    return scale(RAINBOW)[film]


def below_a_heat_map(film: Grey) -> Colours:
    """The film below a heat map of equal weight, whose values have nothing to do with those of the film."""
    heat = np.tile(np.linspace(0, 255, film.shape[1]).astype(np.uint8), (film.shape[0], 1))
    mixed: Colours = (film[:, :, None] // 2 + scale(RAINBOW)[heat] // 2).astype(np.uint8)
    return mixed


def violet_to_yellow(film: Grey) -> Colours:
    """The film in the default scale of a plotting program."""
    return scale(STOPS["violet to yellow"])[film]


def tinted(film: Grey) -> Colours:
    """The film on a blue base."""
    colours: Colours = np.rint(film[:, :, None] * np.array([0.6, 0.8, 1.0])).astype(np.uint8)
    return colours


def with_coloured_letters(film: Grey) -> Colours:
    """The film with letters and an arrow in three colours, on 6 % of it."""
    colours = np.repeat(film[:, :, None], 3, axis=2)
    height, width = film.shape
    for number, colour in enumerate([(255, 0, 0), (255, 255, 0), (0, 255, 0)]):
        top = height * number // 4
        colours[top : top + height // 10, : width // 5] = colour
    return colours


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("colour", [rainbow, below_a_heat_map])
def test_false_colours_have_a_warning_and_no_answer(
    colour: Callable[[Grey], Colours], kind: str, full_range_film: Grey, encode: Encode, predictor: Predictor
) -> None:
    prediction = predictor.predict(encode(colour(full_range_film), kind))
    assert prediction.warnings[:2] == (COLOUR_WARNING, FALSE_COLOUR_WARNING)
    assert (prediction.label, prediction.probability) == (UNKNOWN, None)
    assert prediction.reason is not None and prediction.reason.code == "unlike_training_films"


def test_a_colour_scale_is_false_only_if_its_levels_are_lost(full_range_film: Grey, encode: Encode) -> None:
    pixels = violet_to_yellow(full_range_film)
    assert not has_false_colours(read(encode(pixels, "PNG")))
    assert has_false_colours(read(encode(pixels, "JPEG")))


@pytest.mark.parametrize("depth", [np.uint16, np.float64])
def test_false_colours_are_recognised_at_any_depth(depth: type, full_range_film: Grey) -> None:
    pixels = rainbow(full_range_film)
    deep = pixels / 255 if depth is np.float64 else pixels.astype(np.uint16) * 257
    assert has_false_colours(read(deep))
    assert not has_false_colours(read(np.repeat(deep[:, :, :1], 3, axis=2)))


@pytest.mark.parametrize("colour", [tinted, with_coloured_letters])
def test_a_tint_and_letters_are_no_false_colours(
    colour: Callable[[Grey], Colours], full_range_film: Grey, encode: Encode
) -> None:
    assert read(encode(colour(full_range_film), "PNG")).warnings == (COLOUR_WARNING,)
