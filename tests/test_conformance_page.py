"""`docs/dicom-conformance.md` agrees with the code."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("pynetdicom", reason="needs requirements-hospital.txt")
pytest.importorskip("highdicom", reason="needs requirements-hospital.txt")

from pneumonia.reporting.dicom import uids  # noqa: E402
from tests.conformance_page import OBJECTS, PAGE, TABLES, marked, render  # noqa: E402


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=[pytest.mark.slow] if each in OBJECTS else []) for each in TABLES]
)
def test_a_table_of_the_page_is_that_of_the_code(name: str) -> None:
    """The tables of attributes are slow, since they need a dozen result objects."""
    text = marked(PAGE.read_text(encoding="utf-8"))[name]
    assert render(text) == text, "run: python -m tests.conformance_page"


def test_the_page_has_every_table_and_the_identification_of_the_implementation() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert sorted(re.findall(r"<!-- table: ([\w-]+) -->", page)) == sorted(TABLES)
    assert f"`{uids.IMPLEMENTATION_CLASS_UID}`" in page and f"`{uids.IMPLEMENTATION_VERSION_NAME}`" in page
