"""The page on a phone, dark and light, by keyboard, and checked by axe, in Chromium."""

from __future__ import annotations

import pytest

from pneumonia import Predictor

from .visit import LAPTOP, PHONE, Visit

pytestmark = pytest.mark.browser


@pytest.mark.slow
@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "light"), ({"width": 1920, "height": 1080}, "dark")])
def test_nothing_overflows_on_a_phone_or_in_the_dark(
    tab: Visit, predictor: Predictor, size: dict[str, int], scheme: str
) -> None:
    with tab.new_visitor(size, scheme) as visit:
        visit.drop(predictor.models[0].bundle.examples[-1])
        visit.page.wait_for_selector("#film-image img")
        visit.show_map()
        assert visit.is_dark() is (scheme == "dark")
        assert visit.width() <= size["width"]
        visit.save_screenshot(f"{scheme}-film")
        visit.open_evidence()
        assert visit.width() <= size["width"]
        visit.save_screenshot(f"{scheme}-evidence")


@pytest.mark.slow
def test_dark_and_light_can_be_chosen_and_stay(visit: Visit) -> None:
    assert not visit.is_dark()
    visit.page.get_by_role("button", name="Dark or light page").click()
    assert visit.is_dark()
    visit.page.reload()
    visit.wait_for_page()
    assert visit.is_dark()


@pytest.mark.slow
def test_the_keyboard_reaches_the_drop_zone_and_the_operating_points(visit: Visit) -> None:
    reached = set()
    for _ in range(20):
        visit.page.keyboard.press("Tab")
        reached.add(visit.page.evaluate("document.activeElement.closest('[id]')?.id"))
    assert {"scheme", "film", "point"} <= reached


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scheme", "only"),
    [
        pytest.param("light", None, id="light"),
        pytest.param("dark", "color-contrast", id="dark", marks=pytest.mark.slow),
    ],
)
def test_axe_finds_nothing_serious(tab: Visit, predictor: Predictor, scheme: str, only: str | None) -> None:
    """The dark page differs in its colours only."""
    with tab.new_visitor(LAPTOP, scheme) as visit:
        assert visit.axe_violations(only) == []
        visit.drop(predictor.models[0].bundle.examples[-1])
        visit.page.wait_for_selector("#film-image img")
        visit.show_map()
        assert visit.axe_violations(only) == []
        visit.open_evidence()
        assert visit.axe_violations(only) == []
        visit.page.get_by_role("tab", name="Many films").click()
        visit.page.wait_for_selector("#batch-films")
        assert visit.axe_violations(only) == []
