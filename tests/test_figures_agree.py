"""Card, README and page have the figures of `evaluation.json`; no other text contains a figure about the model."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from pneumonia import Predictor, load_predictor
from pneumonia.evaluation import card, readme_figures, release
from pneumonia.evaluation.audit_tables import decimal_loss
from pneumonia.evaluation.licences import licence_of_model
from pneumonia.evaluation.number_format import percent, points, score, share
from pneumonia.inference import bundle
from pneumonia.inference.bundle import Bundle
from pneumonia.inference.populations import POPULATIONS
from pneumonia.reporting.unbroken_percent import markdown_with_unbroken_percent
from pneumonia.web import evidence_tab, page, page_text
from tests.support.lung_bundles import write_lung_bundle

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
    "from 0 % to 100 %": "the ends of the scale of a probability",
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


@pytest.fixture(scope="module", params=["embedded", "made bundles of both populations"])
def bundles(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Bundle]:
    """The embedded bundles, and two made ones with lung fields and all figures that a model can have."""
    if request.param == "embedded":
        return [model.bundle for model in load_predictor("").models]
    folder = tmp_path_factory.mktemp("made")
    loaded = []
    for population in POPULATIONS:
        run = write_lung_bundle(folder / "runs" / population, population)
        release.release(run, [], folder / population)
        loaded.append(bundle.load(folder / population, population))
    return loaded


def test_the_card_is_written_from_config_and_evaluation(bundles: list[Bundle]) -> None:
    for loaded in bundles:
        text = (loaded.folder / bundle.CARD).read_text(encoding="utf-8")
        assert text == card.write(loaded.config, loaded.evaluation)


def test_the_readme_has_the_figures_of_the_embedded_evaluations() -> None:
    before, after = README.split(readme_figures.MARKS[0]), README.split(readme_figures.MARKS[1])
    assert len(before) == len(after) == 2
    block = readme_figures.MARKS[0] + before[1].split(readme_figures.MARKS[1])[0] + readme_figures.MARKS[1]
    assert block == readme_figures.figures_for_readme([model.bundle for model in load_predictor("").models])


def test_the_readme_shows_the_figures_and_the_licence_of_each_model(bundles: list[Bundle]) -> None:
    text = readme_figures.figures_for_readme(bundles)
    for loaded in bundles:
        run = loaded.served_run
        assert run is not None
        for name in ("accuracy", "sensitivity", "specificity"):
            assert percent(run["figures"][name]) in text
        for name, answers in run.get("classes", {}).items():
            shares = " / ".join(share(answers[answer]["value"]) for answer in ("Normal", "Pneumonia", "Unknown"))
            assert shares in text, name
        licence = licence_of_model(loaded.config)
        row = f"| {loaded.population.name} | {loaded.population.description} | {licence['name']}. {licence['terms']}"
        assert row in text


def test_the_card_shows_the_figures_of_every_part_of_the_evaluation(bundles: list[Bundle]) -> None:
    """Every value of an audit, a reading, a source or a route in `evaluation.json` is in the card."""
    for loaded in bundles:
        text = card.write(loaded.config, loaded.evaluation)
        run = loaded.served_run or {}
        parts = {key: run.get(key, {}) for key in ("classes", "readings", "sources", "audits")}
        parts["routing"] = dict(enumerate(loaded.evaluation.get("routing", [])))
        parts["nih"] = loaded.evaluation.get("nih_by_age", {})
        missing = [
            path for path, figure in figures_of(parts) if not any(one in text for one in notations(path, figure))
        ]
        assert missing == [], loaded.population.name


def figures_of(tree: Mapping[Any, Any], path: str = "") -> Iterator[tuple[str, dict[str, float]]]:
    """(path, figure) of each figure with an interval; those of curves and of shares that no table has are left out."""
    for name, value in tree.items():
        if isinstance(value, Mapping) and {"value", "low", "high"} == set(value):
            if name != "answered":
                yield f"{path}/{name}", dict(value)
        elif isinstance(value, Mapping) and not str(name).startswith("answered_"):
            yield from figures_of(value, f"{path}/{name}")


def notations(path: str, figure: dict[str, float]) -> list[str]:
    """The notations of a figure; lost accuracy has one of its own."""
    if path.endswith("/loss"):
        return [points(figure)]
    return [percent(figure), score(figure), decimal_loss(figure)]


def test_the_page_shows_the_figures_of_the_evaluation(predictor: Predictor) -> None:
    evaluation, config = predictor.models[0].bundle.evaluation, predictor.models[0].bundle.config
    texts = {
        getattr(block, "elem_id", None): getattr(block, "value", "") for block in page.build(predictor).blocks.values()
    }
    official = evaluation["runs"][f"{config['recipe']}/official"]["figures"]
    for name in ("accuracy", "sensitivity", "specificity"):
        assert markdown_with_unbroken_percent(f"{name} {percent(official[name])}") in texts["model"]
    external = [entry for model in predictor.models for entry in model.bundle.evaluation.get("external", [])]
    assert texts["external-validation"] == page_text.external_validation_note(external)


def test_the_evidence_tab_shows_the_figures_of_each_model(bundles: list[Bundle]) -> None:
    for loaded in bundles:
        html = unescape(evidence_tab.sections(loaded, is_choice=True))
        run = loaded.served_run or {}
        parts = {key: run.get(key, {}) for key in ("figures", "classes", "readings", "sources", "audits")}
        missing = [
            path for path, figure in figures_of(parts) if not any(one in html for one in notations(path, figure))
        ]
        assert missing == [], loaded.population.name


def test_the_readme_has_no_other_figure() -> None:
    marks = [re.escape(mark) for mark in readme_figures.MARKS]
    outside = re.sub(f"{marks[0]}.*?{marks[1]}", "", README, flags=re.DOTALL)
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
