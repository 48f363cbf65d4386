"""The prevalence of the page: range, default, and what it changes."""

from __future__ import annotations

import json
import math
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pneumonia import Predictor
from pneumonia.web import film_session, prevalence_control
from tests.support.made_bundles import made_predictor

from .parsed_html import Page

Grey = npt.NDArray[np.uint8]


@pytest.mark.parametrize(
    ("percent", "share"),
    [(1, 0.01), (30, 0.3), (90, 0.9), (12.5, 0.125), (0, 0.01), (-4, 0.01), (300, 0.9), (math.inf, 0.9)],
)
def test_a_percentage_becomes_a_share_within_the_range(percent: float, share: float) -> None:
    assert prevalence_control.to_share(percent) == pytest.approx(share)


@pytest.mark.parametrize("value", [None, "", "30", math.nan, True])
def test_a_field_without_a_number_is_no_prevalence(value: Any) -> None:
    assert prevalence_control.to_share(value) is None


def test_the_slider_shows_the_choice_or_the_prevalence_of_the_model_that_answered(normal_film: Grey) -> None:
    predictor = made_predictor(children={}, adults={"reason": "unlike_training_films"})
    assert prevalence_control.shown_percent(predictor, None, None) == 50
    film = film_session.SessionFilm.from_reading(predictor.read(normal_film), b"")
    assert prevalence_control.shown_percent(predictor, film, None) == 50
    assert prevalence_control.shown_percent(predictor, film, 0.05) == 5


def test_the_prevalence_changes_headline_and_meaning_and_nothing_else(
    predictor: Predictor, large_film: Grey, encode: Callable[..., bytes]
) -> None:
    film, *default = film_session.open_film(predictor, encode(large_film, "PNG"))
    assert film is not None
    headline, bars, depth, steps, guide = film_session.render_answer(predictor, film, "balanced", 0.05)
    assert "a prevalence of 5 %" in Page(headline).text and "a prevalence of 50 %" in Page(default[0]).text
    assert "At a prevalence of 5 %, P(pneumonia) of this film is" in Page(depth).text
    assert [bars, steps, guide] == [default[1], default[3], default[4]]


def test_the_prevalence_is_part_of_the_json(
    predictor: Predictor, large_film: Grey, encode: Callable[..., bytes]
) -> None:
    film = film_session.open_film(predictor, encode(large_film, "PNG"))[0]
    saved = film_session.as_json(predictor, film, "balanced", 0.05)
    assert saved is not None
    answer = json.loads(b64decode(saved["content"]))
    assert answer["prevalence"] == 0.05
    assert answer["predictive_value"]["value"] > 0.99
