"""Fixtures: a running page on a free port, a browser, a client and test files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client

from pneumonia import Predictor

from ..support.dicom_files import dicom
from .film_gate import FilmGate
from .visit import Visit, gradio_client, running

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CHROMIUM_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="session", autouse=True)
def save_screenshots(request: pytest.FixtureRequest) -> None:
    Visit.saves_screenshots = request.config.getoption("--screenshots")


@pytest.fixture(scope="session")
def address(predictor: Predictor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a running page that stores its uploads in a temporary folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
        with running(predictor) as url:
            yield url


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Chromium. Its driver runs an event loop in the main thread, so it ends with this package."""
    if CHROMIUM is None:
        if os.environ.get("PNEUMONIA_REQUIRE_BROWSER"):
            pytest.fail("Chromium is not installed, and PNEUMONIA_REQUIRE_BROWSER forbids skipping")
        pytest.skip("needs Chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def tab(browser: Any, address: str) -> Iterator[Visit]:
    """A tab with the page, for the visits of one test after the other."""
    tab = Visit(browser, address)
    yield tab
    tab.page.close()


@pytest.fixture
def visit(tab: Visit) -> Iterator[Visit]:
    """The page for a new visitor, on a desktop."""
    with tab.new_visitor() as visit:
        yield visit


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[FilmGate]:
    """Open for five films, so that a job has results and is still running however slow the machine is."""
    gate = FilmGate(monkeypatch, free=5)
    yield gate
    gate.open()


@pytest.fixture(scope="session")
def client(address: str) -> Client:
    return gradio_client(address)


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory, large_film: Any, encode: Any) -> dict[str, Path]:
    """A film in several formats and without extension, an image that is no film, a broken file and an empty one."""
    folder = tmp_path_factory.mktemp("files")
    contents = {
        "film.png": encode(large_film, "PNG"),
        "film.jpg": encode(large_film, "JPEG", quality=92),
        "film-without-extension": encode(large_film, "TIFF"),
        "turned.png": encode(large_film.T.copy(), "PNG"),
        "broken.jpg": b"\xff\xd8\xff\xe0 not a picture",
        "empty.png": b"",
        '<b>odd name & "co".png': encode(large_film, "PNG"),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in contents}


@pytest.fixture(scope="session")
def dicom_film(large_film: Any) -> bytes:
    """The film as DICOM, with a patient name in it."""
    return dicom(large_film)
