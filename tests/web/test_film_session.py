"""One film in a session: it is scored once, decided repeatedly, stored without pixels, and deleted in time."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import numpy.typing as npt
import pytest
from gradio import utils
from PIL import Image
from pypdf import PdfReader

from pneumonia import Predictor
from pneumonia.inference.bundle import Bundle
from pneumonia.inference.decision import OperatingPoint
from pneumonia.inference.model import Model, Score
from pneumonia.web import film_session, page
from pneumonia.web.film_session import SessionFilm
from pneumonia.web.server.upload import Upload
from tests.support.forced_points import ALWAYS_NORMAL, ALWAYS_PNEUMONIA

Grey = npt.NDArray[np.uint8]
POINTS = {
    "balanced": ALWAYS_PNEUMONIA,
    "confirm": ALWAYS_NORMAL,
    "screening": OperatingPoint(0.0, 0.5, 1.0),
}
"""The same film is Pneumonia, Normal or Unknown, by operating point."""


class CountingModel(Model):
    """Counts how often the network is run."""

    scored = 0

    def score(self, input_image: npt.NDArray[np.uint8]) -> Score:
        self.scored += 1
        return super().score(input_image)


class CountingPredictor(Predictor):
    """A predictor with one model that counts how often its network is run."""

    def __init__(self, bundle: Bundle) -> None:
        self.counting_model = CountingModel(bundle, 1)
        super().__init__([self.counting_model])

    @property
    def scored(self) -> int:
        return self.counting_model.scored


@pytest.fixture
def counting(predictor: Predictor) -> CountingPredictor:
    return CountingPredictor(replace(predictor.models[0].bundle, operating_points=POINTS))


@pytest.fixture
def upload(tmp_path: Path, large_film: Grey, encode: Callable[..., bytes]) -> Upload:
    path = tmp_path / "film.png"
    path.write_bytes(encode(large_film, "PNG"))
    return Upload(path, "film.png")


def open_film(predictor: Predictor, film: Upload | bytes, point: str = "balanced") -> SessionFilm:
    session_film = film_session.open_film(predictor, film, point)[0]
    assert session_film is not None
    return session_film


def test_another_operating_point_decides_again_without_scoring_again(
    counting: CountingPredictor, upload: Upload
) -> None:
    session_film, headline, *_ = film_session.open_film(counting, upload, "balanced")
    assert "Pneumonia" in headline
    assert session_film is not None
    for point, label in (("confirm", "Normal"), ("screening", "Unknown"), ("balanced", "Pneumonia")):
        headline, bars, _, steps, guide = film_session.render_answer(counting, session_film, point)
        assert f"> {label}" in headline.replace("</span>", ">")
        assert f"At {point}" in bars
        assert bool(steps) is (label == "Unknown")
        assert "### " in guide
    assert counting.scored == 1


def test_a_session_holds_no_pixels_and_no_name(predictor: Predictor, upload: Upload) -> None:
    session_film = open_film(predictor, upload)
    assert session_film.reading.film.pixels.size == 0
    assert upload.name not in repr(session_film).replace(str(upload.path), "")
    assert max(array.size for array in vars(session_film.reading).values() if isinstance(array, np.ndarray)) < 1000


def test_gradio_can_hash_the_session_state(predictor: Predictor, upload: Upload) -> None:
    """Gradio hashes a state's value after every handler, and an array is not hashable."""
    first, second = open_film(predictor, upload), open_film(predictor, upload)
    hashes = [utils.deep_hash(session_film) for session_film in (first, first, second)]  # type: ignore[no-untyped-call]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_bad_file_leaves_nothing_in_the_session(predictor: Predictor, tmp_path: Path) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n broken")
    session_film, headline, *rest = film_session.open_film(predictor, Upload(path, "broken.png"))
    assert (session_film, rest) == (None, ["", "", "", ""])
    assert "unreadable_image" in headline


def test_a_missing_file_is_an_error(predictor: Predictor) -> None:
    assert "empty_file" in film_session.open_film(predictor, None)[1]


def test_the_picture_of_an_inverted_film_shows_it_corrected(
    predictor: Predictor, large_film: Grey, encode: Callable[..., bytes]
) -> None:
    upright, inverted = (open_film(predictor, encode(film, "PNG")) for film in (large_film, 255 - large_film))
    np.testing.assert_array_equal(np.asarray(film_session.picture(upright)), np.asarray(film_session.picture(inverted)))


