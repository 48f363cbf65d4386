"""Headline and texts of the page: words, shapes, escaping, warnings and errors."""

from __future__ import annotations

from typing import Any

import pytest

from pneumonia.errors import EmptyFile, InternalError, NoPixels, UnreadableImage, UnsupportedFormat
from pneumonia.inference.decision import REASONS, UNKNOWN, Failure, Reason
from pneumonia.inference.populations import ADULTS, CHILDREN, Population
from pneumonia.web import page_text

from .parsed_html import SCRIPT, Page, answer

LABELS = ["Normal", "Pneumonia", UNKNOWN]


def test_each_answer_has_its_own_shape_word_and_class() -> None:
    pages = {label: Page(page_text.headline(answer(label, 0.5))) for label in LABELS}
    shapes = set()
    for label, page in pages.items():
        shape, word = page.text.split()[:2]
        assert word == label
        shapes.add(shape)
        assert page.elements[0] == ("div", {"class": f"answer {label.lower()}", "role": "status"})
        assert page.open == []
    assert len(shapes) == 3


def test_the_shape_is_not_read_aloud() -> None:
    page = Page(page_text.headline(answer("Normal", 0.2)))
    assert ("span", {"class": "mark", "aria-hidden": "true"}) in page.elements


@pytest.mark.parametrize(
    ("label", "probability", "expected"),
    [
        ("Pneumonia", 0.931, "Pneumonia P(pneumonia) 93 %"),
        ("Normal", 0.2, "Normal P(pneumonia) 20 %"),
        ("Normal", 0.001, "Normal P(pneumonia) under 1 %"),
        (UNKNOWN, 0.6, "Unknown P(pneumonia) 60 %"),
    ],
)
def test_an_answer_has_the_probability_of_pneumonia(label: str, probability: float, expected: str) -> None:
    assert expected in Page(page_text.headline(answer(label, probability))).text


@pytest.mark.parametrize("code", REASONS)
def test_unknown_has_a_reason_and_a_probability_only_if_scored(code: str) -> None:
    page = Page(page_text.headline(answer(UNKNOWN, 0.5 if code == "inconclusive" else None, reason=Reason(code))))
    assert REASONS[code] in page.text
    assert ("P(pneumonia) 50 %" in page.text) is (code == "inconclusive")


def test_each_warning_is_shown_and_escaped() -> None:
    html = page_text.headline(answer("Normal", 0.2, warnings=("Low resolution.", SCRIPT)))
    page = Page(html)
    assert page.elements.count(("p", {"class": "warning"})) == 2
    assert "Low resolution." in page.text
    assert SCRIPT in page.text
    assert "script" not in page.names
    assert "<script" not in html


def test_the_name_of_a_film_is_not_part_of_the_headline() -> None:
    assert "film" not in page_text.headline(answer("Normal", 0.2)).replace("answer", "")


def test_a_failure_shows_message_and_code_and_is_announced() -> None:
    page = Page(page_text.failure(Failure("film.png", UnreadableImage("The picture is damaged."))))
    assert page.elements[0] == ("div", {"class": "answer failed", "role": "alert"})
    assert "No answer" in page.text
    assert "The picture is damaged." in page.text
    assert "unreadable_image" in page.text
    assert page.open == []


def test_a_failure_says_what_to_do_unless_its_message_does() -> None:
    assert "export the film again" in page_text.failure(Failure(None, EmptyFile("The file is empty (0 bytes).")))
    assert "Choose the file of the image" in page_text.failure(Failure(None, NoPixels("It contains no image.")))
    assert "again" not in page_text.failure(Failure(None, UnsupportedFormat("Allowed: PNG. Received: a PDF.")))


def test_the_browser_completes_the_sentence_on_a_large_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMONIA_MAX_FILE_MB", "7")
    (attributes,) = [values for name, values in Page(page_text.sending()).elements if name == "div"]
    assert attributes["data-max-bytes"] == "7000000"
    assert attributes["data-large"] == "The file is too large. Allowed: 7 MB. Received: {size} MB."


def test_a_failure_is_escaped() -> None:
    html = page_text.failure(Failure(SCRIPT, UnreadableImage(SCRIPT)))
    assert "script" not in Page(html).names
    assert "<script" not in html
    assert SCRIPT in Page(html).text


def test_an_internal_error_shows_its_id_only() -> None:
    page = Page(page_text.failure(Failure(None, InternalError.from_exception(KeyError("secret")))))
    assert "report this id" in page.text
    assert "secret" not in page.text


def test_the_notice_has_the_disclaimer() -> None:
    assert "not a replacement for a radiologist" in page_text.NOTICE
    assert "not a medical device" in page_text.NOTICE


def test_the_header_names_the_patients_of_the_models() -> None:
    children, both = (Page(page_text.head(populations)).text for populations in ([CHILDREN], [CHILDREN, ADULTS]))
    assert "films of children of 1-5 years: Normal" in children
    assert "films of children of 1-5 years and of adults of 18 years and over: Normal" in both


@pytest.mark.parametrize(
    ("populations", "is_for", "is_not_for"),
    [
        ([CHILDREN], "a child of 1-5 years one frontal", "adults children and adolescents of 6-17 years"),
        ([CHILDREN, ADULTS], "a child of 1-5 years an adult of 18 years or over", "6-17 years, infants"),
        ([ADULTS], "an adult of 18 years or over", "children and adolescents lateral"),
    ],
)
def test_the_intended_use_follows_from_the_models(populations: list[Population], is_for: str, is_not_for: str) -> None:
    text = Page(page_text.intended_use(populations)).text
    assert is_for in text
    assert is_not_for in text
    assert ("Not intended for adults" in text) is (ADULTS not in populations)


def test_the_empty_state_is_valid_html() -> None:
    assert Page(page_text.no_film()).open == []


EXTERNAL: dict[str, Any] = {
    "name": "NIH",
    "of": "adult films of another hospital",
    "verdict": "hardly better than chance",
    "films": {"total": 1242},
    "figures": {"auroc": {"value": 0.5611, "low": 0.505, "high": 1.0}},
    "service": {"refused": {"value": 0.5432, "low": 0.5, "high": 0.6}},
}


def test_the_page_states_the_performance_on_external_films() -> None:
    assert page_text.external_validation_note([EXTERNAL]) == (
        "On adult films of another hospital (NIH, 1,242 films) the model is hardly better than chance: "
        'AUROC .56 <span class="nowrap">(.51-1.00)</span>; the gate refuses <span class="nowrap">54 %</span> of them.'
    )


def test_without_external_validation_there_is_no_note() -> None:
    assert page_text.external_validation_note([]) == ""
    unknown = {**EXTERNAL, "figures": {"auroc": {"value": None, "low": None, "high": None}}}
    assert "AUROC -;" in page_text.external_validation_note([unknown])


def test_the_names_in_a_bundle_are_escaped() -> None:
    text = page_text.external_validation_note([{**EXTERNAL, "name": SCRIPT, "of": SCRIPT, "verdict": SCRIPT}])
    assert "<script>" not in text
