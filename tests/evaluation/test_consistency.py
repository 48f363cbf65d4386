"""Consistency check before publishing: every disagreement between the parts of a bundle is reported."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ai_edge_litert.interpreter import Interpreter

from pneumonia import Predictor
from pneumonia.errors import FiguresDisagree, UsageError
from pneumonia.evaluation import card, consistency
from pneumonia.evaluation.external import identity
from pneumonia.evaluation.release import release
from pneumonia.inference import bundle, sources
from pneumonia.inference.model import Model
from tests.support.lung_bundles import audit_entries, external_entry, write_lung_bundle

Json = dict[str, Any]
Change = Callable[[Json, Json], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(sources.EMBEDDED_FOLDER, tmp_path / "run"))


def check(folder: Path) -> None:
    consistency.check_consistency(Model(bundle.load(folder, "run"), 1))


def rewrite(folder: Path, change: Change, *, write_card: bool = True) -> None:
    """Change config and evaluation, write the card again and update the hashes: intact files that disagree."""
    config, _ = bundle.read_config(folder)
    evaluation = json.loads((folder / bundle.EVALUATION).read_bytes())
    change(config, evaluation)
    (folder / bundle.EVALUATION).write_text(json.dumps(evaluation))
    if write_card:
        (folder / bundle.CARD).write_text(card.write(config, evaluation))
    bundle.write_config(folder, config)


def run_of(evaluation: Json) -> Json:
    run: Json = evaluation["runs"]["default/official"]
    return run


def assign(value: object, *path: str, of: Callable[[Json, Json], Json]) -> Change:
    def change(config: Json, evaluation: Json) -> None:
        node = of(config, evaluation)
        for name in path[:-1]:
            node = node[name]
        node[path[-1]] = value

    return change


def in_config(config: Json, _: Json) -> Json:
    return config


def in_run(_: Json, evaluation: Json) -> Json:
    return run_of(evaluation)


def in_evaluation(_: Json, evaluation: Json) -> Json:
    return evaluation


NORMAL = "average-of-64-typical-normal-films.png"

DISAGREEMENTS = {
    "better accuracy": (assign(0.96, "figures", "accuracy", "value", of=in_run), "accuracy: the figure is 0.96"),
    "better sensitivity": (assign(0.99, "figures", "sensitivity", "value", of=in_run), "sensitivity: "),
    "no specificity": (assign(None, "figures", "specificity", "value", of=in_run), "specificity: the figure is None"),
    "better AUROC": (assign(0.999, "figures", "auroc", "value", of=in_run), "auroc: 0.999 among the figures"),
    "a film less": (assign(623, "films", "total", of=in_run), "does not count 623 films"),
    "other normals": (assign(233, "films", "normal", of=in_run), "with 233 normal ones"),
    "another threshold": (
        assign(0.7, "operating_points", "balanced", "threshold", of=in_config),
        "threshold: config.json",
    ),
    "another run's threshold": (assign(0.123, "threshold", of=in_run), r"threshold: config.json has 0\.\d+, .* 0.123"),
    "another seed": (assign(7, "seed", of=in_run), "seed: config.json has 1, evaluation.json 7"),
    "another commit": (assign("abcdef", "revision", of=in_config), "git revision: config.json has abcdef"),
    "other libraries": (assign({"numpy": "1"}, "versions", of=in_run), "versions of the libraries"),
    "other films": (assign(5000, "data", "films", of=in_config), "films for training and validation"),
    "another calibration": (assign(3.0, "calibration", "intercept", of=in_config), "the model answers"),
    "another answer": (
        assign(0.5, "examples", NORMAL, of=in_evaluation),
        f"{NORMAL}: evaluation.json has the probability",
    ),
    "an answer too few": (assign({}, "examples", of=in_evaluation), "evaluation.json has answers for \\[\\]"),
    "a narrower gate": (assign(0.0, "gate", "edges", "distance", "near", of=in_config), "the model answers None"),
    "another recipe's name": (
        assign("seed", "recipe", of=in_run),
        "The run default/official contains the figures of seed/official",
    ),
    "another model's figures elsewhere": (
        lambda _, evaluation: evaluation.update(external=[external_entry({}, run_of(evaluation))]),
        "NIH ChestX-ray14 are of another model",
    ),
    "audits of another model": (
        lambda _, evaluation: run_of(evaluation).update(audits={"model": {bundle.GRAPH: "0" * 64}}),
        "The audits of the validation films are of another model",
    ),
}


def test_each_embedded_bundle_agrees(predictor: Predictor) -> None:
    for model in predictor.models:
        consistency.check_consistency(model)


def test_a_bundle_with_new_hashes_but_the_same_contents_agrees(folder: Path) -> None:
    rewrite(folder, lambda config, evaluation: None)
    check(folder)


@pytest.mark.parametrize("name", DISAGREEMENTS)
def test_each_disagreement_is_reported(folder: Path, name: str) -> None:
    change, message = DISAGREEMENTS[name]
    rewrite(folder, change)
    with pytest.raises(FiguresDisagree, match=message):
        check(folder)


@pytest.mark.parametrize("normal", [234, 233])
def test_readings_of_adults_are_counted_by_class(tmp_path: Path, normal: int) -> None:
    """The class Normal has healthy films and those that are negative for pneumonia."""
    release(write_lung_bundle(tmp_path / "run", "adults"), [], tmp_path / "adults")

    def by_reading(_: Json, evaluation: Json) -> None:
        run = evaluation["runs"]["adults/adults"]
        run["films"] = {"total": 624, "normal": 100, "negative_for_pneumonia": 134, "typical": 390}
        run["classes"]["Normal"]["films"] = normal

    rewrite(tmp_path / "adults", by_reading)
    expected = [] if normal == 234 else ["The confusion matrix does not count 624 films with 233 normal ones."]
    assert list(consistency.disagreements(Model(bundle.load(tmp_path / "adults", "adults"), 1))) == expected


def test_a_card_that_was_edited_by_hand_is_rejected(folder: Path) -> None:
    path = folder / bundle.CARD
    text, replacements = re.subn(r"\| accuracy \| \d\d\.\d %", "| accuracy | 99.9 %", path.read_text(), flags=re.I)
    assert replacements
    path.write_text(text)
    bundle.write_config(folder, bundle.read_config(folder)[0])
    with pytest.raises(FiguresDisagree, match="The card"):
        check(folder)


def test_a_bundle_without_a_card_is_rejected(folder: Path) -> None:
    (folder / bundle.CARD).unlink()
    bundle.write_config(folder, bundle.read_config(folder)[0])
    with pytest.raises(FiguresDisagree, match="The card .* is missing"):
        check(folder)


def without_large_weights(graph: bytes) -> bytes:
    """The graph with zeros in place of each array of weights of more than 100 kB."""
    interpreter = Interpreter(model_content=graph)
    interpreter.allocate_tensors()
    for tensor in interpreter.get_tensor_details():
        with contextlib.suppress(ValueError):  # a tensor that is computed has no value yet
            weights = interpreter.get_tensor(tensor["index"]).tobytes()
            if len(weights) > 100_000:
                graph = graph.replace(weights, bytes(len(weights)))
    return graph


def test_another_graph_with_the_same_figures_is_rejected(folder: Path, tmp_path: Path) -> None:
    """A changed graph with updated hashes: only its scores for the examples differ."""
    (folder / bundle.GRAPH).write_bytes(without_large_weights((folder / bundle.GRAPH).read_bytes()))

    def of_this_graph(config: Json, evaluation: Json) -> None:
        bundle.write_config(folder, config)
        fresh, _ = bundle.read_config(folder)
        evaluation["external"] = [external_entry(identity(fresh), run_of(evaluation))]
        run_of(evaluation)["audits"] = audit_entries(identity(fresh), has_masks=True)

    rewrite(folder, of_this_graph)
    with pytest.raises(FiguresDisagree, match="the model answers") as error:
        check(folder)
    assert "of another model" not in error.value.message


def test_all_disagreements_are_reported_together(folder: Path) -> None:
    def change(config: Json, evaluation: Json) -> None:
        run_of(evaluation)["seed"] = 7
        run_of(evaluation)["figures"]["accuracy"]["value"] = 1.0

    rewrite(folder, change)
    with pytest.raises(FiguresDisagree, match="seed: .*accuracy: "):
        check(folder)


@pytest.mark.parametrize("missing", ["confusion", "figures", "training", "versions"])
def test_an_evaluation_that_lacks_a_part_is_refused(folder: Path, missing: str) -> None:
    rewrite(folder, lambda _, evaluation: run_of(evaluation).pop(missing), write_card=False)
    with pytest.raises(FiguresDisagree, match=missing):
        check(folder)


def test_a_model_without_figures_is_refused(folder: Path) -> None:
    rewrite(folder, lambda _, evaluation: evaluation["runs"].pop("default/official"), write_card=False)
    with pytest.raises(FiguresDisagree, match="has no run default/official"):
        check(folder)


def test_a_model_that_is_never_served_is_refused(folder: Path) -> None:
    """A consistent bundle of another protocol."""

    def change(config: Json, evaluation: Json) -> None:
        config["protocol"] = "grouped80"

    rewrite(folder, change)
    with pytest.raises(UsageError, match="Allowed: protocol official. Received: 'grouped80'"):
        check(folder)