def test_the_picture_of_a_refused_film_shows_it_as_it_is(
    predictor: Predictor, normal_film: Grey, encode: Callable[..., bytes]
) -> None:
    turned = np.ascontiguousarray(np.rot90(normal_film))
    np.testing.assert_array_equal(np.asarray(film_session.picture(open_film(predictor, encode(turned, "PNG")))), turned)


def test_the_map_has_the_size_of_the_preview(counting: CountingPredictor, encode: Callable[..., bytes]) -> None:
    wide = Image.fromarray(np.asarray(film_session.picture(open_film(counting, _example(counting))))).resize(
        (2400, 1900)
    )
    session_film = open_film(counting, encode(wide, "PNG"))
    layer, panel = film_session.render_activation(counting, session_film, "balanced")
    assert layer.size == film_session.picture(session_film).size == (1200, 950)  # type: ignore[union-attr]
    assert 'id="opacity"' in panel
    assert counting.scored == 2


def test_normal_has_no_map_and_says_why(counting: CountingPredictor, upload: Upload) -> None:
    session_film = open_film(counting, upload)
    layer, panel = film_session.render_activation(counting, session_film, "confirm")
    assert layer is None
    assert "no map for Normal" in panel
    assert film_session.map_offer(counting, session_film, "screening") == (True, "")
    assert film_session.map_offer(counting, session_film, "confirm") == (False, panel)


def test_a_refused_film_has_no_map(predictor: Predictor, upload: Upload, large_film: Grey, encode: Any) -> None:
    session_film = open_film(predictor, encode(large_film.T.copy(), "PNG"))
    assert film_session.render_activation(predictor, session_film, "balanced") == (
        None,
        f'<div class="activation"><p>{film_session.activation_panel.NOT_RUN}</p></div>',
    )
    assert film_session.map_offer(predictor, session_film, "balanced") == (False, "")


def test_a_deleted_film_has_no_picture_but_still_an_answer(counting: CountingPredictor, upload: Upload) -> None:
    session_film = open_film(counting, upload)
    upload.path.unlink()
    assert film_session.picture(session_film) is None
    layer, panel = film_session.render_activation(counting, session_film, "balanced")
    assert layer is None
    assert "10 minutes" in panel
    assert "Pneumonia" in film_session.render_answer(counting, session_film, "balanced")[0]


def test_the_saved_answer_is_the_apis_and_names_no_file(predictor: Predictor, upload: Upload) -> None:
    session_film = open_film(predictor, upload)
    saved = film_session.as_json(predictor, session_film, "screening")
    assert saved is not None
    assert (saved["name"], saved["kind"]) == ("chest-film-answer.json", "application/json")
    answer = json.loads(base64.b64decode(saved["content"]))
    assert answer == {**predictor.predict(upload.path, "screening").as_dict(), "file": None}
    assert film_session.as_json(predictor, None, "screening") is None


def test_the_report_is_a_page_with_what_was_typed(predictor: Predictor, upload: Upload) -> None:
    saved = film_session.as_pdf(predictor, open_film(predictor, upload), "balanced", "bed seven", 0.2)
    assert saved is not None
    assert saved["kind"] == "application/pdf"
    (page,) = PdfReader(io.BytesIO(base64.b64decode(saved["content"]))).pages
    assert "bed seven" in page.extract_text()
    assert "film.png" not in page.extract_text()


def test_there_is_no_report_of_a_deleted_film(predictor: Predictor, upload: Upload) -> None:
    session_film = open_film(predictor, upload)
    upload.path.unlink()
    assert film_session.as_pdf(predictor, session_film, "balanced") is None
    assert film_session.as_pdf(predictor, None, "balanced") is None


def _example(predictor: Predictor) -> bytes:
    return predictor.models[0].bundle.examples[0].read_bytes()


def test_the_session_state_expires_with_the_retention(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMONIA_RETENTION_S", "77")
    states = [block for block in page.build(predictor).blocks.values() if isinstance(block, gr.State)]
    assert 77 in [state.time_to_live for state in states]


def test_the_map_of_a_framed_film_covers_the_film_only(
    counting: Predictor, large_film: Grey, encode: Callable[..., bytes]
) -> None:
    """The session keeps the area of the film without its pixels."""
    session_film = open_film(counting, encode(np.pad(large_film, 100, constant_values=255), "PNG"))
    layer, _ = film_session.render_activation(counting, session_film, "balanced")
    assert layer.size == (1100, 900)
    opacity = np.asarray(layer.convert("RGBA"))[:, :, 3]
    assert opacity[:100].max() == opacity[:, :100].max() == opacity[-100:].max() == opacity[:, -100:].max() == 0
    assert opacity[100:-100, 100:-100].max() == 255
