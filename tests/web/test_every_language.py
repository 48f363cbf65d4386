"""Page, reading guide and report in every language, and two users in two languages at the same time."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from pypdf import PdfReader

from pneumonia import Prediction, Predictor
from pneumonia.errors import UnreadableImage
from pneumonia.inference import explain
from pneumonia.inference.decision import CLASSES, REASONS, UNKNOWN, Failure, Reason
from pneumonia.languages import LANGUAGES, use_language
from pneumonia.messages import message, translate
from pneumonia.reporting import pdf_report, reading_guide
from pneumonia.reporting.pdf_text import NO_GLYPH
from pneumonia.web import activation_panel, answer_panel, page, page_text

MAP = np.eye(9, dtype=np.float32)[::-1]
PLACEHOLDER = re.compile(r"\{\w+[^{}]*\}|%\(\w+\)s|%%")


def predictions(predictor: Predictor) -> Iterator[Prediction]:
    """An answer of each label, for each population, and each reason for Unknown."""
    zones = explain.zone_shares(MAP)
    for model in predictor.models:
        for label, probability in ((CLASSES[0], 0.08), (CLASSES[1], 0.93), (UNKNOWN, 0.5)):
            reason = Reason("inconclusive") if label == UNKNOWN else None
            yield Prediction("film.png", label, probability, "screening", reason,
                             None if label == CLASSES[0] else zones, model.identity,
                             warnings=("A warning.",), population=model.population.name)  # fmt: skip
    for code in REASONS:
        if code != "inconclusive":
            yield Prediction("film.png", UNKNOWN, None, "balanced", Reason(code), None, predictor.models[0].identity)


def bundle_of(predictor: Predictor, prediction: Prediction) -> Any:
    return next(model for model in predictor.models if model.identity == prediction.model).bundle


def texts(part: Any) -> Iterator[str]:
    """All strings of a configuration."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        yield from (text for value in part.values() for text in texts(value))
    elif isinstance(part, (list, tuple)):
        yield from (text for value in part for text in texts(value))


@pytest.fixture(scope="module")
def blocks(predictor: Predictor) -> Any:
    return page.build(predictor)


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_page_is_translated_and_has_no_empty_placeholder(blocks: Any, code: str) -> None:
    with use_language(code):
        config = blocks.config
    values = [
        component["props"].get(name) for component in config["components"] for name in ("value", "label", "choices")
    ]
    shown = [text for text in texts(values) if text]
    assert [text for text in shown if PLACEHOLDER.fullmatch(text)] == []
    assert any(translate(message("Operating point"), code) in text for text in shown)
    assert config["title"] == translate(message("Chest-film assistant"), code)


@pytest.mark.parametrize("code", LANGUAGES)
def test_answers_and_reading_guides(predictor: Predictor, code: str) -> None:
    with use_language(code):
        for prediction in predictions(predictor):
            bundle = bundle_of(predictor, prediction)
            guide = translate(reading_guide.describe(prediction, in_lungs=True))
            html = [
                page_text.headline(prediction, bundle),
                answer_panel.steps(prediction),
                activation_panel.panel(prediction, bundle.served_run, in_lungs=True),
            ]
            assert not PLACEHOLDER.search(guide)
            assert [text for text in html if PLACEHOLDER.search(text)] == []
        assert page_text.failure(Failure("film.png", UnreadableImage(message("The file is empty (0 bytes)."))))


@pytest.mark.parametrize("code", LANGUAGES)
def test_reports(predictor: Predictor, code: str) -> None:
    film = np.full((200, 180), 90, np.uint8)
    with use_language(code):
        for prediction in list(predictions(predictor))[:4]:
            document = pdf_report.render_pdf(
                film, prediction, MAP if prediction.probability else None, bundle=bundle_of(predictor, prediction)
            )
            reader = PdfReader(io.BytesIO(document))
            text = "".join(reader.pages[0].extract_text().split())
            title = translate(pdf_report.REPORT_TITLE)
            assert len(reader.pages) == 1 and reader.metadata and reader.metadata.title == title
            assert "".join(title.split()) in text
            assert NO_GLYPH not in text


def test_two_users_in_two_languages_at_the_same_time(predictor: Predictor) -> None:
    shown = list(predictions(predictor))

    def headlines(code: str) -> list[str]:
        with use_language(code):
            return [page_text.headline(prediction, bundle_of(predictor, prediction)) for prediction in shown * 3]

    one_by_one = [headlines(code) for code in LANGUAGES]
    with ThreadPoolExecutor(len(LANGUAGES)) as pool:
        assert list(pool.map(headlines, LANGUAGES)) == one_by_one
