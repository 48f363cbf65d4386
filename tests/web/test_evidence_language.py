"""The evidence tab has no English text of its own in another language, apart from names of the evaluation's data."""

from __future__ import annotations

import gettext
import re
from html import unescape
from pathlib import Path

import pytest

from pneumonia import messages
from pneumonia.inference import bundle
from pneumonia.languages import use_language
from pneumonia.web import evidence_tab
from tests.support.lung_bundles import write_lung_bundle

MAX_CELL = 90
"""Characters of a cell of a table, or of a label."""


class Marked(gettext.NullTranslations):
    """A catalogue that puts each sentence into ‹ ›."""

    def gettext(self, message: str) -> str:
        return f"‹{message}›"

    def ngettext(self, singular: str, plural: str, count: int) -> str:
        return f"‹{singular if count == 1 else plural}›"


@pytest.fixture(scope="module")
def untranslated(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The text of both models' evidence outside of translated sentences."""
    folder: Path = tmp_path_factory.mktemp("bundles")
    with pytest.MonkeyPatch.context() as patch, use_language("fr"):
        patch.setattr(messages, "catalogue", lambda code: Marked())
        html = "".join(
            evidence_tab.sections(bundle.load(write_lung_bundle(folder / name, name), name))
            for name in ("children", "adults")
        )
    text = unescape(re.sub(r"<[^>]*>", "|", re.sub(r'<span class="nowrap">([^<]*)</span>', r"\1", html)))
    while "‹" in text:
        text = re.sub(r"‹[^‹›]*›", "", text)
    return text


@pytest.mark.parametrize(
    "words",
    ["(default)", "screening", "confirm", "Sensitivity", "Accuracy", "unchanged", "worst:", "all of", "drawn:",
     "letters blanked", "chance", "official test", "by patient", "model for", "without contradicted", "nothing"],
)  # fmt: skip
def test_names_and_sentences_of_tables_and_plots_are_translated(untranslated: str, words: str) -> None:
    """Sentences of the data, such as the limits of the card and the log of accesses, are longer than a cell."""
    cells = [cell for cell in untranslated.split("|") if len(cell) < MAX_CELL]
    assert [cell for cell in cells if words in cell] == []
