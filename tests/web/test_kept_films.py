"""Films that survive a change of the language."""

from __future__ import annotations

from typing import Any

import pytest

from pneumonia.web.kept_films import KEEP_S, MAX_FILMS, KeptFilm, KeptFilms


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def film(name: str) -> KeptFilm:
    session_film: Any = name  # never opened here
    return KeptFilm(session_film, "balanced", "file", None)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_token_is_valid_once(clock: Clock) -> None:
    films = KeptFilms(clock)
    token = films.keep(film("one"), None)
    assert films.take(token, None) == film("one")
    assert films.take(token, None) is None


@pytest.mark.parametrize("token", [None, "", "other"])
def test_an_unknown_token_has_no_film(token: str | None, clock: Clock) -> None:
    films = KeptFilms(clock)
    films.keep(film("one"), None)
    assert films.take(token, None) is None


def test_another_user_does_not_get_the_film(clock: Clock) -> None:
    films = KeptFilms(clock)
    assert films.take(films.keep(film("one"), "reader"), "other") is None
    assert films.take(films.keep(film("one"), "reader"), None) is None
    assert films.take(films.keep(film("one"), "reader"), "reader") == film("one")


def test_a_film_expires(clock: Clock) -> None:
    films = KeptFilms(clock)
    token = films.keep(film("one"), None)
    clock.now += KEEP_S + 1
    assert films.take(token, None) is None


def test_the_number_of_films_is_bounded(clock: Clock) -> None:
    films = KeptFilms(clock)
    tokens = [films.keep(film(str(index)), None) for index in range(MAX_FILMS + 1)]
    assert films.take(tokens[0], None) is None
    assert films.take(tokens[-1], None) == film(str(MAX_FILMS))
