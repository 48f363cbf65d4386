"""`python -m tests.inputs_page`: write the tables of `docs/inputs.md` from the tables of the tests.

`tests/support/oddities.py` describes how to add a row or a section.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from tests.support.oddities import Oddity

PAGE = Path(__file__).parents[1] / "docs" / "inputs.md"

SECTIONS = {
    "pictures": tuple(
        f"tests.imaging.test_{kind}_oddities"
        for kind in ("png", "jpeg", "tiff_sample", "tiff", "other_picture", "foreign_format")
    ),
    "zips": ("tests.batch.test_zip_oddities",),
}
"""Name of a section, as in its marker on the page -> the test modules whose `ODDITIES` it lists."""

_MARKED = re.compile(r"(<!-- rows: (?P<section>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def render(page: str) -> str:
    """The page with the table of each section replaced by the rows of the tests."""
    return _MARKED.sub(lambda match: f"{match[1]}{_table(match['section'])}{match[3]}", page)


def _table(section: str) -> str:
    rows: list[Oddity] = [row for name in SECTIONS[section] for row in importlib.import_module(name).ODDITIES]
    lines = [f"| {row.name} | {row.expected.as_markdown()} | {row.reason} |\n" for row in rows]
    return "".join(["| file | result | reason |\n|---|---|---|\n", *lines])


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
