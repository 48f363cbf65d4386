"""Borders and focus of fields, high contrast, headings, and text with the spacing of WCAG 2.2, in Chromium."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from pneumonia import Predictor

from .visit import TABS, Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FIELDS = "input[type=number], input[type=text], textarea, select, input[type=radio]:not(:checked)"
MIN_CONTRAST = 3
"""Of the border of a field to what is around it, by WCAG 2.2, 1.4.11."""

WEAK_BORDERS = """([selector, minimum]) => {
    const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const background = (element) => {
        for (; element; element = element.parentElement) {
            const colour = parts(getComputedStyle(element).backgroundColor);
            if (colour.length < 4 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
    };
    const luminance = (colour) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, index) => {
        const share = colour[index] / 255;
        return sum + weight * (share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4);
    }, 0);
    return [...document.querySelectorAll(selector)]
        .filter((element) => element.checkVisibility({visibilityProperty: true}) && !element.closest(".populations"))
        .filter((element) => element.offsetWidth > 2 && getComputedStyle(element).opacity !== "0")
        .map((element) => {
            const border = luminance(parts(getComputedStyle(element).borderBottomColor));
            const around = luminance(background(element.parentElement));
            const ratio = (Math.max(border, around) + 0.05) / (Math.min(border, around) + 0.05);
            return [element.outerHTML.slice(0, 100), Math.round(100 * ratio) / 100];
        })
        .filter(([, ratio]) => ratio < minimum);
}"""

SPACING = """* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; }
p { margin-bottom: 2em !important; }"""

CUT_TEXTS = """() => {
    const hides = (overflow) => ["hidden", "clip"].includes(overflow);
    const isCut = (element, box) => {
        for (let parent = element; parent !== document.documentElement; parent = parent.parentElement) {
            const style = getComputedStyle(parent), frame = parent.getBoundingClientRect();
            if (hides(style.overflowX) && (box.right > frame.right + 2 || box.left < frame.left - 2)) return true;
            if (hides(style.overflowY) && (box.bottom > frame.bottom + 3 || box.top < frame.top - 3)) return true;
            if (["auto", "scroll"].includes(style.overflowX)) return false;
        }
        return false;
    };
    return [...document.querySelectorAll("body *")]
        .filter((element) => element.checkVisibility({visibilityProperty: true}))
        .filter((element) => !element.closest(".visually-hidden, .sr-only, .announcement, svg, textarea"))
        .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()))
        .filter((element) => {
            const range = document.createRange();
            range.selectNodeContents(element);
            return [...range.getClientRects()].some((box) => box.width && box.height && isCut(element, box));
        })
        .map((element) => element.textContent.trim().slice(0, 80));
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fields_have_a_visible_border_and_show_the_focus(tab: Visit, predictor: Predictor, scheme: str) -> None:
    with tab.new_visitor(color_scheme=scheme) as visit:
        visit.drop(predictor.models[0].bundle.examples[-1])
        visit.page.wait_for_selector("#note textarea")
        for name in TABS[:3]:
            visit.open_tab(name)
            assert visit.page.evaluate(WEAK_BORDERS, [FIELDS, MIN_CONTRAST]) == [], name
        visit.open_tab("One film")
        visit.page.locator("#note textarea").focus()
        assert visit.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


@pytest.mark.parametrize("width", [390, 1280])
def test_no_text_is_cut_off_with_wide_spacing(tab: Visit, predictor: Predictor, width: int) -> None:
    with tab.new_visitor({"width": width, "height": 844}) as visit:
        visit.drop(predictor.models[0].bundle.examples[-1])
        visit.wait_for_viewer()
        visit.show_map()
        visit.page.add_style_tag(content=SPACING)
        for name in TABS:
            visit.open_tab(name)
            if name == "Evidence":
                visit.open_evidence()
            assert visit.page.evaluate(CUT_TEXTS) == [], name
            assert visit.width() <= width, name


HEADING_LEVELS = """() => [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]
    .filter((heading) => heading.checkVisibility()).map((heading) => Number(heading.tagName[1]))"""


def test_headings_skip_no_level(visit: Visit, predictor: Predictor) -> None:
    visit.drop(predictor.models[0].bundle.examples[-1])
    visit.page.wait_for_selector("#reading-guide h3")
    for tab in TABS:
        visit.open_tab(tab)
        levels = visit.page.evaluate(HEADING_LEVELS)
        assert levels[0] == 1
        assert all(level <= before + 1 for before, level in pairwise(levels)), (tab, levels)


def test_high_contrast_shows_what_is_chosen(visit: Visit, files: dict[str, Path]) -> None:
    visit.drop(files["film.png"])
    visit.page.emulate_media(forced_colors="active")
    appearance = "(radio) => getComputedStyle(radio).appearance"
    assert visit.page.eval_on_selector("#point input:checked", appearance) == "auto"
    assert visit.page.eval_on_selector("#report button", "(button) => getComputedStyle(button).borderTopWidth") == "1px"
    visit.page.emulate_media(forced_colors="none")
