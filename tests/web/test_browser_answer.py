"""The answer in Chromium: the prevalence, the line with the limits, the film beside a class average."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pypdf import PdfReader

from pneumonia import Predictor

from .visit import PHONE, Visit

pytestmark = pytest.mark.browser

NUMBER = "#prevalence input[type=number]"
RANGE = "#prevalence input[type=range]"


def open_depth(visit: Visit) -> None:
    visit.page.locator("#depth > button").click()
    visit.page.wait_for_selector(f"{NUMBER}:visible")


def wait_for_prevalence(visit: Visit, percent: str) -> None:
    visit.page.wait_for_function(f"document.querySelector('#headline').innerText.includes('a prevalence of {percent}')")


def set_prevalence(visit: Visit, percent: int) -> None:
    visit.page.locator(NUMBER).fill(str(percent))
    visit.page.locator(NUMBER).press("Enter")
    wait_for_prevalence(visit, f"{percent} %")


@pytest.mark.slow
def test_the_prevalence_changes_the_frequency_at_once_and_can_be_reset(visit: Visit, files: dict[str, Path]) -> None:
    assert not visit.page.locator("#depth").is_visible(), "without an answer there is nothing to explain"
    before = visit.drop(files["film.png"])
    assert "a prevalence of 50 %" in before and "Normal" in before
    open_depth(visit)
    set_prevalence(visit, 5)
    assert visit.page.locator(RANGE).input_value() == "5"
    assert "P(pneumonia) of this film is" in visit.page.inner_text("#meaning")
    assert visit.answer().splitlines()[0] == before.splitlines()[0]
    visit.page.locator(RANGE).focus()
    visit.page.locator(RANGE).press("ArrowRight")
    wait_for_prevalence(visit, "6 %")
    assert visit.page.locator(NUMBER).is_visible(), "the section stays open"
    visit.page.locator("#prevalence-reset").click()
    wait_for_prevalence(visit, "50 %")
    assert visit.page.locator(NUMBER).input_value() == "50"
    assert visit.answer() == before


@pytest.mark.slow
def test_the_prevalence_is_that_of_the_hospital_and_stays_for_the_next_film(
    visit: Visit, files: dict[str, Path], predictor: Predictor
) -> None:
    visit.drop(files["film.png"])
    open_depth(visit)
    set_prevalence(visit, 20)
    visit.page.locator("#point").get_by_label("Screening").check()
    visit.page.wait_for_function("document.querySelector('#bars').innerText.includes('At screening')")
    assert "a prevalence of 20 %" in visit.answer()
    visit.drop(predictor.models[0].bundle.examples[-1], until=".answer.pneumonia")
    assert "a prevalence of 20 %" in visit.answer()
    assert visit.page.locator(NUMBER).input_value() == "20"


@pytest.mark.slow
def test_the_prevalence_travels_with_report_and_json(visit: Visit, files: dict[str, Path]) -> None:
    visit.drop(files["film.png"])
    open_depth(visit)
    set_prevalence(visit, 10)
    visit.page.wait_for_selector("#film-image img, #viewer canvas")
    with visit.page.expect_download() as download:
        visit.page.get_by_role("button", name="Answer (JSON)").click()
    answer = json.loads(Path(download.value.path()).read_text())
    assert answer["prevalence"] == 0.1 and 0.9 < answer["predictive_value"]["value"] < 1
    with visit.page.expect_download() as download:
        visit.page.get_by_role("button", name="Report (PDF)").click()
    (page,) = PdfReader(download.value.path()).pages
    assert "a prevalence of 10 %" in " ".join(page.extract_text().split())


@pytest.mark.slow
def test_a_refused_film_stands_beside_a_class_average_and_the_next_film_clears_it(
    visit: Visit, files: dict[str, Path]
) -> None:
    visit.drop(files["turned.png"], until=".answer.unknown")
    visit.page.wait_for_selector("#comparison .comparison")
    assert visit.page.locator("#comparison img").count() == 2
    assert "Why this film was refused" in visit.page.inner_text("#comparison")
    assert not visit.page.locator("#depth").is_visible()
    visit.save_screenshot("refused")
    visit.drop(files["film.png"], until=".answer.normal")
    visit.page.wait_for_selector("#comparison .comparison", state="detached")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_open_sections_have_no_serious_axe_violation_and_fit_a_phone(
    tab: Visit, files: dict[str, Path], predictor: Predictor, scheme: str
) -> None:
    with tab.new_visitor(PHONE, scheme) as visit:
        visit.drop(predictor.models[0].bundle.examples[-1])
        open_depth(visit)
        set_prevalence(visit, 5)
        assert visit.axe_violations() == []
        assert visit.width() <= PHONE["width"]
        visit.save_screenshot(f"prevalence-{scheme}")
        visit.drop(files["turned.png"], until=".answer.unknown")
        visit.page.locator("#comparison summary").click()
        assert visit.axe_violations() == []
        assert visit.width() <= PHONE["width"]
