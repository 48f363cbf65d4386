"""The benchmarks' arithmetic, and that their quick form runs; no time is asserted anywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import films, table
from benchmarks.measure import Pair, at_least, at_most, interleaved
from pneumonia import imaging, load_predictor

ROOT = Path(__file__).resolve().parents[2]
ROWS = 15


def test_both_ways_run_in_turn_after_a_run_that_does_not_count() -> None:
    order: list[str] = []
    pair = interleaved(lambda: order.append("ours"), lambda: order.append("theirs"), 2, times=(2, 1))
    assert order == ["ours", "theirs", "ours", "ours", "theirs", "ours", "ours", "theirs"]
    assert len(pair.ours) == len(pair.theirs) == 2


def test_a_ratio_compares_the_neighbours_in_time() -> None:
    pair = Pair(ours=(1.0, 2.0), theirs=(10.0, 10.0))
    assert pair.faster == [10.0, 5.0]
    assert pair.longer == [0.1, 0.2]


def test_the_median_is_held_against_both_bounds() -> None:
    fast, slow = at_least("a", "b", [9, 12, 30], 10, 15), at_most("a", "b", [1.0, 1.2, 9.0], 1.15, 1.05)
    assert (fast.median, fast.reaches(fast.must), fast.reaches(fast.aim)) == (12, True, False)
    assert (slow.median, slow.reaches(slow.must)) == (1.2, False)


def test_the_table_names_what_was_missed_and_the_machine() -> None:
    text = table.markdown([at_most("a start", "another", [2.0], 1.25, 1.1, "why")], {"decode": 3.0, "graph": 1.0})
    assert "| a start | another | <= 1.25x | <= 1.10x | **2.00x** (2.00x to 2.00x) | MISSED |" in text
    assert "* a start: why" in text
    assert "| decode | 3.00 | 75 % |" in text
    assert table.machine() in text


def test_the_readme_shows_the_very_figures_of_the_last_run() -> None:
    found = json.loads((ROOT / "docs" / "benchmarks.json").read_text(encoding="utf-8"))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert table.brief(found) in readme
    assert table.into_readme(found, readme) == readme


def test_the_films_pass_the_gate_and_differ() -> None:
    predictor = load_predictor("")
    seen = [imaging.to_input(imaging.read(films.jpeg(films.film(predictor, (650, 450), number)))) for number in (0, 1)]
    assert [predictor.bundle.gate.check(each) for each in seen] == [None, None]
    assert (seen[0] != seen[1]).any()


@pytest.mark.slow
def test_the_quick_form_fills_every_row_and_finds_both_ways_equal(tmp_path: Path) -> None:
    order = [sys.executable, "-m", "benchmarks", "--quick", "--out", str(tmp_path)]
    done = subprocess.run(order, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads((tmp_path / "benchmarks.json").read_text())
    assert len(found["rows"]) == ROWS
    assert all(row["median"] is not None for row in found["rows"])
    assert set(found["breakdown_ms"]) >= {"upload", "decode at reduced size", "gate", "graph", "overlay", "transport"}
