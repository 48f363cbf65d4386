"""External validation on films of another hospital."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pneumonia import Predictor
from pneumonia.errors import DatasetError
from pneumonia.evaluation import metrics
from pneumonia.evaluation.external import external, identity, main, verdict

NAMES = {
    "NORMAL": ["00000007_000.png", "00000007_001.png", "00000009_000.png"],
    "PNEUMONIA": ["00000011_003.png", "other.png"],
}


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "bootstrap_weights", partial(metrics.bootstrap_weights, replicates=20))


@pytest.fixture
def folder(tmp_path: Path, write_films: Any, normal_film: Any) -> Path:
    """Five films that the gate accepts, and one with pneumonia, rotated by 90 degrees, that it refuses."""
    root = write_films(tmp_path / "elsewhere", NAMES)
    Image.fromarray(np.ascontiguousarray(np.rot90(normal_film))).save(root / "PNEUMONIA" / "side.png")
    return Path(root)


@pytest.fixture
def entry(predictor: Predictor, folder: Path) -> dict[str, Any]:
    return external(predictor.models[0], folder, "Elsewhere", "films of another hospital", quiet=True)


def test_the_films_are_counted_by_label_and_by_the_patient_in_their_names(entry: dict[str, Any]) -> None:
    assert entry["films"] == {"total": 6, "normal": 3, "pneumonia": 3}
    assert entry["patients"] == 5


def test_figures_with_and_without_the_gate_are_separate(entry: dict[str, Any]) -> None:
    # All five films are derived from a normal film, so the network is correct on the three that are labelled normal.
    assert entry["passed"]["films"] == 5
    assert entry["passed"]["specificity"]["value"] == 1.0
    assert entry["figures"]["gated_sensitivity"]["value"] == entry["passed"]["sensitivity"]["value"] == 0.0
    assert entry["service"]["refused"]["value"] == pytest.approx(1 / 6, abs=1e-5)
    assert entry["service"]["unknown"]["value"] >= entry["service"]["refused"]["value"]


def test_a_warning_is_counted(predictor: Predictor, folder: Path, normal_film: Any) -> None:
    colours = np.stack([normal_film, normal_film // 2, normal_film], axis=2)
    Image.fromarray(colours).save(folder / "NORMAL" / "coloured.png")
    found = external(predictor.models[0], folder, "Elsewhere", "films", quiet=True)
    assert found["service"]["warned"]["value"] == pytest.approx(1 / 7, abs=1e-5)


def test_the_entry_identifies_its_model_by_graph_and_gate(entry: dict[str, Any], predictor: Predictor) -> None:
    assert entry["model"] == identity(predictor.models[0].bundle.config)
    assert set(entry["model"]) == {"model.tflite", "gate.npz"}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.44, "no better than chance"),
        (0.56, "hardly better than chance"),
        (0.85, "of use"),
        (1.0, "as good as on the data set's own films"),
        (None, "no better than chance"),
    ],
)
def test_the_verdict_follows_from_the_auroc(value: float | None, words: str) -> None:
    assert verdict({"value": value, "low": value, "high": value}) == words


def test_another_layout_is_refused_with_the_expected_one(predictor: Predictor, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=f"Expected: {tmp_path.name}/NORMAL, {tmp_path.name}/PNEUMONIA"):
        external(predictor.models[0], tmp_path, "Elsewhere", "films", quiet=True)


def test_the_command_prints_a_table_and_writes_the_entry(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "entry.json"
    assert main([str(folder), "--name", "Elsewhere", "--json", str(out)]) == 0
    assert "| Refused by the gate | 16.7 %" in capsys.readouterr().out
    assert json.loads(out.read_text())["name"] == "Elsewhere"


def test_an_error_is_printed_as_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), "--name", "Elsewhere"]) == 2
    assert "dataset_layout" in capsys.readouterr().err
