"""The scripts of the viewer: served to everybody, and nothing else of their folder is."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from pneumonia.web import viewer

FOLDER = Path(viewer.__file__).parent
SCRIPTS = sorted(path.name for path in FOLDER.glob("*.js"))


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_served_and_revalidated(address: str, name: str) -> None:
    reply = httpx.get(f"{address}/viewer/{name}", timeout=60)
    assert reply.text == (FOLDER / name).read_text(encoding="utf-8")
    assert "javascript" in reply.headers["content-type"]
    assert reply.headers["cache-control"] == "no-cache"
    again = httpx.get(f"{address}/viewer/{name}", headers={"If-None-Match": reply.headers["etag"]}, timeout=60)
    assert again.status_code == 304


@pytest.mark.parametrize("name", ["codes.py", "__init__.py", "viewer.css", "%2e%2e%2fpage.js", "none.js", "x/y.js"])
def test_no_other_file_is_served(address: str, name: str) -> None:
    assert httpx.get(f"{address}/viewer/{name}", timeout=60).status_code == 404


def test_every_import_of_a_script_exists() -> None:
    for name in SCRIPTS:
        text = (FOLDER / name).read_text(encoding="utf-8")
        for target in re.findall(r'(?:from|import|new URL\() *"\./([a-z_]+\.js)"', text):
            assert target in SCRIPTS, (name, target)


def test_the_scripts_contain_no_text_for_users_but_what_the_page_gives_them() -> None:
    """`readout.js` fills in templates of `texts.py`; every name that it uses is there."""
    from pneumonia.web.viewer.texts import TEXTS

    used = set(re.findall(r"texts\.(\w+)", (FOLDER / "readout.js").read_text(encoding="utf-8")))
    assert used - {"separator"} <= set(TEXTS)
    assert set(TEXTS) <= used | {"left", "right"}
