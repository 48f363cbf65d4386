"""Draws the icons of the installed page: `python -m tests.web.app_icons` writes the PNG files from the SVG files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pneumonia.web.server.installable import FOLDER, ICON_SIDES

from .conftest import CHROMIUM, CHROMIUM_ARGUMENTS


def draw(browser: Any, name: str, path: Path) -> None:
    """Draw the icon `name` of `ICON_SIDES` into `path`. iOS and masks cut the corners themselves."""
    side = ICON_SIDES[name]
    source = FOLDER / ("icon.svg" if name in {"icon-192.png", "icon-512.png"} else "icon-maskable.svg")
    page = browser.new_page(viewport={"width": side, "height": side})
    svg = source.read_text(encoding="utf-8").replace("<svg ", f'<svg width="{side}" height="{side}" ', 1)
    page.set_content(f'<body style="margin:0">{svg}')
    page.screenshot(path=path, omit_background=True)
    page.close()


def main() -> int:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        for name in ICON_SIDES:
            draw(browser, name, FOLDER / name)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
