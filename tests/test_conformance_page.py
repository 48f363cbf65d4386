"""`docs/dicom-conformance.md` agrees with the code."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("pynetdicom", reason="needs requirements-hospital.txt")
pytest.importorskip("highdicom", reason="needs requirements-hospital.txt")

from pneumonia.reporting.dicom import uids  # noqa: E402
from tests.conformance_page import PAGE, TABLES, render  # noqa: E402


def test_the_tables_of_the_page_are_those_of_the_code() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert render(page) == page, "run: python -m tests.conformance_page"


def test_the_page_has_every_table_and_the_identification_of_the_implementation() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert sorted(re.findall(r"<!-- table: ([\w-]+) -->", page)) == sorted(TABLES)
    assert f"`{uids.IMPLEMENTATION_CLASS_UID}`" in page and f"`{uids.IMPLEMENTATION_VERSION_NAME}`" in page
