"""Which film is read, and which answer is hidden, if films are chosen faster than they are read, in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pneumonia import Predictor
from pneumonia.web import rendering

from ..support.wait import until
from .visit import READY, PausablePredictor, Visit, running

pytestmark = [pytest.mark.browser, pytest.mark.slow]

DROP_FILES = """([selector, names]) => {
    const transfer = new DataTransfer();
    for (const name of names) transfer.items.add(new File(["not a film"], name));
    const event = new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true});
    document.querySelector(selector).dispatchEvent(event);
}"""

NOTE = "#sending [role=status]"


@pytest.fixture(scope="module")
def pausable(predictor: Predictor) -> PausablePredictor:
    return PausablePredictor(predictor)


@pytest.fixture(scope="module")
def paused_tab(browser: Any, pausable: PausablePredictor) -> Iterator[Visit]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PNEUMONIA_MAX_FILE_MB", "1")
        with running(pausable) as address, Visit(browser, address) as tab:
            yield tab


@pytest.fixture
def visit(paused_tab: Visit, pausable: PausablePredictor) -> Iterator[Visit]:
    pausable.resume()
    with paused_tab.new_visitor() as visit:
        yield visit


def labels_shown(visit: Visit) -> list[str]:
    """The headlines that a user sees."""
    return [element.inner_text() for element in visit.page.locator(".answer h2:visible").all()]


@pytest.mark.parametrize(
    ("names", "expected"), [(["a.png"], ".answer.failed"), (["a.png", "b.png"], f"{NOTE}:has-text('Many films')")]
)
def test_a_film_that_is_dropped_while_the_page_loads_is_not_left_to_gradio(
    visit: Visit, names: list[str], expected: str
) -> None:
    held: list[Any] = []
    is_held = True
    visit.page.route("**/*.js", lambda route: held.append(route) if is_held else route.continue_())
    visit.page.goto("about:blank")
    visit.page.goto(visit.address, wait_until="commit")
    visit.page.wait_for_selector("gradio-app", state="attached")
    visit.page.evaluate(DROP_FILES, ["gradio-app", names])
    is_held = False  # a script that is requested from now on is not held
    for route in held:
        route.continue_()
    visit.page.wait_for_selector(expected)
    visit.page.unroute("**/*.js")


def test_a_file_that_is_chosen_before_the_scripts_of_the_page_run_is_not_left_to_gradio(
    browser: Any, files: dict[str, Path]
) -> None:
    page = browser.new_page()
    page.set_content(f"{rendering.render('early_files.html')}<div id='film'><input type='file'></div>")
    page.evaluate("document.querySelector('input').addEventListener('change', () => { window.isSent = true; })")
    page.set_input_files(READY, files["film.png"])
    taken = page.evaluate("window.takeEarlyFiles().map((file) => file.name)")
    assert (taken, page.evaluate("Boolean(window.isSent)")) == (["film.png"], False)
    page.set_input_files(READY, files["film.jpg"])
    assert page.evaluate("window.isSent"), "the scripts of the page are there"
    page.close()


def test_a_film_that_is_dropped_while_another_is_read_gets_the_answer(
    visit: Visit, pausable: PausablePredictor, files: dict[str, Path]
) -> None:
    pausable.pause()
    visit.page.set_input_files(READY, files["film.png"])
    visit.page.wait_for_selector(".answer.waiting[role=status]")
    visit.send_file("drop", files["broken.jpg"])
    assert "Analysing" in visit.page.inner_text(NOTE)
    pausable.resume()
    visit.page.wait_for_selector(".answer.failed")
    assert "unreadable_image" in visit.page.inner_text("#headline")
    assert visit.page.locator("#film-layout[data-sending]").count() == 0


def test_a_page_that_is_about_to_be_left_keeps_its_calls_and_reports_no_lost_connection(
    visit: Visit, pausable: PausablePredictor, files: dict[str, Path]
) -> None:
    """A change of the language, a reload, or a link to a download: until the server has answered, the page is seen."""
    visit.page.route("**/left", lambda route: route.fulfill(status=204))  # then the page stays
    pausable.pause()
    visit.page.set_input_files(READY, files["film.png"])
    assert until(lambda: pausable.is_holding)
    with visit.page.expect_request("**/left"):
        visit.page.evaluate("location.assign('/left')")
    pausable.resume()
    assert "Normal" in visit.answer()
    assert visit.page.locator(".toast-wrap:visible").count() == 0


def test_an_example_that_is_clicked_while_another_is_read_gets_the_answer(
    visit: Visit, pausable: PausablePredictor
) -> None:
    pausable.pause()
    examples = visit.page.locator("#examples button")
    examples.nth(0).click()
    visit.page.wait_for_selector(".answer.waiting[role=status]")
    examples.nth(3).click()  # the chessboard
    seen = visit.page.evaluate_handle("""() => {
        const seen = [];
        const labels = () => [...document.querySelectorAll("#headline h2")].filter((label) => label.offsetParent);
        new MutationObserver(() => labels().forEach((label) => seen.push(label.innerText)))
            .observe(document.querySelector("#headline"), {childList: true, subtree: true});
        return seen;
    }""")
    pausable.resume()
    visit.page.wait_for_selector("#headline .answer.unknown")
    visit.page.wait_for_selector("#film-layout:not([data-sending])")
    assert all("Unknown" in label for label in seen.json_value()), "the answer to the first example was visible"


def test_of_several_files_none_is_read_and_the_former_answer_is_hidden(visit: Visit, files: dict[str, Path]) -> None:
    visit.drop(files["film.png"])
    for target in ("#film button", ".head"):
        visit.page.evaluate(DROP_FILES, [target, ["one.png", "two.png"]])
        assert "Several files were dropped, and none was read" in visit.page.inner_text(NOTE)
        assert labels_shown(visit) == []
    assert visit.drop(files["film.png"], until="#film-layout:not([data-sending]) .answer:not(.waiting)")
    assert labels_shown(visit) != []


def test_a_file_over_the_limit_is_not_sent(visit: Visit, tmp_path: Path) -> None:
    path = tmp_path / "large.dcm"
    path.write_bytes(bytes(1_500_000))
    uploads: list[str] = []
    visit.page.on("request", lambda request: uploads.append(request.url) if "/upload" in request.url else None)
    visit.page.set_input_files(READY, path)
    assert "too large. Allowed: 1 MB. Received: 1.5 MB." in visit.page.inner_text(NOTE)
    assert uploads == []


def test_a_film_that_is_not_sent_leaves_no_answer_of_the_one_before(visit: Visit, files: dict[str, Path]) -> None:
    visit.drop(files["film.png"])
    visit.page.context.set_offline(True)
    visit.page.set_input_files(READY, files["turned.png"])
    visit.page.wait_for_selector(f"{NOTE} >> text=The film was not sent.")
    assert labels_shown(visit) == []
    visit.page.context.set_offline(False)
    visit.errors.clear()  # the browser reports the failed request itself
    assert "Unknown" in visit.drop(files["turned.png"], until=".answer.unknown")
