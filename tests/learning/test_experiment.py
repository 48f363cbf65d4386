"""`train.py` from the command line: from synthetic films to a bundle that predicts.

The trainings are slow: a minute on two cores. `test_training.py` trains a small network for the fast tests.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import train
from pneumonia import load_predictor
from pneumonia.evaluation import card, metrics
from pneumonia.inference.graph import Graph
from pneumonia.inference.predictor import load_model
from pneumonia.learning import gate_classifier_fit, gate_others

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Kaggle's layout with 128 films of 128 patients; pneumonia has a bright spot in the right lower zone."""
    root = tmp_path_factory.mktemp("films")
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[0:180, 0:180]
    spot = 90 * np.exp(-((columns - 60) ** 2 + (rows - 120) ** 2) / 700)
    patient = 0
    for split, count in (("train", 50), ("val", 2), ("test", 12)):
        for label in ("NORMAL", "PNEUMONIA"):
            (root / split / label).mkdir(parents=True)
            for _ in range(count):
                patient += 1
                film = 120 + 60 * np.cos((columns - 90) / 35) + random.normal(0, 8, rows.shape)
                film += spot if label == "PNEUMONIA" else 0
                pneumonia_name, normal_name = f"person{patient}_bacteria_{patient}.jpeg", f"IM-{patient:04d}-0001.jpeg"
                name = pneumonia_name if label == "PNEUMONIA" else normal_name
                Image.fromarray(film.clip(0, 255).astype(np.uint8)).save(root / split / label / name)
    (root / "train" / "NORMAL" / "IM-9999-0001.jpeg").write_bytes(b"\xff\xd8\xff broken")
    return root


def run_train(*arguments: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "train.py", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)


