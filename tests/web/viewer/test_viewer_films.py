"""The film viewer in Chromium with other films: map, zones, correction, small and next films, an old browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pneumonia import Predictor

from ..visit import Visit
from .shown_viewer import ShownViewer

pytestmark = pytest.mark.browser


@pytest.mark.slow
def test_the_map_is_a_layer_with_the_slider_of_the_panel(visit: Visit, predictor: Predictor) -> None:
    viewer = ShownViewer(visit, predictor.models[0].bundle.examples[-1])
    assert not viewer.is_visible(".map-bar")
    visit.show_map()
    visit.page.wait_for_selector("#film-viewer .map-bar:not([hidden])", state="attached")
    assert not viewer.is_visible(".map-bar"), "the panel has the same slider"
    overlay = "viewer.overlay.context.getImageData(0, 0, viewer.film.width, viewer.film.height).data"
    strongest = f"{overlay}.reduce((largest, value, index) => index % 4 === 3 && value > largest ? value : largest, 0)"
    visit.page.locator("#opacity").fill("80")
    assert abs(viewer.evaluate(strongest) - 0.8 * 255) < 5
    viewer.evaluate("viewer.cover(true)")
    visit.page.locator(".map-bar input").fill("30")
    assert visit.page.locator("#opacity").input_value() == "30"
    assert abs(viewer.evaluate(strongest) - 0.3 * 255) < 5
    visit.page.locator(".map-bar input").fill("0")
    assert viewer.evaluate(strongest) == 0
    viewer.evaluate("viewer.cover(false)")
    visit.save_screenshot("viewer-map")


@pytest.mark.slow
def test_keys_show_the_zones_and_the_input_of_the_model(visit: Visit, predictor: Predictor) -> None:
    viewer = ShownViewer(visit, predictor.models[0].bundle.examples[-1])
    is_drawn = "viewer.overlay.context.getImageData(0, 0, viewer.film.width, viewer.film.height).data.some(Boolean)"
    assert not viewer.evaluate(is_drawn)
    viewer.press("z")
    assert viewer.is_pressed("zones") or viewer.evaluate("viewer.overlay.showsZones")
    assert viewer.evaluate(is_drawn)
    assert viewer.evaluate("viewer.view.zones.length") == 6
    assert "Lung zones" in viewer.text(".view-note")
    viewer.press("z", "m")
    assert viewer.is_visible(".model-input img")
    visit.page.wait_for_function("document.querySelector('#film-viewer .model-input img').naturalWidth == 150")
    viewer.press("m")
    assert not viewer.is_visible(".model-input")
    visit.save_screenshot("viewer-zones")


@pytest.mark.slow
def test_a_film_adds_few_elements_to_the_page_and_a_movement_none(visit: Visit, predictor: Predictor) -> None:
    """Each element makes every change of the page slower: the description of a film made 60,000 nodes."""
    count = "document.querySelector('#film-layout').getElementsByTagName('*').length"  # other tabs come later
    before = visit.page.evaluate(count)
    viewer = ShownViewer(visit, predictor.models[0].bundle.examples[-1])
    assert viewer.evaluate("viewer.view.zones.length") == 6
    assert visit.page.evaluate(count) < before + 1000
    viewer.evaluate("(window.shownState = viewer.root.querySelector('.view-state').firstChild)")
    viewer.press("+")
    assert viewer.evaluate("window.shownState === viewer.root.querySelector('.view-state').firstChild")
    assert "zoom" in viewer.text(".view-state")


@pytest.mark.slow
def test_an_inverted_film_is_shown_corrected_and_can_be_compared(
    visit: Visit, predictor: Predictor, encode: Any, tmp_path: Path
) -> None:
    from PIL import Image

    film = np.asarray(Image.open(predictor.models[0].bundle.examples[0]).convert("L"))
    path = tmp_path / "inverted.png"
    path.write_bytes(encode(255 - film, "PNG"))
    viewer = ShownViewer(visit, path)
    if not viewer.evaluate("viewer.view.model.isInverted"):
        pytest.skip("the gate does not need the inversion of this film")
    y, x = film.shape[0] // 2 + 0.5, film.shape[1] // 2 + 0.5
    assert abs(viewer.grey_at(x, y) - int(film[int(y), int(x)])) <= 8
    assert "corrected" in viewer.text(".view-note")
    viewer.press("i")
    assert abs(viewer.grey_at(x, y) - (255 - int(film[int(y), int(x)]))) <= 8


@pytest.mark.slow
def test_a_film_that_is_too_small_for_the_model_is_shown(visit: Visit, encode: Any, tmp_path: Path) -> None:
    path = tmp_path / "small.png"
    path.write_bytes(encode(np.arange(1600, dtype=np.uint16).reshape(40, 40).astype(np.uint8), "PNG"))
    viewer = ShownViewer(visit, path, until=".answer.failed")
    assert "too_small" in visit.answer()
    assert viewer.evaluate("viewer.view.width") == 40
    assert visit.page.locator("[data-action=zones]").is_disabled()


@pytest.mark.slow
def test_the_next_film_replaces_the_viewer(visit: Visit, files: dict[str, Path]) -> None:
    viewer = ShownViewer(visit, files["film.png"])
    first = viewer.evaluate("viewer.view.film")
    viewer.press("+", "i")
    visit.drop(files["turned.png"], until=".answer.unknown")
    viewer.wait()
    assert viewer.evaluate("viewer.view.film") != first
    assert viewer.evaluate("viewer.geometry.isFit && !viewer.windowLevel.isInverted")
    visit.drop(files["broken.jpg"], until=".answer.failed")
    visit.page.wait_for_selector("#film-image img", state="detached")
    assert not viewer.is_visible(".stage")


@pytest.mark.slow
def test_axe_finds_nothing_serious_in_the_viewer(tab: Visit, files: dict[str, Path]) -> None:
    for scheme in ("light", "dark"):
        with tab.new_visitor(color_scheme=scheme) as visit:
            viewer = ShownViewer(visit, files["film.png"])
            viewer.click("more")
            viewer.click("help")
            assert visit.axe_violations() == []
            visit.save_screenshot(f"viewer-help-{scheme}")


@pytest.mark.slow
def test_an_old_browser_keeps_the_preview(browser: Any, address: str, files: dict[str, Path]) -> None:
    with Visit(browser, address) as visit:
        visit.page.evaluate("delete window.DecompressionStream")
        visit.drop(files["film.png"])
        visit.page.wait_for_selector("#film-image img:visible")
        assert not visit.page.locator("#film-viewer").is_visible()
        assert visit.page.locator("#caption").is_visible()
