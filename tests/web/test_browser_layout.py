"""The page as an installed app, on very narrow and very large screens, and on paper, in Chromium."""

from __future__ import annotations

import io
import time
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from pneumonia import Predictor
from pneumonia.reporting.wording import TITLE

from .visit import TABS, Visit

pytestmark = pytest.mark.browser

SMALLEST = {"width": 320, "height": 640}
LARGEST = {"width": 3840, "height": 2160}
TARGET_PX = 24
"""Smallest width and height of a control, by WCAG 2.2, 2.5.8."""

SMALL_TARGETS = """(minimum) => [...document.querySelectorAll("button, select, summary, input, [role=tab]")]
    .filter((element) => element.checkVisibility({visibilityProperty: true}))
    .filter((element) => !element.closest("footer, .visually-hidden"))
    .map((element) => [element, element.getBoundingClientRect()])
    .map(([element, box]) => {
        const label = element.closest("label") || (element.id && document.querySelector(`label[for="${element.id}"]`));
        const target = element.matches("[type=radio], [type=checkbox]") && label ? label.getBoundingClientRect() : box;
        return [element.outerHTML.slice(0, 120), Math.round(target.width), Math.round(target.height)];
    })
    .filter(([, width, height]) => width && height && Math.min(width, height) < minimum)"""


CUT_OFF = """() => [...document.querySelectorAll(".gradio-container *")]
    .filter((element) => element.checkVisibility({visibilityProperty: true}))
    .filter((element) => !element.closest("footer, .visually-hidden"))
    .filter((element) => element.matches("button, select, input, textarea, img, canvas")
        || [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim()))
    .filter((element) => {
        const box = element.getBoundingClientRect();
        return box.width && box.height && (box.right > innerWidth + 1 || box.left < -1);
    })
    .filter((element) => {
        for (let parent = element.parentElement; parent; parent = parent.parentElement) {
            if (["auto", "scroll"].includes(getComputedStyle(parent).overflowX)) return false;
        }
        return true;
    })
    .map((element) => element.outerHTML.slice(0, 120))"""
"""Texts and controls beyond the edge of the screen; Gradio's container hides them, and no scroll bar leads to them."""

DIVIDED_FIGURES = """() => {
    const texts = document.createTreeWalker(document.querySelector(".gradio-container"), NodeFilter.SHOW_TEXT);
    const divided = [];
    while (texts.nextNode()) {
        const text = texts.currentNode;
        if (!text.parentElement.checkVisibility()) continue;
        for (const figure of text.data.matchAll(/\\d[\\d.,]*\\s%|\\(?[.]?\\d[\\d.,]*[-–][.]?\\d[\\d.,]*\\)?/g)) {
            const range = document.createRange();
            range.setStart(text, figure.index);
            range.setEnd(text, figure.index + figure[0].length);
            const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
            if (lines.size > 1) divided.push(figure.input.slice(0, figure.index + figure[0].length));
        }
    }
    return divided;
}"""
"""Texts up to a percentage or an interval that is on two lines."""

EXAMPLES_PER_ROW = """() => {
    const boxes = [...document.querySelectorAll("#examples button")].map((button) => button.getBoundingClientRect());
    const tops = boxes.map((box) => Math.round(box.top));
    return [...new Set(tops)].map((top) => tops.filter((other) => other === top).length);
}"""

FONT_SIZE = "parseFloat(getComputedStyle(document.querySelector('.answer p')).fontSize)"


def pdf(visit: Visit) -> list[str]:
    """Texts of the printed pages on A4."""
    pages = PdfReader(io.BytesIO(visit.page.pdf(format="A4"))).pages
    return [unicodedata.normalize("NFKC", " ".join(page.extract_text().split())) for page in pages]  # "ﬁ" as "fi"


