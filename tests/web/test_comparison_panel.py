"""The film that the gate refused beside a class average, on the page and in the report."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from pypdf import PdfReader

from pneumonia import Predictor
from pneumonia.web import film_session
from pneumonia.web.film_session import SessionFilm
from pneumonia.web.server.upload import Upload

from .parsed_html import Page

Grey = npt.NDArray[np.uint8]


@pytest.fixture
def refused(predictor: Predictor, large_film: Grey, encode: Callable[..., bytes]) -> SessionFilm:
    film = film_session.open_film(predictor, encode(large_film.T.copy(), "PNG"))[0]
    assert film is not None and film.reading.refusal is not None
    return film


def pictures(page: Page) -> list[Image.Image]:
    sources = [str(attributes["src"]) for name, attributes in page.elements if name == "img"]
    return [
        Image.open(io.BytesIO(base64.b64decode(source.removeprefix("data:image/png;base64,")))) for source in sources
    ]


def test_the_panel_shows_the_film_beside_the_class_average_and_says_why(
    predictor: Predictor, refused: SessionFilm
) -> None:
    page = Page(film_session.comparison(predictor, refused))
    assert page.open == []
    film, average = pictures(page)
    assert film.size == average.size == (150, 150)
    examples = predictor.model_of(refused.reading).bundle.examples
    assert any(average.tobytes() == Image.open(path).tobytes() for path in examples)
    assert "Why this film was refused" in page.text
    assert "the class average that it resembles most" in page.text
    assert "above" in page.text
    assert all(attributes.get("alt") for name, attributes in page.elements if name == "img")


def test_a_blank_film_stands_alone(predictor: Predictor, encode: Callable[..., bytes]) -> None:
    blank = film_session.open_film(predictor, encode(np.full((200, 200), 90, np.uint8), "PNG"))[0]
    page = Page(film_session.comparison(predictor, blank))
    assert len(pictures(page)) == 1
    assert "At least 4 is needed" in page.text
    assert "table" not in [name for name, _ in page.elements]


def test_nothing_is_compared_without_a_refusal_or_a_film(
    predictor: Predictor, large_film: Grey, encode: Callable[..., bytes], tmp_path: Path
) -> None:
    scored = film_session.open_film(predictor, encode(large_film, "PNG"))[0]
    path = tmp_path / "film.png"
    path.write_bytes(encode(large_film.T.copy(), "PNG"))
    deleted = film_session.open_film(predictor, Upload(path, "film.png"))[0]
    path.unlink()
    assert [film_session.comparison(predictor, film) for film in (None, scored, deleted)] == ["", "", ""]


def test_the_report_has_the_average_and_the_reason(predictor: Predictor, refused: SessionFilm) -> None:
    saved = film_session.as_pdf(predictor, refused, "balanced")
    assert saved is not None
    (page,) = PdfReader(io.BytesIO(base64.b64decode(saved["content"]))).pages
    text = " ".join(page.extract_text().split())
    assert len(page.images) == 2
    assert "Average of 64 typical" in text
    report = film_session.gate_report_of(predictor, refused)
    assert report is not None
    from pneumonia.reporting import gate_wording

    assert gate_wording.describe_report(report) in text
