"""The arithmetic of the benchmarks, and a quick run of them. No duration is asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import films, table
from benchmarks.measure import Pair, Row, at_least, at_most, interleaved
from pneumonia import imaging, load_predictor

ROOT = Path(__file__).resolve().parents[2]
ROWS = 17


def test_product_and_reference_alternate_after_a_warm_up() -> None:
    order: list[str] = []
    pair = interleaved(lambda: order.append("product"), lambda: order.append("reference"), 2, times=(2, 1))
    assert order == ["product", "reference", "product", "product", "reference", "product", "product", "reference"]
    assert len(pair.product) == len(pair.reference) == 2


def test_a_ratio_compares_runs_of_the_same_pair() -> None:
    pair = Pair(product=(1.0, 2.0), reference=(10.0, 10.0))
    assert pair.speedups == [10.0, 5.0]
    assert pair.slowdowns == [0.1, 0.2]


def test_the_median_is_compared_with_both_targets() -> None:
    fast, slow = at_least("a", "b", [9, 12, 30], 10, 15), at_most("a", "b", [1.0, 1.2, 9.0], 1.15, 1.05)
    assert (fast.median, fast.reaches(fast.must), fast.reaches(fast.aim)) == (12, True, False)
    assert (slow.median, slow.reaches(slow.must)) == (1.2, False)


def test_the_table_marks_missed_targets_and_names_the_machine() -> None:
    text = table.markdown([at_most("a start", "another", [2.0], 1.25, 1.1, "why")], {"decode": 3.0, "graph": 1.0})
    assert "| a start | another | <= 1.25x | <= 1.10x | **2.00x** (2.00x to 2.00x) | MISSED |" in text
    assert "* a start: why" in text
    assert "| decode | 3.00 | 75 % |" in text
    assert table.machine() in text


def test_the_documented_table_is_that_of_the_documented_json() -> None:
    report = json.loads((ROOT / "docs" / "benchmarks.json").read_text(encoding="utf-8"))
    fields = ("what", "compared_with", "ratios", "must", "aim", "at_least", "note", "unit")
    rows = [Row(**{field: row[field] for field in fields}) for row in report["rows"]]
    text = table.markdown(rows, report["breakdown_ms"]).replace(table.machine(), report["machine"])
    assert (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8") == f"{text}\n"


def test_the_films_pass_the_gate_and_differ() -> None:
    predictor = load_predictor("")
    input_images = [
        imaging.to_input(imaging.read(films.jpeg(films.film(predictor, (650, 450), number)))) for number in (0, 1)
    ]
    assert [predictor.models[0].gate.check(input_image) for input_image in input_images] == [None, None]
    assert (input_images[0] != input_images[1]).any()


@pytest.mark.slow
def test_a_quick_run_fills_every_row(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks", "--quick", "--out", str(tmp_path)]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1800, check=False)
    assert process.returncode == 0, process.stderr[-2000:]
    report = json.loads((tmp_path / "benchmarks.json").read_text())
    assert len(report["rows"]) == ROWS
    assert all(row["median"] is not None for row in report["rows"])
    assert set(report["breakdown_ms"]) >= {"upload", "decode at reduced size", "gate", "graph", "overlay", "transport"}