@pytest.mark.slow
def test_chromium_offers_to_install_the_page(visit: Visit) -> None:
    session = visit.page.context.new_cdp_session(visit.page)
    for _ in range(600):
        app = session.send("Page.getAppManifest")
        if app.get("data"):
            break
        time.sleep(0.1)
    assert app["errors"] == []
    assert app["url"].endswith("/manifest.json") and f'"name": "{TITLE}"' in app["data"]
    errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [error["errorId"] for error in errors if error["errorId"] != "in-incognito"] == []
    assert visit.page.evaluate("navigator.serviceWorker.getRegistrations().then((all) => all.length)") == 0


@pytest.mark.slow
@pytest.mark.parametrize("size", [SMALLEST, LARGEST], ids=["320", "4k"])
def test_no_tab_overflows_and_controls_are_large_enough(tab: Visit, predictor: Predictor, size: dict[str, int]) -> None:
    with tab.new_visitor(size) as visit:
        for name in TABS:
            visit.open_tab(name)
            if name == "Evidence":
                visit.open_evidence()
            assert visit.width() <= size["width"], name
            assert visit.page.evaluate(SMALL_TARGETS, TARGET_PX) == [], name
            visit.save_screenshot(f"{size['width']}-{name.split()[0].lower()}")


@pytest.mark.slow
@pytest.mark.parametrize("code", ["fr", "pt"])  # those whose title and texts have the longest words
def test_nothing_is_cut_off_at_320_pixels(browser: Any, address: str, files: dict[str, Path], code: str) -> None:
    with Visit(browser, f"{address}/?lang={code}", viewport=SMALLEST) as visit:
        visit.drop(files["film.png"])
        visit.wait_for_viewer()
        assert visit.page.evaluate(CUT_OFF) == []
        for number in range(1, len(TABS)):
            visit.page.get_by_role("tab").nth(number).click()
            visit.page.wait_for_selector("[role=tabpanel]:visible")
            for button in visit.page.locator("#evidence [data-open-all]:visible").all():
                button.click()
            assert visit.page.evaluate(CUT_OFF) == [], number


@pytest.mark.slow
def test_no_figure_is_divided_and_no_example_is_alone_in_its_row(visit: Visit, predictor: Predictor) -> None:
    visit.drop(predictor.models[0].bundle.examples[-1])
    visit.show_map()
    for width in range(320, 520, 40):
        visit.page.set_viewport_size({"width": width, "height": 844})
        assert visit.page.evaluate(DIVIDED_FIGURES) == [], width
        assert visit.page.evaluate(EXAMPLES_PER_ROW) == [2, 2], width
    assert visit.page.locator("footer .divider:visible").count() == 0, "nothing follows it"


@pytest.mark.slow
@pytest.mark.parametrize("code", ["en", "zh"])
def test_no_figure_of_the_evidence_or_of_a_model_is_divided(browser: Any, address: str, code: str) -> None:
    with Visit(browser, f"{address}/?lang={code}") as visit:
        for width in range(300, 1100, 50):
            visit.page.set_viewport_size({"width": width, "height": 844})
            assert visit.page.evaluate(DIVIDED_FIGURES) == [], width
        visit.page.get_by_role("tab").nth(TABS.index("Evidence")).click()
        visit.page.locator("#evidence [data-open-all]:visible").click()
        visit.page.wait_for_selector("#evidence details[open] table:visible")
        for width in range(300, 1100, 50):
            visit.page.set_viewport_size({"width": width, "height": 844})
            assert visit.page.evaluate(DIVIDED_FIGURES) == [], width


