"""The tab for a site's own films in Chromium."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .film_gate import FilmGate
from .visit import Visit

pytestmark = pytest.mark.browser

FILMS = "#validation-films input[type=file]"


@pytest.fixture
def visit(visit: Visit) -> Visit:
    visit.page.get_by_role("tab", name="Your own films").click()
    visit.page.wait_for_selector(FILMS, state="attached")
    return visit


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, write_films: Callable[..., Path]) -> Path:
    """20 films in a ZIP, by class."""
    names = {folder: [f"{number}.png" for number in range(10)] for folder in ("NORMAL", "PNEUMONIA")}
    root = write_films(tmp_path_factory.mktemp("own"), names)
    with zipfile.ZipFile(root / "own.zip", "w") as archive:
        for path in sorted(root.glob("*/*.png")):
            archive.write(path, f"{path.parent.name}/{path.name}")
    return root / "own.zip"


def start(visit: Visit) -> None:
    visit.page.click("#validation-start")
    visit.page.wait_for_selector("#validation-result .verdict")


def download(visit: Visit, name: str) -> bytes:
    with visit.page.expect_download() as started:
        visit.page.get_by_role("button", name=name).click()
    return Path(started.value.path()).read_bytes()


@pytest.mark.slow
def test_twenty_films_by_folder(visit: Visit, archive: Path) -> None:
    visit.choose(FILMS, archive, "#validation-films >> text=own.zip")
    visit.page.click("#validation-check")
    visit.page.wait_for_selector("#validation-preview >> text=20 films have a label: 10 Normal, 10 Pneumonia.")
    start(visit)
    assert "Too few films to judge" in visit.page.inner_text("#validation-result")
    figures = json.loads(download(visit, "Figures (JSON)"))
    assert figures["films"]["used"] == 20
    with zipfile.ZipFile(io.BytesIO(download(visit, "All files (ZIP)"))) as files:
        assert sorted(files.namelist()) == ["figures.json", "films.csv", "report.html", "report.pdf"]


@pytest.mark.slow
def test_labels_from_a_table(visit: Visit, archive: Path, tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("image;truth;patient\nNORMAL/0.png;0;a\nNORMAL/1.png;0;a\nPNEUMONIA/0.png;1;b\nlost.png;1;c\n")
    visit.choose(FILMS, archive, "#validation-films >> text=own.zip")
    visit.page.get_by_label("From a table (CSV)").check()
    visit.page.set_input_files("#validation-table input[type=file]", table)
    visit.page.wait_for_selector("#validation-columns")
    labels: Any = visit.page.get_by_label("Column with the label")
    labels.click()
    visit.page.get_by_role("option", name="truth").click()
    visit.page.click("#validation-check")
    visit.page.wait_for_selector("#validation-preview >> text=3 films have a label")
    assert "No file matches this row of the table." in visit.page.inner_text("#validation-preview")
    start(visit)
    assert json.loads(download(visit, "Figures (JSON)"))["independence"] == "patients"


@pytest.mark.slow
def test_a_film_without_label_is_an_error(visit: Visit, files: dict[str, Path]) -> None:
    visit.choose(FILMS, files["film.png"], "#validation-films >> text=film.png")
    visit.page.click("#validation-start")
    visit.page.wait_for_selector("#validation-alert >> text=No film has a label.")


@pytest.mark.slow
def test_a_check_survives_its_closed_page(browser: Any, address: str, archive: Path, gate: FilmGate) -> None:
    with Visit(browser, address) as visit:
        visit.page.get_by_role("tab", name="Your own films").click()
        visit.choose(FILMS, archive, "#validation-films >> text=own.zip")
        visit.page.click("#validation-start")
        visit.page.wait_for_selector("#validation-progress progress")
        assert visit.page.locator("#validation-start").is_disabled()
        link = visit.page.locator("#validation-link").input_value()
        assert re.fullmatch(r"http://[^#]+/#validation=[\w-]{32}", link) and visit.page.url == link
    with Visit(browser, link, ready="#validation-progress progress") as returned:
        assert returned.page.get_by_role("tab", name="Your own films").get_attribute("aria-selected") == "true"
        gate.open()
        returned.page.wait_for_selector("#validation-result .verdict")
        assert json.loads(download(returned, "Figures (JSON)"))["films"]["used"] == 20
        assert "The link works until" in returned.page.inner_text("#validation-until")
        returned.page.reload()
        returned.page.wait_for_selector("#validation-result .verdict")


@pytest.mark.slow
def test_a_check_that_does_not_exist_is_said_in_a_sentence(browser: Any, address: str) -> None:
    with Visit(browser, f"{address}/#validation={'x' * 32}", ready="#validation-alert:not(:empty)") as other:
        assert "This check no longer exists." in other.page.inner_text("#validation-alert")
        assert other.page.locator("#validation .job-results").is_hidden()
        other.errors.clear()  # the browser reports the 404 itself
