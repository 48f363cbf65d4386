"""The page as an installed app: manifest, icons, and links in the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import gradio as gr
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from pneumonia import Predictor
from pneumonia.web import page
from pneumonia.web.server import installable

LINK = '<link rel="manifest" href="./manifest.json" crossorigin="use-credentials" />'


@pytest.fixture(scope="module")
def web_app(predictor: Predictor, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
        patch.setenv("PNEUMONIA_AUTH", "reader:light box")
        yield page.create_app(predictor)


@pytest.fixture(scope="module")
def http(web_app: Any) -> TestClient:
    return TestClient(web_app)


def test_the_page_links_the_manifest_once_with_credentials_and_theme_colours(http: TestClient) -> None:
    for encoding in ("identity", "br"):
        response = http.get("/", headers={"Accept-Encoding": encoding})
        assert response.status_code == 200
        assert response.text.count('rel="manifest"') == 1
        assert LINK in response.text
        assert response.text.count('name="theme-color"') == 2
        assert response.text.rstrip().endswith("</html>")


def test_manifest_and_icons_need_no_login_and_have_relative_addresses(http: TestClient) -> None:
    response = http.get("/manifest.json")
    assert response.headers["content-type"] == "application/manifest+json"
    manifest = response.json()
    assert manifest["display"] == "standalone"
    base = "https://hospital.example/films/manifest.json"
    for key in ("start_url", "scope", "id"):
        assert urljoin(base, manifest[key]) == "https://hospital.example/films/"
    assert {icon["purpose"] for icon in manifest["icons"]} == {"any", "maskable"}
    for icon in manifest["icons"]:
        assert urljoin(base, icon["src"]).startswith("https://hospital.example/films/icons/")
        loaded = http.get(f"/{icon['src']}")
        assert (loaded.status_code, loaded.headers["content-type"]) == (200, icon["type"])


@pytest.mark.parametrize("name", ["../page.css", "..%2Fpage.css", "none.png", "%2e%2e%2fpage.py", "icon.svg/x"])
def test_no_other_file_is_served_as_an_icon(http: TestClient, name: str) -> None:
    assert http.get(f"/icons/{name}").status_code in {401, 404}


def test_no_service_worker_is_registered_or_served(http: TestClient) -> None:
    text = http.get("/").text
    assert "serviceWorker" not in text
    for name in ("sw.js", "service-worker.js", "serviceworker.js"):
        assert http.get(f"/{name}").status_code == 404
    sources = Path(page.__file__).parent.rglob("*.js")
    assert not [source.name for source in sources if "serviceWorker" in source.read_text(encoding="utf-8")]


def test_the_icons_have_the_sides_that_the_manifest_states() -> None:
    for name, side in installable.ICON_SIDES.items():
        with Image.open(installable.FOLDER / name) as icon:
            assert icon.size == (side, side), name
    with Image.open(installable.FOLDER / "icon-maskable-512.png") as icon:
        assert icon.convert("RGBA").getchannel("A").getextrema() == (255, 255), "a mask must find no transparent pixel"


def test_the_theme_colours_are_the_backgrounds_of_gradios_theme(http: TestClient) -> None:
    css = http.get("/theme.css").text
    assert "--background-fill-primary: white" in css
    assert "--background-fill-primary: var(--neutral-950)" in css
    assert installable.THEME_COLOURS["light"] == "#ffffff"
    assert f"--neutral-950: {installable.THEME_COLOURS['dark']}" in css


def test_gradio_still_has_the_link_that_is_replaced() -> None:
    template = Path(gr.__file__).parent / "templates/frontend/index.html"
    assert len(installable._GRADIO_LINK.findall(template.read_bytes())) == 1, "Gradio changed its link to the manifest"
    assert json.dumps(installable.manifest())
