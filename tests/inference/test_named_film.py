"""A named film keeps its name, and is read just before it is predicted."""

from __future__ import annotations

from pathlib import Path

import pytest

from pneumonia import Failure, Predictor
from pneumonia.errors import UnreadableImage, UsageError
from pneumonia.inference.named_film import NamedFilm, name_of, source_of


def test_only_paths_and_named_films_have_a_name() -> None:
    assert name_of(NamedFilm("ward 3/film.png", b"bytes")) == "ward 3/film.png"
    assert name_of(Path("film.png")) == "film.png"
    assert name_of(b"bytes") is None


def test_a_function_is_called_for_the_source() -> None:
    assert source_of(NamedFilm("film.png", lambda: b"bytes")) == b"bytes"
    assert source_of(NamedFilm("film.png", b"bytes")) == b"bytes"
    assert source_of("film.png") == "film.png"


def test_results_carry_the_names_in_order(predictor: Predictor) -> None:
    def unreadable() -> bytes:
        raise UnreadableImage("The folder cannot be opened.")

    example = predictor.models[0].bundle.examples[0]
    films = [NamedFilm("first", example), NamedFilm("second", unreadable), NamedFilm("third", example.read_bytes)]
    results = list(predictor.predict_many(films))
    assert [result.file for result in results] == ["first", "second", "third"]
    assert isinstance(results[1], Failure) and results[1].error.code == "unreadable_image"


def test_a_function_is_not_called_far_ahead_of_its_turn(predictor: Predictor) -> None:
    opened: list[int] = []

    def film(number: int) -> NamedFilm:
        def source() -> bytes:
            opened.append(number)
            return predictor.models[0].bundle.examples[0].read_bytes()

        return NamedFilm(str(number), source)

    results = predictor.predict_many(film(number) for number in range(200))
    next(results)
    assert len(opened) < 50
    results.close()  # type: ignore[attr-defined]


def test_an_illegal_operating_point_is_refused_before_a_film_is_opened(predictor: Predictor) -> None:
    with pytest.raises(UsageError, match="operating point"):
        predictor.predict_many([NamedFilm("film", lambda: pytest.fail("the film was opened"))], "best")
