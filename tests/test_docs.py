"""The docs agree with the repository: files exist, commands are documented, config and evaluation agree."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pneumonia import Predictor
from pneumonia.evaluation import card
from pneumonia.inference import bundle, sources

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_evaluation_has_the_runs_that_the_card_compares(predictor: Predictor) -> None:
    assert {"default/official", "default/grouped80", "seed/grouped80"} <= set(
        predictor.models[0].bundle.evaluation["runs"]
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_exists(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_the_readme_has_the_two_commands() -> None:
    assert "pip install -r requirements.txt && python app.py" in README
    assert "pip install -r requirements-dev.txt && pytest" in README


def test_the_card_says_which_figures_of_the_original_project_are_not_reached(predictor: Predictor) -> None:
    model_card = (predictor.models[0].bundle.folder / bundle.CARD).read_text()
    figures = card.metrics_at_half(predictor.models[0].bundle.evaluation["runs"]["default/grouped80"])
    for name, minimum in card.ORIGINAL_METRICS.items():
        assert round(100 * figures[name]) >= 100 * minimum - 1, name
        [row] = [
            line for line in model_card.splitlines() if line.startswith(f"| 80/20 by patient at one half: {name} ")
        ]
        assert ("**missed**" in row) == (figures[name] < minimum)


def test_no_page_and_no_figure_file_names_a_path_of_a_machine() -> None:
    for page in [*PAGES, *sources.EMBEDDED_FOLDER.glob("*.json")]:
        assert not re.search(r"(?<![\w.])/(home|root|Users|tmp|mnt)/", page.read_text()), page


def test_config_and_evaluation_agree(predictor: Predictor) -> None:
    config, runs = predictor.models[0].bundle.config, predictor.models[0].bundle.evaluation["runs"]
    served = runs[f"{config['recipe']}/{config['protocol']}"]
    assert served["threshold"] == config["operating_points"]["balanced"]["threshold"]
    assert served["films"]["total"] == 624
    assert json.dumps(served["versions"]) == json.dumps(config["versions"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_by_its_path_exists(page: Path) -> None:
    paths = re.findall(r"`((?:pneumonia|tests|benchmarks|requirements|docs)/[\w./-]+)`", page.read_text())
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_each_name_of_the_architecture_stands_in_its_file() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    rows = re.findall(r"^\| [^|]+\? \| `([\w./]+)`[^|]*\| ([^|]+)\|$", page, re.MULTILINE)
    assert len(rows) > 20
    for file, names in rows:
        source = (ROOT / file).read_text()
        for name in re.findall(r"`(?:\w+\.)?(\w+)`", names):
            assert re.search(rf"^ *(?:def |class )?{name}\b", source, re.MULTILINE), f"{file}: {name}"
