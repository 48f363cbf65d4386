"""The language of the page in a browser: by its settings, by the picker, and kept for the next visit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .visit import READY, Visit

pytestmark = pytest.mark.browser


@pytest.mark.slow
def test_the_page_follows_the_browser_and_the_picker(browser: Any, address: str) -> None:
    with Visit(browser, address, locale="id-ID") as visit:
        page = visit.page
        assert page.evaluate("document.documentElement.lang") == "id"
        assert page.input_value("#language") == "id"
        page.select_option("#language", "zh")
        page.wait_for_url("**/?lang=zh")
        page.wait_for_selector(READY, state="attached")
        assert page.evaluate("[document.documentElement.lang, navigator.language]") == ["zh-CN", "zh-CN"]
        page.goto(address)  # the next visit, without a language in the address
        page.wait_for_url("**/?lang=zh")


@pytest.mark.slow
def test_calls_of_the_page_carry_its_language(browser: Any, address: str) -> None:
    with Visit(browser, address, locale="fr-FR") as visit:
        visit.page.goto(f"{address}/?lang=vi")
        visit.page.wait_for_selector(READY, state="attached")
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
        visit.page.wait_for_selector(READY, state="attached")
        assert visit.page.locator("#headline .answer.waiting").count() == 1
