"""`train.py` for both populations, from made data sets to a bundle: with everything there, and with parts missing."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pneumonia import load_predictor
from pneumonia.evaluation import metrics
from pneumonia.evaluation.adults import RSNA_NORMAL, SIIM
from pneumonia.evaluation.dataset import KERMANY
from pneumonia.learning import gate_classifier_fit, gate_others, recipe, train_args
from pneumonia.learning.recipe import Augmentation, Convolution, Recipe
from tests.support.data_sets import write_adults, write_children, write_masks

CONVOLUTIONS = (Convolution(4, 3, 2), Convolution(4, 3), Convolution(4, 3))

pytestmark = pytest.mark.slow
"""Each test trains a network, converts it and evaluates its bundle."""


@pytest.fixture(autouse=True)
def small_recipes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The data of the real recipes, the smallest network, few replicates of the bootstrap and images for the gate."""
    original = recipe.get

    def small(name: str) -> Recipe:
        network = replace(original(name), convolutions=CONVOLUTIONS, members=1, dense=4, epochs=1, batch=8)
        return replace(network, head="lungs", lung_field_weight=1.0, augmentation=Augmentation())

    monkeypatch.setattr(recipe, "get", small)
    monkeypatch.setattr(metrics, "bootstrap_weights", partial(metrics.bootstrap_weights, replicates=20))
    monkeypatch.setattr(gate_others, "IMAGES_OF_KIND", 2)
    for name in ("MIN_FILMS_OF_SOURCE", "MIN_IMAGES_OF_KIND", "VARIANTS"):
        monkeypatch.setattr(gate_classifier_fit, name, 1)


def train(out: Path, *arguments: Any) -> dict[str, Any]:
    """Run `train.py`; returns the config of its bundle, or `validation.json`."""
    from pneumonia.learning import experiment

    experiment.run(train_args.parse([*map(str, arguments), "--out", str(out)]))
    path = out / ("validation.json" if "--validate" in arguments else "config.json")
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_masks(write_adults(write_children(tmp_path_factory.mktemp("everything"))))


def test_adults(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = train(tmp_path, "--data", data, "--recipe", "lungs_joint", "--split", "adults")
    assert config["population"] == "adults"
    assert config["licence"]["non_commercial"] is True
    assert set(config["training_sources"]) == {KERMANY, SIIM, RSNA_NORMAL} == set(config["data"]["sources"])
    assert config["data"]["lung_targets"] == "drawn masks"
    assert config["calibration"]["prevalence"] == 0.5
    assert config["operating_points"]["balanced"]["threshold"] == 0.5
    assert all(point["low"] <= 0.5 <= point["high"] for point in config["operating_points"].values())
    assert "training films have a lung mask" in capsys.readouterr().out
    run = json.loads((tmp_path / "evaluation.json").read_text())["runs"]["lungs_joint/adults"]
    assert set(run["sources"]) == {SIIM, RSNA_NORMAL}
    assert "negative_for_pneumonia" in run["readings"]
    assert set(run["classes"]) == {"Normal", "Pneumonia"}
    assert run["training"]["sources"].keys() == {KERMANY, SIIM, RSNA_NORMAL}
    predictor = load_predictor(str(tmp_path))
    assert predictor.describe()["figures"]["adults"]["auroc"]["value"] is not None


def test_the_sources_of_the_films_decide_the_licence_of_the_childrens_model(data: Path, tmp_path: Path) -> None:
    config = train(tmp_path, "--data", data, "--recipe", "default", "--split", "official")
    assert config["population"] == "children"
    assert config["licence"]["non_commercial"] is (SIIM in config["training_sources"])
    assert KERMANY in config["training_sources"]
    run = json.loads((tmp_path / "evaluation.json").read_text())["runs"]["default/official"]
    assert run["training"]["sources"].keys() == set(config["training_sources"])


def test_adults_without_children_and_masks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_adults(tmp_path / "data")
    config = train(tmp_path / "run", "--data", data, "--recipe", "adults")
    assert config["training_sources"] == [RSNA_NORMAL, SIIM]
    assert config["data"]["lung_targets"] in {"predicted lung fields", "fixed lung boxes"}
    text = capsys.readouterr().out
    assert "The films of children are missing" in text
    assert "No training film has a lung mask: there is no lung_masks/masks.csv in --data. Used instead:" in text


@pytest.mark.parametrize("name", ["default", "adults"])
def test_validation_measures_the_population_and_scores_no_test_film(data: Path, tmp_path: Path, name: str) -> None:
    validation = train(tmp_path, "--data", data, "--recipe", name, "--validate")
    assert 0 <= validation["worst_pair"]["auroc"] <= 1
    assert ("adults" in validation) == (name == "adults")
    if name == "adults":
        assert all(0 <= value <= 1 for value in validation["adults"].values())
    assert not (tmp_path / "evaluation.json").exists()
