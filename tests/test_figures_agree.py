"""Card, README and page have the figures of `evaluation.json`; no other text contains a figure about the model."""

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
MODULES_WITH_TEXTS = [
    *sorted((ROOT / "pneumonia" / "reporting").glob("*.py")),
    *sorted((ROOT / "pneumonia" / "web").glob("*.py")),
]

FIGURE = re.compile(r"\d[\d.,]*\s?%|(?<![\w.])\.\d{2,}\b|\bAUROC\W+\d")
"""A percentage, a score such as `.974`, or an AUROC."""
WIDTH = re.compile(r"\d+%")
"""The CSS width of a column, which is not a figure."""
EXCEPTIONS = {
    "over 99 %": "the maximum of every displayed probability",
    "under 1 %": "the minimum of every displayed probability",
    "95 % interval": "the definition of the intervals",
    ".500 (chance)": "the AUROC of chance",
}


def figures_in(text: str) -> list[str]:
    """Figures in a text, except `EXCEPTIONS`."""
    for exception in EXCEPTIONS:
        text = text.replace(exception, "")
    return [] if WIDTH.fullmatch(text) else FIGURE.findall(text)


def sentences(path: Path) -> Iterator[str]:
    """All strings of a module, including the constant parts of f-strings, but not its docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def test_the_card_is_written_from_config_and_evaluation(predictor: Predictor) -> None:
    text = (predictor.models[0].bundle.folder / bundle.CARD).read_text(encoding="utf-8")
    assert text == card.write(predictor.models[0].bundle.config, predictor.models[0].bundle.evaluation)


def test_the_readme_has_the_figures_of_the_evaluation(predictor: Predictor) -> None:
    before, after = README.split(release.MARKS[0]), README.split(release.MARKS[1])
    assert len(before) == len(after) == 2
    block = release.MARKS[0] + before[1].split(release.MARKS[1])[0] + release.MARKS[1]
    assert block == release.figures_for_readme(dict(predictor.models[0].bundle.evaluation))


def test_the_page_shows_the_figures_of_the_evaluation(predictor: Predictor) -> None:
    evaluation, config = predictor.models[0].bundle.evaluation, predictor.models[0].bundle.config
    texts = {
        getattr(block, "elem_id", None): getattr(block, "value", "") for block in page.build(predictor).blocks.values()
    }
    official = evaluation["runs"][f"{config['recipe']}/official"]["figures"]
    for name in ("accuracy", "sensitivity", "specificity"):
        assert f"{name} {percent(official[name])}" in texts["model"]
    assert len(figures_in(texts["model"])) == 3
    assert texts["external-validation"] == page_text.external_validation_note(evaluation.get("external", []))


def test_the_readme_has_no_other_figure() -> None:
    outside = re.sub(f"{re.escape(release.MARKS[0])}.*?{re.escape(release.MARKS[1])}", "", README, flags=re.DOTALL)
    assert figures_in(outside) == []


@pytest.mark.parametrize("path", MODULES_WITH_TEXTS, ids=lambda path: path.name)
def test_no_text_of_page_and_report_contains_a_figure(path: Path) -> None:
    assert [figure for text in sentences(path) for figure in figures_in(text)] == []


@pytest.mark.parametrize("text", ["about 96 % right", "sensitivity of 97.2%", "an area of .974", "AUROC 0.97"])
def test_a_figure_is_recognised(text: str) -> None:
    assert figures_in(text)


@pytest.mark.parametrize(
    "text", ["children of 1-5 years", "Python 3.11", "confidence over 99 %", "confidence {:.0f} %", "v6.31.0"]
)
def test_other_numbers_are_not_figures(text: str) -> None:
    assert figures_in(text) == []
