"""The benchmarks of monitoring: their tables, and that changed films are found where unchanged ones are not."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import drift_power, monitor_cost
from pneumonia import Predictor
from tests.conftest import Grey


def test_false_alarms_and_years_are_printed_for_each_model(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(drift_power, "SIZES", (50,))
    monkeypatch.setattr(drift_power, "WEEKLY", (10,))
    assert drift_power.main(["--repetitions", "5", "--years", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("| 50 |") for line in lines) == 2 * len(drift_power.SHARES)
    assert lines.count("| 10 | 0.0% |") == 2


def test_changed_films_are_found(predictor: Predictor, normal_film: Grey) -> None:
    grain = np.random.default_rng(0).normal(0, 4, (60, *normal_film.shape))
    films = np.clip(normal_film + grain, 0, 255).astype(np.uint8)
    card = drift_power.reference_of(drift_power.read_films(predictor, films, 3.0), np.arange(60) % 2)
    changes = dict(drift_power.changes(films))
    random = np.random.default_rng(1)
    rates = {
        name: drift_power.detection_rate(drift_power.read_films(predictor, changes[name], 3.0), card, 60, random)
        for name in ("unchanged", "rotation 5 degrees")
    }
    assert rates == {"unchanged": 0.0, "rotation 5 degrees": 1.0}
    inverted = drift_power.read_films(predictor, changes["inverted"], 3.0)
    assert all(reading.inverted for reading in inverted)


def test_the_cost_of_counting_is_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(monitor_cost, "DAYS", 2)
    assert monitor_cost.main(["--films", "10"]) == 0
    assert "us; write:" in capsys.readouterr().out
