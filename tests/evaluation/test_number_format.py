"""Formatting of metrics, and the tables of card and page."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from pneumonia.evaluation import number_format, tables
from pneumonia.evaluation.table import Table

ROOT = Path(__file__).parents[2]
NO_VALUE: dict[str, float | None] = {"value": None, "low": None, "high": None}
FIGURE: dict[str, float | None] = {"value": 0.5, "low": 0.4, "high": 0.6}


def test_a_percentage_has_one_decimal_and_its_interval() -> None:
    figure: dict[str, float | None] = {"value": 0.93149, "low": 0.909, "high": 1.0}
    assert number_format.percent(figure) == "93.1 % (90.9-100.0)"
    assert number_format.percent(figure, interval=False) == "93.1 %"


def test_a_score_has_three_decimals_and_no_leading_zero() -> None:
    assert number_format.score({"value": 0.98149, "low": 0.0, "high": 1.0}) == ".981 (.000-1.000)"
    assert number_format.score({"value": 0.98149, "low": 0.0, "high": 1.0}, 2) == ".98 (.00-1.00)"


def test_a_difference_of_shares_has_a_sign_and_is_in_points() -> None:
    assert number_format.points({"value": -0.018, "low": -0.0311, "high": 0.006}) == "-1.8 (-3.1 to 0.6)"


def test_a_figure_that_could_not_be_measured_is_a_dash() -> None:
    for text in (number_format.percent, number_format.score, number_format.points):
        assert text(NO_VALUE) == "-"
    assert number_format.percent(NO_VALUE, interval=False) == number_format.share(None) == "-"


@pytest.mark.parametrize(("name", "text"), [("accuracy", "50.0 % (40.0-60.0)"), ("ece", ".500 (.400-.600)")])
def test_shares_are_percentages_and_areas_are_scores(name: str, text: str) -> None:
    assert number_format.format_metric(name, FIGURE) == text


def test_a_table_is_markdown() -> None:
    table = Table("Caption", ["a", "b"], [["1", "2"]])
    assert table.to_markdown() == "| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_a_table_without_data_has_no_rows() -> None:
    empty = [tables.subgroups({}), tables.gate_refusals([]), tables.operating_points({"operating_points": {}}, {})]
    empty += [tables.robustness(None), tables.shortcuts(None), tables.activation(None)]
    assert not any(table.rows for table in empty)


def test_an_operating_point_without_thresholds_has_a_row() -> None:
    run = {"operating_points": {"balanced": {"coverage": FIGURE}}}
    assert tables.operating_points({"operating_points": {}}, run).rows == [
        ["balanced (default)", "-", "50.0 % (40.0-60.0)"]
    ]


def test_the_page_imports_no_other_module_of_the_evaluation() -> None:
    allowed = {"audit_tables", "external_tables", "number_format", "population_tables", "summary", "table", "tables"}
    for path in (ROOT / "pneumonia" / "web").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or (node.module or "").split(".")[0] != "evaluation":
                continue
            parts = (node.module or "").split(".")[1:]
            assert set(parts or [alias.name for alias in node.names]) <= allowed, path.name


def test_the_tables_load_no_library_that_serving_lacks() -> None:
    code = "import sys, pneumonia.evaluation.tables; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not {"sklearn", "scipy", "matplotlib"} & set(loaded.split())
