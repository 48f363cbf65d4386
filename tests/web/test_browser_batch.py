"""The batch tab in Chromium."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pneumonia import Predictor
from pneumonia.errors import Busy
from tests.support.zip_files import DOS, Member, zip_bytes

from .film_gate import FilmGate
from .visit import Visit

pytestmark = pytest.mark.browser

START, TABLE, CSV = "#batch-start", "#batch-table", "#batch-csv"
ANSWER, FILE = "answer", "file"
SCRIPT = '<img src=x onerror="document.title=1">.png'


@pytest.fixture
def visit(visit: Visit) -> Visit:
    visit.page.get_by_role("tab", name="Many films").click()
    return visit


@pytest.fixture
def zipped(tmp_path: Path, files: dict[str, Path]) -> Path:
    with zipfile.ZipFile(tmp_path / "films.zip", "w") as archive:
        archive.write(files["film.png"], "ward/film.png")
        archive.write(files["broken.jpg"], "../broken.jpg")
    return tmp_path / "films.zip"


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, large_film: npt.NDArray[np.uint8], encode: Any) -> list[Path]:
    """Films with different contents, because gradio stores equal contents once."""
    folder = tmp_path_factory.mktemp("many")
    film = large_film.copy()
    for number in range(60):
        film[0, 0] = number
        (folder / f"{number:02d}.png").write_bytes(encode(film, "PNG", compress_level=1))
    return sorted(folder.iterdir())


def upload(visit: Visit, paths: list[Path]) -> None:
    visit.choose("#batch-films input[type=file]", paths, "#batch-films tr.file")
    visit.page.wait_for_function(
        "count => document.querySelectorAll('#batch-films tr.file').length == count", arg=len(paths)
    )


def run_batch(visit: Visit, paths: list[Path]) -> str:
    upload(visit, paths)
    visit.page.click(START)
    visit.page.wait_for_selector(f"{CSV}:visible")
    return str(visit.page.inner_text("#batch-progress"))


def stop(visit: Visit, gate: FilmGate) -> None:
    """Stop the batch, then let the films through that are in progress."""
    with visit.page.expect_response(lambda response: '"stop"' in (response.request.post_data or "")):
        visit.page.click("#batch-stop")
    gate.open()
    visit.page.wait_for_selector(f"{CSV}:visible")


def column(visit: Visit, key: str, count: int) -> list[str]:
    """The cells of a column from the top, once the table has `count` rows."""
    visit.page.wait_for_function(
        "count => document.querySelectorAll('#batch-table tbody tr').length == count", arg=count
    )
    cells = visit.page.locator(f"{TABLE} tbody td.cell-{key}").all()
    return [cell.inner_text().strip().removesuffix("Try again").strip() for cell in cells]


def download(visit: Visit, button: str) -> bytes:
    with visit.page.expect_download() as waiting:
        visit.page.click(button)
    return Path(waiting.value.path()).read_bytes()


@pytest.mark.slow
def test_many_films_with_a_bad_one_become_a_table_and_files(visit: Visit, files: dict[str, Path], zipped: Path) -> None:
    summary = run_batch(visit, [files["film.png"], files["broken.jpg"], files["turned.png"], zipped])
    assert (
        "5 films" in summary
        and "2 failed" in summary
        and "The link works until" in visit.page.inner_text("#batch-until")
    )
    assert column(visit, FILE, 5) == [
        "film.png", "broken.jpg", "turned.png", "films.zip/ward/film.png", "films.zip/../broken.jpg"]  # fmt: skip
    assert visit.page.locator(f"{TABLE} img:visible").count() == 3
    visit.save_screenshot("batch")
    assert [text.split()[-1] for text in column(visit, ANSWER, 5)] == [
        "Normal",
        "failed",
        "Unknown",
        "Normal",
        "failed",
    ]
    rows = list(csv.DictReader(io.StringIO(download(visit, CSV).decode("utf-8-sig"), newline="")))
    assert [row["file"] for row in rows] == column(visit, FILE, 5)
    lines = download(visit, "#batch-jsonl").decode().splitlines()
    assert [json.loads(line)["file"] for line in lines] == column(visit, FILE, 5)


@pytest.mark.slow
def test_reports_are_created_on_request(visit: Visit, files: dict[str, Path]) -> None:
    run_batch(visit, [files["film.png"], files["broken.jpg"]])
    visit.page.click("#batch-make")
    visit.page.wait_for_selector("#batch-reports:visible")
    with zipfile.ZipFile(io.BytesIO(download(visit, "#batch-reports"))) as archive:
        assert archive.namelist() == ["0001-film.pdf"]
        assert archive.read("0001-film.pdf").startswith(b"%PDF")
    visit.save_screenshot("batch-reports")


@pytest.mark.slow
def test_columns_are_sorted_by_keyboard_and_failed_files_come_first_on_request(
    visit: Visit, files: dict[str, Path]
) -> None:
    run_batch(visit, [files["turned.png"], files["film.png"], files["broken.jpg"]])
    header = visit.page.locator(f"{TABLE} th[data-key=file]")
    assert header.get_attribute("aria-sort") == "none"
    header.get_by_role("button").focus()
    visit.page.keyboard.press("Enter")
    assert header.get_attribute("aria-sort") == "ascending"
    assert column(visit, FILE, 3) == ["broken.jpg", "film.png", "turned.png"]
    visit.page.keyboard.press("Space")
    assert header.get_attribute("aria-sort") == "descending"
    assert column(visit, FILE, 3) == ["turned.png", "film.png", "broken.jpg"]
    visit.page.get_by_label("Failed files first").check()
    assert column(visit, FILE, 3) == ["broken.jpg", "turned.png", "film.png"]
    visit.page.get_by_label("Search").fill("film normal")
    assert column(visit, FILE, 1) == ["film.png"]
    assert visit.page.locator("#batch-rows").is_hidden()


@pytest.mark.slow
def test_a_failed_file_is_tried_again(visit: Visit, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    read = Predictor.read
    with monkeypatch.context() as patch:
        patch.setattr(Predictor, "read", lambda *_: (_ for _ in ()).throw(Busy("The server has no more memory.")))
        run_batch(visit, [files["film.png"], files["broken.jpg"]])
        assert column(visit, ANSWER, 2) == ["✕ failed", "✕ failed"]
    assert Predictor.read is read
    visit.page.get_by_role("button", name="Try film.png again").click()
    visit.page.wait_for_selector(f"{TABLE} tbody tr:first-child:not(.failed)")
    assert visit.page.locator(f"{TABLE} tbody tr.failed").count() == 1
    visit.page.get_by_role("button", name="Try all failed files again").click()
    visit.page.wait_for_selector(f"{TABLE} tr:has-text('unreadable_image')")
    visit.page.wait_for_selector(f"{CSV}:visible")
    rows = list(csv.DictReader(io.StringIO(download(visit, CSV).decode("utf-8-sig"), newline="")))
    assert ["complete header" in row["error"] for row in rows] == [False, True]


@pytest.mark.slow
def test_a_table_of_many_rows_is_shown_page_by_page(visit: Visit, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(250):
            archive.writestr(f"{number:03d}.png", b"no film")
    run_batch(visit, [tmp_path / "many.zip"])
    assert column(visit, FILE, 100)[0] == "many.zip/000.png"
    assert visit.page.inner_text("#batch-rows") == "Rows 1 to 100 of 250"
    visit.page.get_by_role("button", name="Next rows").click()
    visit.page.get_by_role("button", name="Next rows").click()
    assert column(visit, FILE, 50)[-1] == "many.zip/249.png"
    visit.page.locator(f"{TABLE} th[data-key=number]").get_by_role("button").click()
    assert column(visit, FILE, 100)[0] == "many.zip/249.png"


@pytest.mark.slow
def test_a_batch_survives_its_closed_page_and_is_stopped_from_the_page_of_its_link(
    browser: Any, address: str, many: list[Path], gate: FilmGate
) -> None:
    with Visit(browser, address) as visit:
        visit.page.get_by_role("tab", name="Many films").click()
        upload(visit, many)
        visit.page.click(START)
        visit.page.wait_for_selector("#batch-progress progress")
        link = visit.page.locator("#batch-link").input_value()
        assert re.fullmatch(r"http://[^#]+/#batch=[\w-]{32}", link) and visit.page.url == link
    with Visit(browser, link, ready="#batch-progress progress") as returned:
        assert returned.page.get_by_role("tab", name="Many films").get_attribute("aria-selected") == "true"
        first = int(returned.page.locator("#batch-progress progress").get_attribute("value") or 0)
        gate.open(5)
        returned.page.wait_for_function(f"+document.querySelector('#batch-progress progress').value > {first}")
        stop(returned, gate)
        rows = list(csv.DictReader(io.StringIO(download(returned, CSV).decode("utf-8-sig"), newline="")))
        assert 1 <= len(rows) < len(many)
        returned.page.reload()
        returned.page.wait_for_selector(f"{CSV}:visible")
        assert len(column(returned, FILE, len(rows))) == len(rows)


@pytest.mark.slow
def test_the_link_is_copied(visit: Visit, files: dict[str, Path]) -> None:
    run_batch(visit, [files["film.png"]])
    visit.page.get_by_role("button", name="Copy link").click()
    visit.page.wait_for_selector("#batch-copy:has-text('Copied')")
    visit.page.get_by_label("Search").focus()
    visit.page.keyboard.press("Control+v")
    assert visit.page.get_by_label("Search").input_value() == visit.page.url


def test_a_batch_that_does_not_exist_is_said_in_a_sentence(browser: Any, address: str) -> None:
    with Visit(browser, f"{address}/#batch={'x' * 32}", ready="#batch-alert:not(:empty)") as other:
        assert "This batch no longer exists." in other.page.inner_text("#batch-alert")
        assert other.page.locator(".job-results").is_hidden()
        assert other.page.url.rstrip("/") == address, "the dead link is not kept"
        other.errors.clear()  # the browser reports the 404 itself


@pytest.mark.slow
def test_stop_keeps_the_completed_rows(visit: Visit, many: list[Path], gate: FilmGate) -> None:
    upload(visit, many)
    visit.page.click(START)
    visit.page.wait_for_selector("#batch-progress progress")
    visit.page.wait_for_selector(f"{TABLE} tbody tr")
    visit.save_screenshot("batch-running")
    stop(visit, gate)
    summary = visit.page.inner_text("#batch-progress")
    rows = list(csv.DictReader(io.StringIO(download(visit, CSV).decode("utf-8-sig"), newline="")))
    assert 1 <= len(rows) < len(many)
    assert f"Stopped after {len(rows)} of {len(many)} films" in summary
    visit.save_screenshot("batch-stopped")


@pytest.mark.slow
def test_the_operating_point_is_applied(visit: Visit, files: dict[str, Path]) -> None:
    visit.page.get_by_role("tabpanel").get_by_role("radio", name="Screening", exact=True).click()
    run_batch(visit, [files["film.png"]])
    assert b",screening," in download(visit, CSV)


@pytest.mark.slow
def test_a_second_batch_replaces_the_first(visit: Visit, files: dict[str, Path]) -> None:
    run_batch(visit, [files["film.png"], files["turned.png"]])
    upload(visit, [files["broken.jpg"]])
    visit.page.click(START)
    visit.page.wait_for_selector("#batch-progress:has-text('1 failed')")
    visit.page.wait_for_selector(f"{CSV}:visible")
    assert column(visit, FILE, 1) == ["broken.jpg"]


@pytest.mark.slow
def test_an_empty_batch_is_an_error_beside_the_batch_on_the_page(visit: Visit, files: dict[str, Path]) -> None:
    visit.page.click(START)
    visit.page.wait_for_selector("#batch-alert:has-text('No film was given')")
    run_batch(visit, [files["film.png"]])
    assert visit.page.inner_text("#batch-alert") == ""
    visit.page.click(START)
    visit.page.wait_for_selector("#batch-alert:has-text('No film was given')")
    assert column(visit, FILE, 1) == ["film.png"]


@pytest.mark.slow
def test_a_name_is_never_html(visit: Visit, tmp_path: Path, files: dict[str, Path]) -> None:
    path = tmp_path / SCRIPT.replace("/", "")
    path.write_bytes(files["film.png"].read_bytes())
    with zipfile.ZipFile(tmp_path / "names.zip", "w") as archive:
        archive.write(path, SCRIPT)
    run_batch(visit, [tmp_path / "names.zip"])
    assert column(visit, FILE, 1) == [f"names.zip/{SCRIPT}"]
    assert visit.page.title() != "1"


@pytest.mark.slow
def test_names_of_other_systems_reach_table_and_downloads(visit: Visit, tmp_path: Path, files: dict[str, Path]) -> None:
    film = files["film.png"].read_bytes()
    folder = Member(b"ward\\", system=DOS)
    films = [Member(name.encode("gbk"), film, system=DOS) for name in ("ward\\胸片.png", "ward\\胸片.png", "张伟.png")]
    (tmp_path / "names.zip").write_bytes(zip_bytes(folder, *films))
    run_batch(visit, [tmp_path / "names.zip"])
    names = ["names.zip/ward\\胸片.png", "names.zip/ward\\胸片.png", "names.zip/张伟.png"]
    assert column(visit, FILE, 3) == names
    rows = list(csv.DictReader(io.StringIO(download(visit, CSV).decode("utf-8-sig"), newline="")))
    assert [row["file"] for row in rows] == names
    lines = download(visit, "#batch-jsonl").decode().splitlines()
    assert [json.loads(line)["file"] for line in lines] == names


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (820, "dark"), (3840, "light")])
def test_nothing_overflows_on_a_phone_a_tablet_or_a_large_monitor(
    tab: Visit, files: dict[str, Path], width: int, scheme: str
) -> None:
    with tab.new_visitor({"width": width, "height": 800}, scheme) as visit:
        visit.page.get_by_role("tab", name="Many films").click()
        run_batch(visit, [files["film.png"], files["broken.jpg"], files["turned.png"]])
        visit.page.wait_for_selector(f"{TABLE} tbody img", state="attached")
        visit.save_screenshot(f"batch-{scheme}-{width}")
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_a_batch_with_results(tab: Visit, files: dict[str, Path], scheme: str) -> None:
    with tab.new_visitor({"width": 1200, "height": 1000}, scheme) as visit:
        visit.page.get_by_role("tab", name="Many films").click()
        run_batch(visit, [files["film.png"], files["broken.jpg"], files["turned.png"]])
        assert visit.axe_violations() == []
