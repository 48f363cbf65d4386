"""Screenshots for the README: `python -m tests.web.screenshots FILM [--out docs]`, with a film that may be published.

page.png: a film with answer and map. evidence.png: the evidence tab, dark. phone.png: the answer on a phone.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from pneumonia import load_predictor

from .conftest import CHROMIUM, CHROMIUM_ARGUMENTS
from .visit import PHONE, Visit, running

DESKTOP = {"width": 1280, "height": 860}


def page(browser: Any, address: str, film: Path, out: Path) -> None:
    with Visit(browser, address, viewport=DESKTOP) as visit:
        visit.drop(film)
        visit.wait_for_viewer()
        if "Normal" not in visit.answer():
            visit.show_map()
        visit.settle()
        visit.page.evaluate("window.scrollTo(0, 0)")
        visit.page.screenshot(path=out / "page.png")


def evidence(browser: Any, address: str, film: Path, out: Path) -> None:
    with Visit(browser, address, viewport=DESKTOP, color_scheme="dark") as visit:
        visit.open_evidence()
        visit.settle()
        visit.page.screenshot(path=out / "evidence.png")


def phone(browser: Any, address: str, film: Path, out: Path) -> None:
    with Visit(browser, address, viewport=PHONE) as visit:
        visit.drop(film)
        visit.wait_for_viewer()
        visit.settle()
        visit.page.screenshot(path=out / "phone.png")


def main() -> int:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description="Create the README's screenshots.")
    parser.add_argument("film", type=Path)
    parser.add_argument("--out", type=Path, default=Path("screenshots"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with running(load_predictor()) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        for picture in (page, evidence, phone):
            picture(browser, address, options.film, options.out)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
