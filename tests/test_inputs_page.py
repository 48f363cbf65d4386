"""`docs/inputs.md` agrees with the tables of the tests."""

from __future__ import annotations

from tests.inputs_page import PAGE, SECTIONS, render


def test_the_page_lists_the_rows_of_the_tests() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert render(page) == page, "run: python -m tests.inputs_page"


def test_the_page_has_every_section() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [section for section in SECTIONS if f"<!-- rows: {section} -->" not in page] == []
