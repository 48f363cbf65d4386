"""What the viewer gets for a film, and when."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pneumonia import Predictor, imaging
from pneumonia.inference import explain
from pneumonia.inference.reading import Reading
from pneumonia.web.viewer import film_view
from pneumonia.web.viewer.film_view import ViewedFilm

from .unpack import unpack


@pytest.fixture
def uploads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    yield tmp_path / "uploads"


@pytest.fixture
def path(tmp_path: Path, normal_film: Any, encode: Any) -> Path:
    path = tmp_path / "film.png"
    path.write_bytes(encode(normal_film, "PNG"))
    return path


def last_description(film: ViewedFilm) -> Any:
    """What the script of the viewer receives of a film."""
    *_, (_, sent, _) = film_view.show(film)
    return json.loads(sent["description"])


def viewed(predictor: Predictor, path: Path) -> ViewedFilm:
    return ViewedFilm(path, predictor.read(path))


def test_the_preview_comes_first_and_then_the_values(
    predictor: Predictor, path: Path, uploads: Path, normal_film: Any
) -> None:
    film = viewed(predictor, path)
    (preview, *nothing), (preview_again, sent, file) = film_view.show(film)
    view = json.loads(sent["description"])
    assert preview_again == preview, "a browser that receives both parts at once keeps the last one only"
    assert np.array_equal(np.asarray(Image.open(preview)), normal_film)
    assert all("value" not in part for part in nothing), "gradio's sign for an output that stays"
    assert sent["film"] == view["film"] == film.token
    values = unpack(Path(file).read_bytes(), (view["height"], view["width"]), np.uint8)
    assert np.array_equal(values, normal_film)
    assert Path(file).is_relative_to(uploads)
    assert len(Path(file).parent.name) == 64, "nobody can guess the name of the folder"


def test_two_requests_have_two_files(predictor: Predictor, path: Path, uploads: Path) -> None:
    film = viewed(predictor, path)
    first, second = (list(film_view.show(film))[-1][2] for _ in range(2))
    assert first != second


def test_the_view_of_the_model_is_its_input(predictor: Predictor, path: Path, uploads: Path) -> None:
    view = last_description(viewed(predictor, path))
    shown = Image.open(io.BytesIO(base64.b64decode(view["model"]["input"].partition(",")[2])))
    assert np.array_equal(np.asarray(shown), imaging.to_input(imaging.read(path))[:, :, 0])
    assert view["model"]["area"] == [0, 0, 1, 1]
    assert len(view["zones"]) == len(explain.ZONES)


@pytest.mark.parametrize("film", [None, ViewedFilm(b"no picture", None), ViewedFilm(Path("deleted.png"), None)])
def test_without_pixels_there_is_nothing_to_show(film: ViewedFilm | None) -> None:
    assert list(film_view.show(film)) == [(None, None, None)]


def test_a_film_without_a_reading_has_no_zones_and_no_view_of_the_model(encode: Any, uploads: Path) -> None:
    film = ViewedFilm(encode(np.arange(900, dtype=np.uint8).reshape(30, 30) % 200, "PNG"), None)
    view = last_description(film)
    assert view["zones"] is None
    assert view["model"] is None


def test_the_film_is_named_by_its_source_and_not_by_its_reading(predictor: Predictor, path: Path) -> None:
    readings: list[Reading | None] = [predictor.read(path), predictor.read(path, age=40), None]
    assert len({ViewedFilm(path, reading).token for reading in readings}) == 1
    assert ViewedFilm(path.with_name("other.png"), None).token != ViewedFilm(path, None).token
    assert str(path) not in ViewedFilm(path, None).token
