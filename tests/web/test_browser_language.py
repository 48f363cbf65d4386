"""The language of the page in a browser: by its settings, by the picker, and kept for the next visit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pneumonia import Predictor
from pneumonia.messages import translate
from pneumonia.web.gradio_texts import TEXTS

from .visit import Visit

pytestmark = pytest.mark.browser

KEY = re.compile(r"[a-z_]+\.[a-z_]+")
"""A key of Gradio's texts, as it is shown if it has no text."""

RECORD_ANNOUNCEMENTS = """() => {
    window.announced = [];
    new MutationObserver(() => {
        for (const element of document.querySelectorAll(".sr-only")) window.announced.push(element.textContent.trim());
    }).observe(document.body, {childList: true, subtree: true, characterData: true});
}"""
"""Records what Gradio announces to screen readers while a call of the page runs and ends."""


@pytest.mark.slow
def test_the_page_follows_the_browser_and_the_picker(browser: Any, address: str) -> None:
    with Visit(browser, address, locale="id-ID") as visit:
        page = visit.page
        assert page.evaluate("document.documentElement.lang") == "id"
        assert page.input_value("#language") == "id"
        page.select_option("#language", "zh")
        page.wait_for_url("**/?lang=zh")
        visit.wait_for_page()
        assert page.evaluate("[document.documentElement.lang, navigator.language]") == ["zh-CN", "zh-CN"]
        page.goto(address)  # the next visit, without a language in the address
        page.wait_for_url("**/?lang=zh")


@pytest.mark.slow
def test_calls_of_the_page_carry_its_language(browser: Any, address: str) -> None:
    with Visit(browser, address, locale="fr-FR") as visit:
        visit.page.goto(f"{address}/?lang=vi")
        visit.wait_for_page()
        assert visit.page.evaluate("document.documentElement.lang") == "vi"
        with visit.page.expect_request("**/queue/join**") as joined:
            visit.page.locator("#examples button").first.click()
        assert joined.value.url.endswith("lang=vi")
        visit.page.wait_for_selector("#result .answer:not(.waiting)")


@pytest.mark.slow
def test_another_language_keeps_the_film_and_its_choices(browser: Any, address: str, files: dict[str, Path]) -> None:
    with Visit(browser, address) as visit:
        visit.drop(files["film.png"])
        with visit.page.expect_response("**/queue/join**"):
            visit.page.locator("#point label").nth(2).click()
        visit.page.wait_for_selector("#headline >> text=Operating point: confirm")
        visit.page.select_option("#language", "id")
        visit.page.wait_for_url("**/?lang=id")
        visit.page.wait_for_selector("#headline >> text=Titik operasi: konfirmasi")
        visit.wait_for_viewer()
        assert visit.page.locator("#point input").nth(2).is_checked()
        visit.page.reload()  # the film was handed over once
        visit.wait_for_page()
        assert visit.page.locator("#headline .answer.waiting").count() == 1


@pytest.mark.slow
@pytest.mark.parametrize("code", ["fr", "vi"])  # Gradio has no texts of its own for the second one
def test_screen_readers_are_told_in_words_that_a_call_is_complete(
    browser: Any, address: str, predictor: Predictor, code: str
) -> None:
    with Visit(browser, f"{address}/?lang={code}") as visit:
        visit.page.evaluate(RECORD_ANNOUNCEMENTS)
        visit.drop(predictor.models[0].bundle.examples[-1])
        visit.show_map()
        visit.page.locator("#point label").nth(2).click()
        expected = translate(TEXTS["common.complete"], code)
        visit.page.wait_for_function("(text) => window.announced.includes(text)", arg=expected)
        assert [text for text in visit.page.evaluate("window.announced") if KEY.fullmatch(text)] == []
