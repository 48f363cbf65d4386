"""The result picture: its texts, its film, and what is drawn on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from pneumonia import Predictor
from pneumonia.errors import TooSmall
from pneumonia.inference.decision import Failure, Prediction
from pneumonia.inference.reading import Reading
from pneumonia.languages import LANGUAGES, use_language
from pneumonia.reporting import result_lines
from pneumonia.reporting.picture_text import TextStyle, line_width, lines_of
from pneumonia.reporting.result_picture import NOTICE_BAND, WIDTH, ZONE_COLOUR, ResultPicture, draw_result
from tests.support.source_films import average

Grey = npt.NDArray[np.uint8]
NOW = datetime(2026, 11, 3, 14, 5, tzinfo=UTC)
STYLE = TextStyle(18, (255, 255, 255))
FAILURE = Failure("DOE^JANE.dcm", TooSmall("The image is too small. Received: 20 x 30."))


def draw(predictor: Predictor, film: Grey, **options: Any) -> tuple[ResultPicture, Prediction, Reading]:
    reading = predictor.read(film)
    prediction = predictor.decide(reading, **options)
    picture = draw_result(reading.display(film), prediction, reading, predictor.model_of(reading), NOW)
    return picture, prediction, reading


def count(picture: ResultPicture, colour: tuple[int, int, int]) -> int:
    """The number of pixels of exactly this colour."""
    return int((picture.pixels == np.array(colour, np.uint8)).all(axis=2).sum())


def test_pneumonia_has_map_zones_and_notice(predictor: Predictor) -> None:
    picture, prediction, _ = draw(predictor, average("Pneumonia"))
    assert prediction.label == "Pneumonia"
    assert picture.pixels.shape[1] == WIDTH and picture.pixels.dtype == np.uint8
    assert count(picture, NOTICE_BAND) > WIDTH * 20
    assert count(picture, ZONE_COLOUR) > 1000  # the outlines
    film = picture.pixels[200 : 200 + WIDTH // 2].astype(int)
    assert int((film[..., 0] - film[..., 2] > 40).sum()) > 500  # the map is orange


def test_normal_has_the_film_alone(predictor: Predictor) -> None:
    picture, prediction, _ = draw(predictor, average("Normal"))
    assert prediction.label == "Normal"
    assert count(picture, ZONE_COLOUR) == 0


def test_the_film_is_the_same_as_for_display(predictor: Predictor) -> None:
    """At its own size a film is not changed."""
    film = np.asarray(Image.fromarray(average("Normal")).resize((WIDTH, WIDTH)))
    picture, *_ = draw(predictor, film)
    assert picture.scale == 1
    rows = range(picture.pixels.shape[0] - WIDTH)
    assert any(np.array_equal(picture.pixels[row : row + WIDTH, :, 1], film) for row in rows)


@pytest.mark.parametrize(("size", "scale"), [((2400, 1920), WIDTH / 2400), ((192, 240), 4), ((240, 480), 2)])
def test_a_film_of_any_size_fills_the_width_or_the_height(
    predictor: Predictor, size: tuple[int, int], scale: float
) -> None:
    film = np.asarray(Image.fromarray(average("Normal")).resize(size))
    picture = draw_result(film, FAILURE, None, None, NOW)
    assert picture.scale == pytest.approx(scale)


def test_an_error_is_a_card_that_says_so() -> None:
    picture = draw_result(None, FAILURE, None, None, NOW)
    assert picture.scale is None and picture.pixels.shape[0] < 500
    lines = result_lines.result_lines(FAILURE, None, NOW)
    assert lines.heading == "No answer"
    assert lines.reasons == ["The image is too small. Received: 20 x 30. (too_small)"]


def test_the_lines_are_those_of_the_answer(predictor: Predictor) -> None:
    _, prediction, reading = draw(predictor, average("Pneumonia"), prevalence=0.001)
    model = predictor.model_of(reading)
    lines = result_lines.result_lines(replace(prediction, warnings=("Low resolution.",)), model, NOW)
    assert (lines.label, lines.heading, lines.value) == ("Pneumonia", "Pneumonia", "P(pneumonia) over 99 %")
    text = " ".join([*lines.reasons, *lines.details, *lines.identity])
    for expected in (
        "At balanced: Normal below",
        "At a prevalence of 0.1 %, P(pneumonia) of this film is",
        "Model for children of 1-5 years",
        "⚠ Low resolution.",
        prediction.model.sha256,
        "Created 2026-11-03 14:05 UTC",
    ):
        assert expected in text
    assert text.count("P(pneumonia) of this film is") == 1


def test_the_reason_for_unknown_stands_beside_the_label(predictor: Predictor) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (300, 300)).astype(np.uint8)
    _, prediction, reading = draw(predictor, noise)
    assert prediction.reason is not None
    lines = result_lines.result_lines(prediction, predictor.model_of(reading), NOW)
    assert lines.value == "" and lines.reasons == [prediction.reason.message]
    assert "Operating point: balanced." in lines.details


def test_the_file_name_is_not_in_the_lines(predictor: Predictor) -> None:
    _, prediction, reading = draw(predictor, average("Normal"), file="DOE^JANE.dcm")
    lines = result_lines.result_lines(prediction, predictor.model_of(reading), NOW)
    assert "DOE" not in repr(lines) and "DOE" not in repr(result_lines.result_lines(FAILURE, None, NOW))


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_is_drawn(language: str) -> None:
    with use_language(language):
        picture = draw_result(None, FAILURE, None, None, NOW)
        assert lines_of(result_lines.NO_ANSWER, WIDTH, STYLE)
    assert count(picture, (232, 234, 238)) > 500


def test_long_texts_of_the_heading_get_lines_of_their_own() -> None:
    """A translation may be longer than the English text; none is cut off."""
    from pneumonia.reporting.result_picture import _answer

    short, long = (
        _answer(result_lines.ResultLines("Unknown", "Unknown", value)) for value in ("P 50 %", "P(pneumonia) " * 4)
    )
    assert long.height > short.height


def test_lines_are_wrapped_at_spaces_and_fit() -> None:
    text = "Of 100 films answered Pneumonia at this operating point, pneumonia is present in about 93."
    lines = lines_of(text, 300, STYLE)
    assert " ".join(lines) == text and len(lines) > 2
    assert all(line_width(line, STYLE) <= 300 for line in lines)


def test_chinese_is_wrapped_without_spaces_and_not_before_punctuation() -> None:
    with use_language("zh"):
        lines = lines_of("使分数升高的肺部区域，不证明有病变。" * 6, 300, STYLE)
        assert "".join(lines) == "使分数升高的肺部区域，不证明有病变。" * 6
        assert not any(line[0] in "，。" for line in lines)
        assert all(line_width(line, STYLE) <= 300 + STYLE.size for line in lines)


def test_a_long_word_is_split_and_an_unknown_character_is_a_box() -> None:
    assert "".join(lines_of("x" * 200, 300, STYLE)) == "x" * 200
    assert lines_of("\U0001f600", 300, STYLE) == ["□"]
    assert lines_of("a\u00a0b c", 300, STYLE) == ["a\u00a0b c"]
    assert lines_of("", 300, STYLE) == []
