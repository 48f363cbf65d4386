"""The catalogues are up to date and compiled, and their sentences are well formatted."""

from __future__ import annotations

import pytest
from babel.messages.catalog import Catalog

from .catalogues import CODES, check, extract

UNTRANSLATED = "not translated: "
"""Such a sentence is shown in English. `python -m tests.catalogues check` lists it."""


@pytest.fixture(scope="module")
def template() -> Catalog:
    return extract()


@pytest.mark.parametrize("code", CODES)
def test_a_catalogue_has_no_bad_or_outdated_sentence(code: str, template: Catalog) -> None:
    assert [problem for problem in check(code, template) if not problem.startswith(UNTRANSLATED)] == []