@pytest.fixture
def train_quickly(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """`train.py` in this process, with few replicates of the bootstrap and few images for the gate.

    It returns the exit code.
    """
    monkeypatch.setattr(metrics, "bootstrap_weights", partial(metrics.bootstrap_weights, replicates=20))
    monkeypatch.setattr(gate_others, "IMAGES_OF_KIND", 2)
    for name in ("MIN_FILMS_OF_SOURCE", "MIN_IMAGES_OF_KIND", "VARIANTS"):
        monkeypatch.setattr(gate_classifier_fit, name, 1)

    def run(*arguments: Any) -> int:
        monkeypatch.setattr(sys, "argv", ["train.py", *map(str, arguments)])
        return train.main()

    return run


@pytest.fixture(scope="module")
def trained(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    out = tmp_path_factory.mktemp("runs") / "first"
    result = run_train("--data", folder, "--epochs", 2, "--out", out)
    assert result.returncode == 0, result.stderr
    return out, result.stdout


@pytest.mark.slow
def test_the_run_folder_is_a_bundle_that_predicts(trained: tuple[Path, str], folder: Path) -> None:
    predictor = load_predictor(str(trained[0]))
    predictions = [predictor.predict(path) for path in sorted((folder / "test" / "NORMAL").iterdir())]
    assert {prediction.label for prediction in predictions} <= {"Normal", "Pneumonia", "Unknown"}
    assert any(prediction.probability is not None for prediction in predictions)
    assert predictor.describe()["figures"]["official"]["accuracy"]["value"] is not None


@pytest.mark.slow
def test_the_run_folder_contains_model_metrics_card_and_training_history(trained: tuple[Path, str]) -> None:
    names = {path.relative_to(trained[0]).as_posix() for path in trained[0].rglob("*") if path.is_file()}
    assert {"model.tflite", "model.keras", "config.json", "evaluation.json", "gate.npz", "README.md"} <= names
    assert {"training/history.json", "training/history.png", "training/curves.png"} <= names
    history = json.loads((trained[0] / "training" / "history.json").read_text())
    assert [(row["member"], row["epoch"]) for row in history] == [
        (member, epoch) for member in (1, 2) for epoch in (1, 2)
    ]


@pytest.mark.slow
def test_validate_uses_no_test_film(
    train_quickly: Callable[..., int], folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--recipe", "seed", "--epochs", 1, "--out", tmp_path, "--validate")
    assert train_quickly("--data", folder, *options) == 0
    assert "test films" not in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {"training", "validation.json", "held_out_scores.json"}
    validation = json.loads((tmp_path / "validation.json").read_text())
    assert 0 <= validation["worst_pair"]["auroc"] <= validation["mean_of_pairs"] <= 1
    assert 0 <= validation["border_of_other_class"] <= 1


@pytest.mark.slow
def test_broken_films_are_reported_and_left_out(trained: tuple[Path, str]) -> None:
    assert "skipped, damaged" in trained[1]
    assert "IM-9999-0001.jpeg" in trained[1]


@pytest.mark.slow
def test_the_keras_model_loads_and_scores_as_the_served_graph(trained: tuple[Path, str], folder: Path) -> None:
    import keras

    import pneumonia.learning.network  # noqa: F401  (registers the layers with Keras)
    from pneumonia import imaging

    network = keras.models.load_model(trained[0] / "model.keras")
    graph = Graph(load_model(str(trained[0])).bundle.graph, 1)
    film = imaging.to_input(imaging.read(next((folder / "test" / "PNEUMONIA").iterdir())))
    expected = float(np.asarray(network(film[None].astype(np.float32)))[0, 0])
    assert graph.score(film).score == pytest.approx(expected, abs=1e-4)


@pytest.mark.slow
def test_the_command_and_the_card_name_no_path_of_the_machine(trained: tuple[Path, str], folder: Path) -> None:
    for name in ("evaluation.json", "README.md", "config.json"):
        assert str(folder.parent) not in (trained[0] / name).read_text()


@pytest.mark.slow
def test_the_card_is_written_from_the_figures(trained: tuple[Path, str]) -> None:
    config, evaluation = (json.loads((trained[0] / name).read_text()) for name in ("config.json", "evaluation.json"))
    assert (trained[0] / "README.md").read_text() == card.write(config, evaluation)


@pytest.mark.slow
def test_folds_train_one_model_each_and_report_their_mean(
    train_quickly: Callable[..., int], folder: Path, tmp_path: Path
) -> None:
    command = ("--data", folder, "--epochs", 1, "--split", "folds5", "--out", tmp_path / "folds", "--recipe", "seed")
    assert train_quickly(*command, "--fold", 3) == 0
    assert [path.name for path in (tmp_path / "folds").iterdir()] == ["fold3"]
    before = (tmp_path / "folds" / "fold3" / "model.tflite").stat().st_mtime_ns
    assert train_quickly(*command, "--resume") == 0
    assert (tmp_path / "folds" / "fold3" / "model.tflite").stat().st_mtime_ns == before, (
        "a completed fold is not run again"
    )
    summary = json.loads((tmp_path / "folds" / "evaluation.json").read_text())["runs"]["seed/folds5"]
    assert len(summary["folds"]) == 5
    mean = np.mean([fold["figures"]["accuracy"]["value"] for fold in summary["folds"]])
    assert summary["figures"]["accuracy"]["value"] == pytest.approx(mean, abs=1e-4)
    assert summary["out_of_fold"]["films"] == 104, "train and val films, each scored by the model not trained on it"
    assert sum(summary["out_of_fold"]["reliability"]["count"]) == 104


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "nowhere"], "Expected: train/NORMAL"),
        (["--data", "docs"], "kaggle.com"),
        (
            ["--data", "docs", "--recipe", "best"],
            "Allowed: adults, default, seed; experiments: adults_surroundings, compact, flat, lungs, lungs_children",
        ),
        (["--data", "docs", "--fold", "1"], "Only folds5 and order5 have folds"),
        (["--data", "docs", "--split", "order5"], "Allowed: --split order5 --fold N --validate"),
    ],
)
def test_a_usage_error_is_a_message_and_exit_code_2(
    arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", ["train.py", *arguments])
    assert train.main() == 2
    assert message in capsys.readouterr().err
