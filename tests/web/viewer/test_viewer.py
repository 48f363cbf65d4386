"""The film viewer in Chromium: what it draws, by mouse, touch and keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect
from pydicom import dcmread

from tests.support.dicom_files import dicom
from tests.support.oriented_films import oriented_film
from tests.support.source_films import SIZE, hospital_film

from ..visit import PHONE, Visit
from .shown_viewer import ShownViewer

pytestmark = pytest.mark.browser

STEP, FIRST = 137, 50
SIDES: dict[str, Any] = {"PatientOrientation": ["L", "F"]}  # none are assumed for what is no chest film
WINDOW: dict[str, Any] = {"WindowCenter": "2048", "WindowWidth": "3000"}
LOW, HIGH = 2048 - 0.5 - 2999 / 2, 2048 - 0.5 + 2999 / 2


def patches() -> Any:
    """`[3000, 2500]` of 12 bits: 6 x 5 patches of 500 x 500 pixels, each of one value, the first darkest."""
    values = np.arange(30).reshape(6, 5) * STEP + FIRST
    return values.repeat(500, axis=0).repeat(500, axis=1).astype(np.uint16)


def value_of(row: int, column: int) -> int:
    return (row * 5 + column) * STEP + FIRST


def grey_of(value: float, low: float = LOW, high: float = HIGH) -> float:
    return float(np.clip((value - low) / (high - low), 0, 1) * 255)


@pytest.fixture(scope="session")
def deep_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("viewer") / "patches.dcm"
    path.write_bytes(dicom(patches(), BitsStored=12, ImagerPixelSpacing=["0.15", "0.15"], **SIDES, **WINDOW))
    return path


@pytest.fixture(scope="module")
def deep_tab(tab: Visit, deep_file: Path) -> Iterator[ShownViewer]:
    """The viewer with the patches, shared by the tests of this module that reset it."""
    with tab.new_visitor() as visit:
        yield ShownViewer(visit, deep_file)


@pytest.fixture(params=["webgl", "canvas"])
def deep(deep_tab: ShownViewer, request: pytest.FixtureRequest) -> ShownViewer:
    """The viewer as after the drop of the film, drawn by each of the two renderers."""
    deep_tab.page.evaluate(f"document.querySelector('#film-viewer').dataset.renderer = '{request.param}'")
    deep_tab.evaluate("(viewer.film.dataset.context !== '' && viewer.replaceCanvas(), viewer.startRenderer())")
    deep_tab.evaluate("(viewer.reset(), viewer.setWindowMode(false), viewer.showMore(false), viewer.resize())")
    assert deep_tab.evaluate("viewer.renderer.name") == request.param
    return deep_tab


def test_the_film_is_shown_in_its_window(deep: ShownViewer) -> None:
    for row, column in ((0, 1), (2, 2), (3, 4), (5, 4)):
        expected = grey_of(value_of(row, column))
        assert abs(deep.grey_at(500 * column + 250, 500 * row + 250) - expected) <= 1


@pytest.mark.slow
def test_all_bits_are_windowed(deep: ShownViewer) -> None:
    """In a narrow window, neighbours that differ by 137 of 4,096 are black and white."""
    deep.evaluate("(Object.assign(viewer.windowLevel, {low: 1420 + 60, high: 1420 + 80}), viewer.windowLevel.update())")
    assert deep.grey_at(250, 1250) == 0  # 1420
    assert deep.grey_at(750, 1250) == 255  # 1557


@pytest.mark.slow
def test_the_value_under_the_pointer_is_that_of_the_file(deep: ShownViewer) -> None:
    for x, y in ((251.5, 250.5), (1753.5, 2750.5), (2300.5, 2850.5)):
        value = patches()[int(y), int(x)]
        text = deep.point_at(x, y)
        if deep.scale == 1:
            assert f"Column {int(x) + 1}, row {int(y) + 1}" in text
        assert f"stored value {value} (12 bits)" in text
        assert "mm" in text


@pytest.mark.slow
def test_at_one_to_one_the_pointer_names_the_pixel(deep: ShownViewer) -> None:
    deep.click("one")
    assert deep.scale == 1
    x, y = (round(part) + 17.5 for part in deep.centre)
    text = deep.point_at(x, y)
    assert f"Column {int(x) + 1}, row {int(y) + 1}" in text
    assert f"{0.15 * (int(x) + 1):.1f} mm" in text


@pytest.mark.slow
def test_inversion_exchanges_black_and_white(deep: ShownViewer) -> None:
    before = deep.grey_at(1250, 1250)
    deep.press("i")
    assert abs(deep.grey_at(1250, 1250) - (255 - before)) <= 1
    assert deep.is_pressed("invert")
    assert "for viewing only" in deep.text(".view-note")
    deep.click("invert")
    assert deep.grey_at(1250, 1250) == before


def test_the_windows_of_the_list(deep: ShownViewer) -> None:
    assert abs(deep.window[0] - LOW) <= 2
    assert abs(deep.window[1] - HIGH) <= 2
    deep.page.locator(".presets").select_option("full")
    assert deep.window == (FIRST, value_of(5, 4))
    assert deep.grey_at(250, 250) == 0
    assert deep.grey_at(2250, 2750) == 255
    deep.press("p")
    expect(deep.page.locator(".presets")).to_have_value("lungs")
    deep.press("Home")
    expect(deep.page.locator(".presets")).to_have_value("file")


def drag(viewer: ShownViewer, dx: float, dy: float, button: str = "left") -> None:
    box = viewer.stage.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    viewer.page.mouse.move(x, y)
    viewer.page.mouse.down(button=button)
    viewer.page.mouse.move(x + dx / 2, y + dy / 2)
    viewer.page.mouse.move(x + dx, y + dy)
    viewer.page.mouse.up(button=button)


@pytest.mark.slow
def test_a_drag_with_the_right_button_changes_the_window(deep: ShownViewer) -> None:
    low, high = deep.window
    drag(deep, 50, 0, "right")
    wider = deep.window
    assert wider[1] - wider[0] > high - low
    assert abs(sum(wider) - (low + high)) < 1, "the level stays"
    drag(deep, 0, 50, "right")
    assert sum(deep.window) > low + high
    assert deep.page.locator(".presets").input_value() == "free"
    assert deep.centre == (1250, 1500), "the film does not move"


@pytest.mark.slow
def test_a_button_lets_a_drag_change_the_window(deep: ShownViewer) -> None:
    low, high = deep.window
    deep.click("window")
    drag(deep, 40, 0)
    assert deep.window[1] - deep.window[0] > high - low
    deep.press("ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowLeft")
    assert deep.window[1] - deep.window[0] < high - low + 1500
    deep.click("window")
    expect(deep.page.locator("[data-action=window]")).to_have_attribute("aria-pressed", "false")


def test_the_wheel_zooms_at_the_pointer(deep: ShownViewer) -> None:
    deep.point_at(1750, 750)
    deep.page.mouse.wheel(0, -600)
    deep.page.wait_for_function("document.querySelector('.view-state').textContent.includes('zoom')")
    scale = deep.evaluate("viewer.geometry.scale / viewer.geometry.fitScale")
    assert scale > 2
    assert f"stored value {value_of(1, 3)}" in deep.text(".pixel")
    place = deep.evaluate("viewer.pointed")
    assert abs(place["x"] - 1750) < 8
    assert abs(place["y"] - 750) < 8


@pytest.mark.slow
def test_the_page_scrolls_if_the_whole_film_is_shown(deep: ShownViewer) -> None:
    deep.page.evaluate("window.scrollTo(0, 0)")
    deep.point_at(1250, 1500)
    deep.page.mouse.wheel(0, 120)
    deep.page.wait_for_function("window.scrollY > 0")
    assert deep.evaluate("viewer.geometry.isFit")
    deep.page.evaluate("window.scrollTo(0, 0)")


@pytest.mark.slow
def test_keys_zoom_and_move(deep: ShownViewer) -> None:
    fit = deep.scale
    deep.press("+", "+", "+")
    assert deep.scale == pytest.approx(fit * 1.25**3)
    deep.press("ArrowRight")
    assert deep.centre[0] > 1250
    deep.press("ArrowDown")
    assert deep.centre[1] > 1500
    assert "stored value" in deep.text(".pixel"), "the value at the middle of the screen"
    deep.press("-")
    assert deep.scale == pytest.approx(fit * 1.25**2)
    deep.press("1")
    assert deep.scale == 1
    deep.press("0")
    assert deep.evaluate("viewer.geometry.isFit")


@pytest.mark.slow
def test_a_drag_moves_the_film_and_not_off_the_screen(deep: ShownViewer) -> None:
    deep.press("1")
    x, y = deep.centre
    drag(deep, -60, -40)
    ratio = deep.evaluate("viewer.ratio")
    assert deep.centre == pytest.approx((x + 60 * ratio, y + 40 * ratio), abs=2)
    for _ in range(12):
        drag(deep, 250, 250)
    left, top = deep.evaluate("[viewer.geometry.toScreen(0, 0).x, viewer.geometry.toScreen(0, 0).y]")
    assert abs(left) <= 1
    assert abs(top) <= 1


@pytest.mark.slow
def test_rotation_and_mirroring_keep_the_values_and_move_the_side_marks(deep: ShownViewer) -> None:
    marks = (".side-left", ".side-right", ".side-top", ".side-bottom")
    assert [deep.text(mark) for mark in marks] == ["R", "L", "", ""]
    grey = deep.grey_at(1750, 750)
    deep.press("h")
    assert [deep.text(mark) for mark in marks] == ["L", "R", "", ""]
    assert deep.grey_at(1750, 750) == grey
    assert deep.evaluate("viewer.geometry.toScreen(0, 0).x > viewer.geometry.toScreen(2500, 0).x")
    deep.press("h", "r")
    assert [deep.text(mark) for mark in marks] == ["", "", "R", "L"]
    assert abs(deep.grey_at(1750, 750) - grey) <= 1
    assert f"stored value {value_of(1, 3)}" in deep.point_at(1750, 750)
    assert "for viewing only" in deep.text(".view-note")
    deep.press("h")
    assert [deep.text(mark) for mark in marks] == ["", "", "R", "L"], "left and right of the screen are exchanged"
    deep.press("r", "r", "R", "R", "h", "R")
    assert [deep.text(mark) for mark in marks] == ["R", "L", "", ""]
    assert deep.text(".view-note") == ""


@pytest.mark.slow
def test_the_letters_are_those_of_the_header(tab: Visit, tmp_path: Path) -> None:
    """A mirrored film, one that is stored rotated, and one whose header contradicts itself."""
    films = {
        "mirrored": (oriented_film("R\\F"), "L R", "L upper", "is the patient's left"),
        "rotated": (oriented_film("F\\R"), "R L", "R upper", "is the patient's right"),
        "contradictory": (hospital_film(PatientOrientation="A\\F"), "", "upper zone", "is not known"),
    }
    with tab.new_visitor() as visit:
        for name, (data, letters, zone, note) in films.items():
            path = tmp_path / f"{name}.dcm"
            path.write_bytes(data)
            viewer = ShownViewer(visit, path)
            assert f"{viewer.text('.side-left')} {viewer.text('.side-right')}".strip() == letters
            assert note in viewer.text(".sides-note")
            assert zone in [item["name"] for item in viewer.evaluate("viewer.view.zones")]
            width, height = viewer.evaluate("[viewer.view.width, viewer.view.height]")
            assert (width, height) == SIZE, "upright"
            if name == "rotated":
                assert viewer.grey_at(width / 2, height * 0.9) > viewer.grey_at(width * 0.03, height * 0.9)


@pytest.mark.slow
def test_the_readout_names_the_place_in_the_file_of_a_film_that_is_shown_rotated(tab: Visit, tmp_path: Path) -> None:
    with tab.new_visitor() as visit:
        for orientation in ("L\\F", "F\\R", "R\\H", "H\\L"):
            path = tmp_path / f"{orientation[0]}.dcm"
            path.write_bytes(oriented_film(orientation))
            viewer, stored = ShownViewer(visit, path), dcmread(path).pixel_array
            width, height = viewer.evaluate("[viewer.view.width, viewer.view.height]")
            for share in (0.2, 0.45, 0.7):
                text = viewer.point_at(width * share, height * (1 - share))
                value = int(re.findall(r"stored value (\d+)", text)[0])
                column, row = map(int, re.findall(r"olumn (\d+), row (\d+)", text)[-1])
                assert stored[row - 1, column - 1] == value, (orientation, text)
                assert ("in the file" in text) == (orientation != "L\\F")


@pytest.mark.slow
def test_keys_open_and_close_help_and_full_screen(deep: ShownViewer) -> None:
    deep.press("?")
    assert deep.is_visible(".viewer-help")
    deep.page.keyboard.press("Escape")
    assert not deep.is_visible(".viewer-help")
    deep.press("f")
    deep.page.wait_for_function("document.fullscreenElement?.id === 'film-viewer'")
    assert deep.stage.bounding_box()["height"] > 500
    deep.press("f")
    deep.page.wait_for_function("document.fullscreenElement === null")


@pytest.mark.slow
def test_without_the_fullscreen_api_the_viewer_covers_the_page(deep: ShownViewer) -> None:
    deep.evaluate("(viewer.root.requestFullscreen = undefined)")
    deep.click("full")
    box = deep.page.locator("#film-viewer").bounding_box()
    assert (box["x"], box["y"]) == (0, 0)
    assert box["width"] == deep.page.viewport_size["width"]
    assert deep.is_pressed("full")
    deep.press("Escape")
    deep.page.wait_for_selector("[data-action=full][aria-pressed=false]")
    assert deep.page.locator("#film-viewer").bounding_box()["width"] < box["width"]
    deep.evaluate("(delete viewer.root.requestFullscreen)")


@pytest.mark.slow
def test_touch_pinches_and_moves(tab: Visit, deep_file: Path) -> None:
    with tab.new_visitor(PHONE) as visit:
        viewer = ShownViewer(visit, deep_file)
        visit.page.locator("#film-viewer").scroll_into_view_if_needed()
        assert viewer.evaluate("viewer.stage.style.touchAction") == "pan-y", "a finger scrolls the page"
        fit = viewer.scale
        viewer.touch("touchStart", (130, 150), (190, 150))
        viewer.touch("touchMove", (100, 150), (220, 150))
        viewer.touch("touchMove", (70, 150), (250, 150))
        viewer.touch("touchEnd")
        assert viewer.scale == pytest.approx(3 * fit, rel=0.05)
        assert viewer.evaluate("viewer.stage.style.touchAction") == "none"
        x, _ = viewer.centre
        viewer.touch("touchStart", (200, 150))
        viewer.touch("touchMove", (150, 150))
        viewer.touch("touchMove", (100, 150))
        viewer.touch("touchEnd")
        assert viewer.centre[0] > x
        viewer.touch("touchStart", (160, 160))
        viewer.touch("touchEnd")
        assert "stored value" in viewer.text(".pixel")
        assert visit.width() <= PHONE["width"]
        for button in visit.page.locator("#film-viewer .toolbar button:visible, #film-viewer select").all():
            box = button.bounding_box()
            assert min(box["width"], box["height"]) >= 40
        visit.save_screenshot("viewer-phone")
