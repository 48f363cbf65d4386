"""The tab for one film in Chromium, and the login."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from pneumonia import Predictor
from pneumonia.inference.decision import OperatingPoint
from pneumonia.inference.model import Model
from pneumonia.web import examples, film_session
from tests.support.forced_points import ALWAYS_NORMAL, ALWAYS_PNEUMONIA

from .visit import LAPTOP, PHONE, Visit, dicom, running

pytestmark = pytest.mark.browser

LABELS = ("Normal", "Pneumonia", "Unknown")


def test_a_dropped_film_is_answered_by_itself(visit: Visit, files: dict[str, Path], predictor: Predictor) -> None:
    answer = visit.drop(files["film.png"])
    assert predictor.predict(files["film.png"]).label in answer
    visit.page.wait_for_selector("#film-image img[alt]:visible")
    assert "shows" in visit.page.inner_text("#reading-guide")
    visit.save_screenshot("film")


@pytest.mark.slow
def test_the_answer_is_visible_without_scrolling(tab: Visit, files: dict[str, Path]) -> None:
    for size in (LAPTOP, PHONE):
        with tab.new_visitor(size) as visit:
            visit.drop(files["film.png"])
            visit.page.wait_for_selector("#film-image img")
            for part in ("#headline .answer", "#bars .bars"):
                box = visit.page.locator(part).bounding_box()
                assert box is not None
                assert box["y"] + box["height"] <= size["height"], (part, size)


@pytest.mark.slow
def test_on_a_phone_the_answer_is_directly_below_the_drop_zone(tab: Visit, files: dict[str, Path]) -> None:
    with tab.new_visitor(PHONE) as visit:
        visit.drop(files["film.png"])
        visit.page.wait_for_selector("#film-image img")
        order = ["#film", "#headline", "#bars", "#film-image", "#point", "#reading-guide", "#examples"]
        positions = [visit.page.locator(part).bounding_box()["y"] for part in order]
        assert positions == sorted(positions)


@pytest.mark.slow
def test_the_drop_zone_takes_the_next_film_at_once(visit: Visit, files: dict[str, Path]) -> None:
    visit.drop(files["film.png"])
    visit.page.wait_for_selector("#film-image img")
    visit.drop(files["turned.png"], until=".answer.unknown")
    assert "What to do next" in visit.page.inner_text("#steps")
    assert not visit.page.locator("#show-map").is_visible(), "there is no map to show"
    assert visit.page.locator("#bars .bars").count() == 0


@pytest.mark.slow
def test_a_dicom_file_is_read_like_a_picture(visit: Visit, tmp_path: Path, large_film: Any) -> None:
    path = tmp_path / "film.dcm"
    path.write_bytes(dicom(large_film))
    visit.drop(path)
    visit.page.wait_for_selector("#film-image img:visible")
    assert visit.page.locator(".answer.failed").count() == 0


@pytest.mark.slow
def test_a_pasted_picture_is_analysed_like_a_dropped_one(visit: Visit, files: dict[str, Path]) -> None:
    visit.send_file("paste", files["film.png"])
    assert any(label in visit.answer() for label in LABELS)


@pytest.mark.slow
def test_a_film_dropped_beside_the_drop_zone_is_accepted(visit: Visit, files: dict[str, Path]) -> None:
    visit.send_file("drop", files["film.png"])
    assert any(label in visit.answer() for label in LABELS)


@pytest.mark.slow
def test_a_broken_file_gets_a_sentence_and_a_code(visit: Visit, files: dict[str, Path]) -> None:
    answer = visit.drop(files["broken.jpg"])
    assert "No answer" in answer
    assert "unreadable_image" in answer
    assert visit.page.locator("#film-image img, #show-map:visible, #report:visible, #bars .bars").count() == 0


def test_a_broken_file_leaves_nothing_of_the_film_before_it(
    visit: Visit, files: dict[str, Path], predictor: Predictor
) -> None:
    visit.drop(predictor.models[0].bundle.examples[-1])
    visit.page.wait_for_selector("#film-image img")
    visit.show_map()
    visit.drop(files["broken.jpg"], until=".answer.failed")
    visit.page.wait_for_selector("#film-image img", state="detached")
    assert visit.page.locator("#activation-map img, #activation .activation, #bars .bars, #report:visible").count() == 0


@pytest.mark.slow
def test_each_example_is_answered_as_it_is_named(visit: Visit, predictor: Predictor) -> None:
    names = [example.name for example in examples.examples(predictor.models[0].bundle)]
    expected = {"normal": "normal", "pneumonia": "pneumonia", "rotated": "unknown", "Chessboard": "unknown"}
    assert len(names) == len(expected)
    for word, label in expected.items():
        (name,) = [name for name in names if word in name]
        visit.page.get_by_role("button", name=name).click()
        visit.page.wait_for_selector(f".answer.{label}")
        visit.page.wait_for_selector("#film-image img")


POINTS = {
    "balanced": ALWAYS_PNEUMONIA,
    "confirm": ALWAYS_NORMAL,
    "screening": OperatingPoint(0.0, 0.5, 1.0),
}
"""The same film is Pneumonia, Normal or Unknown, by operating point."""


@pytest.fixture(scope="module")
def tab_with_all_answers(browser: Any, predictor: Predictor) -> Iterator[tuple[Visit, Predictor]]:
    """A page whose operating points give each film a different label."""
    changed = Predictor([Model(replace(predictor.models[0].bundle, operating_points=POINTS), 1)])
    with running(changed) as address, Visit(browser, address) as tab:
        yield tab, changed


@pytest.fixture
def page_with_all_answers(tab_with_all_answers: tuple[Visit, Predictor]) -> Iterator[tuple[Visit, Predictor]]:
    tab, predictor = tab_with_all_answers
    with tab.new_visitor() as visit:
        yield visit, predictor


def choose_point(visit: Visit, point: str) -> None:
    visit.page.locator("#point").get_by_label(point.capitalize()).check()
    visit.page.wait_for_function(f"document.querySelector('#bars').innerText.includes('At {point}')")


@pytest.mark.slow
def test_another_operating_point_decides_again_without_scoring_again(
    page_with_all_answers: tuple[Visit, Predictor], files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    visit, predictor = page_with_all_answers
    assert "Pneumonia" in visit.drop(files["film.png"])
    visit.page.wait_for_selector("#film-image img")
    for model in predictor.models:
        monkeypatch.setattr(model, "score", None)  # a further run of the network would raise
    for point, label in (("screening", "Unknown"), ("confirm", "Normal"), ("balanced", "Pneumonia")):
        choose_point(visit, point)
        assert label in visit.answer()
        assert visit.page.locator("#steps .steps").count() == (label == "Unknown")


@pytest.mark.slow
def test_the_map_stays_while_the_answer_has_one_and_disappears_for_normal(
    page_with_all_answers: tuple[Visit, Predictor], files: dict[str, Path]
) -> None:
    visit, _ = page_with_all_answers
    visit.drop(files["film.png"])
    visit.page.wait_for_selector("#film-image img")
    visit.show_map()
    choose_point(visit, "screening")
    assert visit.page.locator("#activation-map img").count() == 1
    choose_point(visit, "confirm")
    visit.page.wait_for_selector("#activation-map img", state="detached")
    visit.page.wait_for_selector("#activation >> text=There is no map for Normal.")
    assert visit.page.locator("#show-map").count() == 0, "no map is offered that cannot be shown"
    choose_point(visit, "balanced")
    visit.page.wait_for_selector("#activation .activation", state="detached")
    visit.show_map()


@pytest.mark.slow
def test_a_deleted_film_must_be_dropped_again(
    page_with_all_answers: tuple[Visit, Predictor], files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    visit, _ = page_with_all_answers
    visit.drop(files["film.png"])
    visit.page.wait_for_selector("#film-image img")
    monkeypatch.setattr(film_session.SessionFilm, "is_deleted", True)
    visit.page.locator("#show-map").click()
    visit.page.wait_for_selector("#activation .answer.failed")
    assert "Film deleted" in visit.page.inner_text("#activation")
    visit.page.get_by_role("button", name="Report (PDF)").click()
    visit.page.get_by_text("Drop the film again to continue.").nth(1).wait_for()
    visit.save_screenshot("deleted")


@pytest.mark.slow
def test_the_map_is_drawn_on_request_and_fades_without_another_request(visit: Visit, predictor: Predictor) -> None:
    visit.drop(predictor.models[0].bundle.examples[-1])
    visit.page.wait_for_selector("#film-image img")
    assert visit.page.locator("#activation-map img").count() == 0
    visit.show_map()
    film, overlay = (visit.page.locator(f"{part} img").bounding_box() for part in ("#film-image", "#activation-map"))
    assert film == overlay
    assert "A heatmap is not proof." in visit.page.inner_text("#activation")
    visit.save_screenshot("map")
    visit.wait_for_viewer()  # which requests the values of the film
    requests: list[str] = []
    visit.page.on("request", lambda request: requests.append(request.url))
    for value in ("0", "100", "35"):
        visit.page.locator("#opacity").fill(value)
        opacity = visit.page.evaluate("getComputedStyle(document.querySelector('#activation-map')).opacity")
        assert float(opacity) == int(value) / 100
    visit.page.locator("#opacity").press("ArrowRight")
    assert visit.page.evaluate("getComputedStyle(document.querySelector('#activation-map')).opacity") == "0.36"
    assert requests == []


@pytest.mark.slow
def test_the_answer_is_saved_as_json(visit: Visit, files: dict[str, Path], predictor: Predictor) -> None:
    visit.drop(files["film.png"])
    with visit.page.expect_download() as download:
        visit.page.get_by_role("button", name="Answer (JSON)").click()
    saved = json.loads(Path(download.value.path()).read_text())
    assert saved == {**predictor.predict(files["film.png"]).as_dict(), "file": None}


@pytest.mark.slow
def test_the_report_is_one_page_with_the_note(visit: Visit, predictor: Predictor) -> None:
    visit.drop(predictor.models[0].bundle.examples[-1])
    visit.page.wait_for_selector("#film-image img")
    visit.page.locator("#note input, #note textarea").fill("bed seven")
    with visit.page.expect_download() as download:
        visit.page.get_by_role("button", name="Report (PDF)").click()
    assert download.value.suggested_filename == "chest-film-report.pdf"
    (page,) = PdfReader(download.value.path()).pages
    text = page.extract_text()
    assert "Pneumonia" in text
    assert "bed seven" in text


@pytest.mark.slow
def test_the_note_is_cleared_for_the_next_film(visit: Visit, files: dict[str, Path]) -> None:
    visit.drop(files["film.png"])
    visit.page.wait_for_selector("#film-image img")
    visit.page.locator("#note input, #note textarea").fill("bed seven")
    visit.drop(files["turned.png"], until=".answer.unknown")
    visit.page.wait_for_function("document.querySelector('#note input, #note textarea').value == ''")


@pytest.mark.slow
def test_the_page_states_its_purpose_and_its_model(visit: Visit, predictor: Predictor) -> None:
    text = visit.page.inner_text("body")
    assert "not a replacement for a radiologist" in text
    assert "children of 1-5 years" in text
    assert predictor.models[0].identity.sha256[:12] in visit.page.inner_text("#model")


@pytest.mark.slow
def test_with_a_login_the_page_asks_for_it(
    browser: Any, predictor: Predictor, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMONIA_AUTH", "reader:light box")
    with running(predictor) as address, Visit(browser, address, ready="input[type=password]") as visit:
        fields = visit.page.locator("input").evaluate_all("fields => fields.map((field) => field.autocomplete)")
        assert fields == ["username", "current-password"]
        assert visit.page.title() == visit.page.inner_text("h1") == "Chest-film assistant"
        visit.log_in("reader", "wrong")
        visit.page.wait_for_selector("text=/incorrect/i")
        visit.errors.clear()  # the browser reports the refused login itself
        visit.log_in("reader", "light box")
        visit.wait_for_page()
        assert any(label in visit.drop(files["film.png"]) for label in LABELS)
        visit.page.wait_for_selector("#film-image img")
        visit.wait_for_viewer()
