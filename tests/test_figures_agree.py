"""Card, README and page say what `evaluation.json` says, and no figure about the model stands anywhere by hand."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pneumonia import Predictor
from pneumonia.evaluation import card, release
from pneumonia.evaluation.number_format import percent
from pneumonia.inference import bundle
from pneumonia.web import page, page_text

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SPEAKING = [
    *sorted((ROOT / "pneumonia" / "reporting").glob("*.py")),
    *sorted((ROOT / "pneumonia" / "web").glob("*.py")),
]

FIGURE = re.compile(r"\d[\d.,]*\s?%|(?<![\w.])\.\d{2,}\b|\bAUROC\W+\d")
"""A percentage, a score such as `.974`, an AUROC."""
WIDTH = re.compile(r"\d+%")
"""A string that is nothing else is a column's width."""
NO_FIGURES = {
    "over 99 %": "the most that any answer says, whatever the model",
    "under 1 %": "the least",
    "95 % interval": "what an interval is",
    ".500 (chance)": "what a coin would get",
}


def by_hand(text: str) -> list[str]:
    """What looks like a figure in a text, the known exceptions aside."""
    for known in NO_FIGURES:
        text = text.replace(known, "")
    return [] if WIDTH.fullmatch(text) else FIGURE.findall(text)


def sentences(path: Path) -> Iterator[str]:
    """Every string of a module, the fixed parts of f-strings included, but no docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def test_the_card_is_written_from_config_and_evaluation(predictor: Predictor) -> None:
    text = (predictor.bundle.folder / bundle.CARD).read_text(encoding="utf-8")
    assert text == card.write(predictor.bundle.config, predictor.bundle.evaluation)


def test_the_readmes_block_is_the_evaluations(predictor: Predictor) -> None:
    before, after = README.split(release.MARKS[0]), README.split(release.MARKS[1])
    assert len(before) == len(after) == 2
    block = release.MARKS[0] + before[1].split(release.MARKS[1])[0] + release.MARKS[1]
    assert block == release.figures_for_readme(dict(predictor.bundle.evaluation))


def test_the_page_shows_the_evaluations_figures(predictor: Predictor) -> None:
    evaluation, config = predictor.bundle.evaluation, predictor.bundle.config
    texts = {
        getattr(block, "elem_id", None): getattr(block, "value", "") for block in page.build(predictor).blocks.values()
    }
    official = evaluation["runs"][f"{config['recipe']}/official"]["figures"]
    for name in ("accuracy", "sensitivity", "specificity"):
        assert f"{name} {percent(official[name])}" in texts["model"]
    assert len(by_hand(texts["model"])) == 3
    assert texts["external-validation"] == page_text.external_validation_note(evaluation.get("external", []))


def test_no_other_figure_stands_in_the_readme() -> None:
    outside = re.sub(f"{re.escape(release.MARKS[0])}.*?{re.escape(release.MARKS[1])}", "", README, flags=re.DOTALL)
    assert by_hand(outside) == []


@pytest.mark.parametrize("path", SPEAKING, ids=lambda path: path.name)
def test_no_figure_stands_in_the_pages_sentences(path: Path) -> None:
    assert [found for text in sentences(path) for found in by_hand(text)] == []


@pytest.mark.parametrize("text", ["about 96 % right", "sensitivity of 97.2%", "an area of .974", "AUROC 0.97"])
def test_a_figure_by_hand_is_seen(text: str) -> None:
    assert by_hand(text)


@pytest.mark.parametrize("text", ["children of 1-5 years", "Python 3.11", "confidence over 99 %", "confidence {:.0f} %", "v6.31.0"])
def test_what_is_no_figure_is_let_be(text: str) -> None:
    assert by_hand(text) == []