@pytest.mark.slow
def test_a_4k_monitor_shows_a_larger_film_and_text(tab: Visit, predictor: Predictor) -> None:
    heights, sizes, widths = [], [], []
    for size in ({"width": 1280, "height": 860}, LARGEST):
        with tab.new_visitor(size) as visit:
            visit.drop(predictor.models[0].bundle.examples[-1])
            visit.wait_for_viewer()
            visit.settle()
            box = visit.page.locator("#viewer").bounding_box()
            heights.append(box["height"])
            widths.append(visit.page.locator("#film-layout").bounding_box()["width"] / size["width"])
            sizes.append(visit.page.evaluate(FONT_SIZE))
            visit.save_screenshot(f"{size['width']}-film-answered")
    assert heights[1] > 1.8 * heights[0] and sizes[1] > 1.3 * sizes[0]
    assert widths[1] > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_print_of_a_film_is_one_page_without_controls(tab: Visit, predictor: Predictor, scheme: str) -> None:
    with tab.new_visitor({"width": 820, "height": 1100}, scheme) as visit:
        visit.drop(predictor.models[0].bundle.examples[-1])
        visit.wait_for_viewer()
        visit.show_map()
        (text,) = pdf(visit)
        year = visit.page.evaluate("String(new Date().getFullYear())")
        for words in (TITLE, "Pneumonia", "P(pneumonia)", "upper zone", "not a replacement for a radiologist", year):
            assert words in text, words
        controls = ("Screening", "Note for the report", "Report (PDF)", "Try an example", "Map opacity", "Many films")
        assert [words for words in controls if words in text] == []
        assert visit.is_dark() is (scheme == "dark"), "the page is as before"


@pytest.mark.slow
def test_a_print_of_the_evidence_has_all_sections(visit: Visit) -> None:
    visit.page.get_by_role("tab", name="Evidence").click()
    visit.page.wait_for_selector("#evidence details:visible")
    text = " ".join(pdf(visit))
    summaries = visit.page.locator("#evidence details:visible summary").all_inner_texts()
    headings = [heading.strip() for heading in summaries]
    assert len(headings) > 10
    assert "Open all sections" not in text
    for words in (*headings, "Confusion matrix", "Is it intended for my patient?"):
        assert words in text, words
    assert visit.page.locator("#evidence details[open]").count() == 0


@pytest.mark.slow
def test_a_link_opens_its_section_and_its_population(browser: Any, address: str, predictor: Predictor) -> None:
    population = f"{predictor.models[-1].population.name}-" if len(predictor.models) > 1 else ""
    section = f"evidence-{population}calibration"
    with Visit(browser, f"{address}/#{section}", ready=f"#{section}[open]") as visit:
        visit.page.wait_for_selector(f"#{section} svg:visible")
        assert visit.page.evaluate("document.activeElement.tagName") == "SUMMARY"
        visit.page.keyboard.press("Enter")
        assert visit.page.locator(f"#{section}[open]").count() == 0


@pytest.mark.slow
def test_reduced_motion_is_respected(browser: Any, address: str) -> None:
    with Visit(browser, address, reduced_motion="reduce") as visit:
        durations = visit.page.evaluate(
            "[...document.querySelectorAll('*')].map((each) => parseFloat(getComputedStyle(each).transitionDuration))"
        )
        assert max(durations) < 0.001


@pytest.mark.slow
def test_the_pages_files_stay_out_of_the_browsers_caches(visit: Visit, files: dict[str, Path]) -> None:
    visit.drop(files["film.png"])
    assert visit.page.evaluate("caches.keys()") == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "size", [{"width": 1280, "height": 860}, {"width": 390, "height": 844}], ids=["desktop", "phone"]
)
def test_the_keyboard_follows_the_order_on_the_screen(tab: Visit, predictor: Predictor, size: dict[str, int]) -> None:
    with tab.new_visitor(size) as visit:
        visit.drop(predictor.models[0].bundle.examples[-1])
        visit.wait_for_viewer()
        reached: list[str] = []
        visit.page.locator("#age input").first.focus()
        for _ in range(40):
            visit.page.keyboard.press("Tab")
            part = visit.page.evaluate("document.activeElement.closest('#film-layout > *')?.id")
            if part and part not in reached[-1:]:
                reached.append(part)
        parts = ["viewer", "options", "examples"]
        assert [part for part in reached if part in parts][:3] == parts
