"""The age selector of the page: which model reads the film, and what is known about the age afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pneumonia import Predictor
from pneumonia.inference.populations import POPULATIONS, of_age
from pneumonia.web import age_groups, film_session
from pneumonia.web.film_tab import _FilmTab
from pneumonia.web.lane import Lane
from pneumonia.web.server.upload import Upload
from tests.support.made_bundles import made_predictor

Grey = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def both() -> Predictor:
    return made_predictor(children={"resemblance": 9.0}, adults={"probability": 0.93})


@pytest.fixture
def upload(tmp_path: Path, large_film: Grey, encode: Callable[..., bytes]) -> Upload:
    path = tmp_path / "film.png"
    path.write_bytes(encode(large_film, "PNG"))
    return Upload(path, "film.png")


def test_each_choice_is_an_age_group() -> None:
    values = [value for _, value in age_groups.CHOICES]
    assert values == [age_groups.FROM_FILE, *POPULATIONS, "other"]
    assert [of_age(age_groups._AGES[name] or 0) for name in POPULATIONS] == list(POPULATIONS.values())
    assert of_age(age_groups._AGES["other"] or 0) is None


@pytest.mark.parametrize(
    ("group", "population", "source"),
    [("file", "children", None), ("children", "children", "stated"), ("adults", "adults", "stated")],
)
def test_the_group_selects_the_model_and_no_age_is_invented(
    both: Predictor, upload: Upload, group: str, population: str, source: str | None
) -> None:
    prediction = both.decide(age_groups.read(both, upload.path, group))
    assert (prediction.population, prediction.age, prediction.age_source) == (population, None, source)


def test_another_group_reads_the_film_again_with_the_points_of_its_model(both: Predictor, upload: Upload) -> None:
    session_film, headline, *_ = film_session.open_film(both, upload)
    assert session_film is not None
    assert "Model for children" in headline
    again, headline, bars, *_ = film_session.reread_film(both, session_film, "balanced", "adults")
    assert again is not None
    assert "Model for adults" in headline
    assert "93 %" in bars
    _, headline, bars, _, steps, _ = film_session.reread_film(both, again, "balanced", "other")
    assert "No model covers" in headline
    assert "Patient&#39;s age" in steps
    assert bars == ""


def test_a_deleted_film_is_not_read_again(both: Predictor, upload: Upload) -> None:
    session_film = film_session.open_film(both, upload)[0]
    assert session_film is not None
    upload.path.unlink()
    again, headline, *_ = film_session.reread_film(both, session_film, "balanced", "adults")
    assert again is None
    assert "Film deleted" in headline


def test_the_figures_are_those_of_the_model_that_answered(both: Predictor, upload: Upload) -> None:
    choices, note, lines = film_session.model_texts(both, None)
    assert "sensitivity" not in choices[0][0] + note
    assert ("children" in lines, "adults" in lines) == (True, True)
    session_film = film_session.open_film(both, upload, age_group="adults")[0]
    choices, note, lines = film_session.model_texts(both, session_film)
    assert "sensitivity" in choices[0][0]
    assert "\u00a0%" in choices[0][0] and " %" not in choices[0][0], "a line break divides no percentage"
    assert ("children" in lines, "adults" in lines) == (False, True)


@pytest.mark.parametrize(("age_used", "group"), [(False, "adults"), (True, "file")])
def test_the_next_film_does_not_inherit_the_age_group(
    both: Predictor, upload: Upload, age_used: bool, group: str
) -> None:
    import gradio as gr

    with gr.Blocks():
        tab: Any = _FilmTab(both, Lane())
    shown = tab._open_film(upload, "balanced", "adults", age_used)
    outputs = tab._layout.film_outputs
    assert len(shown) == len(outputs)
    values = {id(output): value for output, value in zip(outputs, shown, strict=True)}
    assert (values[id(tab._layout.age)], values[id(tab._layout.age_used)]) == (group, True)
