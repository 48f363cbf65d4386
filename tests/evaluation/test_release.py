"""Release of a trained run as the embedded model."""

from __future__ import annotations

import io
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pneumonia.errors import BundleCorrupt, ModelNotFound, UsageError
from pneumonia.evaluation import card, consistency
from pneumonia.evaluation import release as release_module
from pneumonia.evaluation.external import identity
from pneumonia.evaluation.number_format import percent
from pneumonia.evaluation.readme_figures import MARKS, figures_for_readme
from pneumonia.evaluation.release import release
from pneumonia.evaluation.test_set_access_log import ADULT_TEST_ACCESS_LOG, TEST_SET_ACCESS_LOG
from pneumonia.inference import bundle, embedded, sources
from pneumonia.inference.model import Model
from tests.support.lung_bundles import nih_entries, routing_entries, write_lung_bundle


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder: the embedded bundle with a Keras model and a checkpoint."""
    folder = tmp_path / "run"
    shutil.copytree(sources.EMBEDDED_FOLDER, folder)
    (folder / bundle.KERAS).write_bytes(b"keras")
    (folder / "training").mkdir()
    (folder / "training" / "checkpoint.npz").write_bytes(b"checkpoint")
    config, _ = bundle.read_config(folder)
    bundle.write_config(folder, config)
    return folder


def test_the_target_is_complete_without_training_files(run: Path, tmp_path: Path) -> None:
    digest = release(run, [], tmp_path / "embedded")
    loaded = bundle.load(tmp_path / "embedded", "embedded", config_sha256=digest)
    assert loaded.evaluation["test_set_access_log"] == list(TEST_SET_ACCESS_LOG)
    names = {path.name for path in (tmp_path / "embedded").rglob("*")}
    assert not names & {"model.keras", "training", "checkpoint.npz"}
    assert (tmp_path / "embedded" / "README.md").read_text() == card.write(loaded.config, loaded.evaluation)


def test_a_run_is_not_released_onto_itself(run: Path) -> None:
    before = {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}
    with pytest.raises(UsageError, match="the target folder itself"):
        release(run, [], run)
    assert {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()} == before


def test_an_installed_package_is_not_changed(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(release_module, "README", tmp_path / "README.md")
    monkeypatch.setattr(release_module, "release", lambda *_, **__: pytest.fail("the model was replaced"))
    monkeypatch.setattr(sys, "argv", ["release", str(run)])
    for readme in (None, "# another package\n"):
        if readme:
            release_module.README.write_text(readme)
        assert release_module.main() == 2
        assert capsys.readouterr().err.startswith("usage: Embedding a model needs a checkout of this repository")


def test_the_figures_of_other_runs_are_merged(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    evaluation = json.loads((run / bundle.EVALUATION).read_text())
    entry = {**evaluation["runs"]["default/official"], "protocol": "grouped80", "recipe": "mine"}
    (other / bundle.EVALUATION).write_text(json.dumps({"format": 1, "runs": {"mine/grouped80": entry}}))
    release(run, [other], tmp_path / "embedded")
    runs = json.loads((tmp_path / "embedded" / bundle.EVALUATION).read_text())["runs"]
    assert "mine/grouped80" in runs
    assert "`mine/grouped80`" in (tmp_path / "embedded" / "README.md").read_text()


def test_the_published_bundle_also_has_the_keras_model_and_agrees(run: Path, tmp_path: Path) -> None:
    release(run, [], tmp_path / "whole", with_keras_model=True)
    consistency.check_consistency(Model(bundle.load(tmp_path / "whole", "whole", require_all_files=True), 1))
    assert (tmp_path / "whole" / bundle.KERAS).read_bytes() == b"keras"
    (run / bundle.KERAS).unlink()
    with pytest.raises(BundleCorrupt, match=r"lacks model\.keras"):
        release(run, [], tmp_path / "again", with_keras_model=True)


@pytest.fixture
def elsewhere(run: Path, tmp_path: Path) -> dict[str, Any]:
    """An entry as `pneumonia.evaluation.external` writes it for the model of the run."""
    figure = {"value": 0.56, "low": 0.51, "high": 0.63}
    served = json.loads((run / bundle.EVALUATION).read_text())["runs"]["default/official"]
    return {
        "name": "Elsewhere",
        "of": "films of another hospital",
        "verdict": "hardly better than chance",
        "model": identity(bundle.read_config(run)[0]),
        "films": {"total": 6, "normal": 3, "pneumonia": 3},
        "patients": 5,
        "figures": {"auroc": figure, "ece": figure},
        "passed": {"films": 5, "accuracy": figure, "sensitivity": figure, "specificity": figure},
        "service": {"refused": figure, "warned": figure, "unknown": figure},
        "reliability": served["curves"]["reliability"],
    }


def test_external_figures_and_gate_refusals_are_merged(run: Path, tmp_path: Path, elsewhere: dict[str, Any]) -> None:
    kinds = [{"name": "hand", "images": 10, "refused": {"value": 1.0, "low": 1.0, "high": 1.0}, "far": 0.8}]
    (tmp_path / "external.json").write_text(json.dumps(elsewhere))
    (tmp_path / "gate.json").write_text(json.dumps({"kinds": kinds}))
    target = tmp_path / "embedded"
    release(run, [], target, external=[tmp_path / "external.json"], gate=tmp_path / "gate.json")
    evaluation = json.loads((target / bundle.EVALUATION).read_text())
    assert evaluation["external"] == [elsewhere]
    assert evaluation["gate_kinds"] == {"kinds": kinds}
    sentence = (
        "On films of another hospital (Elsewhere) the model is hardly better than chance: AUROC .560 (.510-.630)."
    )
    assert sentence in (target / bundle.CARD).read_text()
    assert sentence in figures_for_readme([bundle.load(target, "embedded")])
    assert "| hand | 10 | 100.0 % (100.0-100.0) | 80.0 % |" in (target / bundle.CARD).read_text()


def test_audits_are_joined_in_the_released_run(run: Path, tmp_path: Path) -> None:
    """Earlier audits of the model remain unless one of the same name is added."""
    config, _ = bundle.read_config(run)
    model = identity(config)
    evaluation = json.loads((run / bundle.EVALUATION).read_text())
    earlier = {"model": model, "border": {"films": 1}, "devices": {"films": 2}}
    evaluation["runs"]["default/official"] |= {"audits": earlier, "test_audits": {}}
    (run / bundle.EVALUATION).write_text(json.dumps(evaluation))
    bundle.write_config(run, config)
    for name in ("border", "frames"):
        (tmp_path / f"{name}.json").write_text(json.dumps({"model": model, name: {"films": 8}}))
    test = {"model": model, "films": {"part": "test"}, "frames": {"films": 9}}
    (tmp_path / "test.json").write_text(json.dumps(test))
    files = [tmp_path / f"{name}.json" for name in ("border", "frames", "test")]
    release(run, [], tmp_path / "embedded", audits=files)
    runs = json.loads((tmp_path / "embedded" / bundle.EVALUATION).read_text())["runs"]
    added = {"border": {"films": 8}, "frames": {"films": 8}}
    assert runs["default/official"]["audits"] == {"model": model, "devices": {"films": 2}, **added}
    assert runs["default/official"]["test_audits"] == test


def test_films_by_age_are_merged_if_the_model_answered_them(run: Path, tmp_path: Path) -> None:
    model = identity(bundle.read_config(run)[0])
    entries = {"nih_by_age": {"models": {"children": model}, "groups": {}}, "covid_children": {"rows": []}}
    (tmp_path / "nih.json").write_text(json.dumps(entries))
    release(run, [], tmp_path / "embedded", nih=tmp_path / "nih.json")
    evaluation = json.loads((tmp_path / "embedded" / bundle.EVALUATION).read_text())
    assert {name: evaluation[name] for name in entries} == entries
    entries = {"nih_by_age": {"models": {"children": {**model, bundle.GRAPH: "0" * 64}}}}
    (tmp_path / "nih.json").write_text(json.dumps(entries))
    with pytest.raises(UsageError, match="of other models"):
        release(run, [], tmp_path / "again", nih=tmp_path / "nih.json")


def test_figures_of_another_model_are_not_merged(run: Path, tmp_path: Path, elsewhere: dict[str, Any]) -> None:
    elsewhere["model"][bundle.GRAPH] = "0" * 64
    (tmp_path / "external.json").write_text(json.dumps(elsewhere))
    with pytest.raises(UsageError, match="of another model"):
        release(run, [], tmp_path / "embedded", external=[tmp_path / "external.json"])
    assert not (tmp_path / "embedded").exists()


def test_a_folder_that_is_no_bundle_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "embedded").mkdir()
    (tmp_path / "embedded" / "old").write_text("old")
    with pytest.raises(ModelNotFound):
        release(tmp_path, [], tmp_path / "embedded")
    assert (tmp_path / "embedded" / "old").read_text() == "old"


def test_the_table_of_the_readme_is_between_its_marks() -> None:
    loaded = bundle.load(sources.EMBEDDED_FOLDER, "embedded")
    evaluation, text = loaded.evaluation, figures_for_readme([loaded])
    assert text.startswith(MARKS[0])
    assert text.endswith(MARKS[1])
    assert percent(evaluation["runs"]["default/official"]["figures"]["accuracy"]) in text


def test_each_population_has_a_pin_of_its_own() -> None:
    source = release_module.PIN.read_text(encoding="utf-8")
    both = release_module.with_pin(source, "adults", "a" * 64)
    pinned: dict[str, Any] = {}
    exec(both, pinned)
    assert pinned["CONFIG_SHA256"] == {**embedded.CONFIG_SHA256, "adults": "a" * 64}
    assert list(pinned["CONFIG_SHA256"]) == ["children", "adults"]
    assert release_module.with_pin(both, "adults", embedded.CONFIG_SHA256.get("adults", "a" * 64)) in {source, both}


def test_a_run_replaces_the_embedded_model_of_its_population(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = {name: tmp_path / name for name in ("children", "adults")}
    monkeypatch.setattr(sources, "EMBEDDED_FOLDERS", folders)
    bundle.write_config(run, {**bundle.read_config(run)[0], "population": "adults"})
    release(run, [])
    assert bundle.load(folders["adults"], "embedded").population.name == "adults"
    assert not folders["children"].exists()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of a checkout that a release writes, with the present pin and an old README."""
    (tmp_path / "embedded.py").write_bytes(release_module.PIN.read_bytes())
    (tmp_path / "README.md").write_text(f"before\n{MARKS[0]}\nold\n{MARKS[1]}\nafter\n")
    monkeypatch.setattr(release_module, "PIN", tmp_path / "embedded.py")
    monkeypatch.setattr(release_module, "README", tmp_path / "README.md")
    folders = {name: tmp_path / "models" / name for name in ("children", "adults")}
    monkeypatch.setattr(sources, "EMBEDDED_FOLDERS", folders)
    return tmp_path


@pytest.fixture
def lung_runs(tmp_path: Path) -> list[Path]:
    """Runs of both populations with made figures."""
    runs = [write_lung_bundle(tmp_path / "runs" / name, name) for name in ("children", "adults")]
    (runs[1] / bundle.GATE).write_bytes(changed_archive(runs[1] / bundle.GATE))
    config, _ = bundle.read_config(runs[1])
    bundle.write_config(runs[1], config)
    return runs


def changed_archive(path: Path) -> bytes:
    """The same arrays in other bytes, so that the two models have different identities."""
    buffer = io.BytesIO()
    with np.load(path) as arrays:
        np.savez_compressed(buffer, **{name: arrays[name] for name in arrays})
    assert buffer.getvalue() != path.read_bytes()
    return buffer.getvalue()


def pins(checkout: Path) -> dict[str, str]:
    values: dict[str, Any] = {}
    exec((checkout / "embedded.py").read_text(), values)
    result: dict[str, str] = values["CONFIG_SHA256"]
    return result


def test_two_populations_are_embedded_at_once(checkout: Path, lung_runs: list[Path]) -> None:
    assert release_module.main([str(run) for run in lung_runs]) == 0
    loaded = {
        name: bundle.load(checkout / "models" / name, "embedded", config_sha256=digest)
        for name, digest in pins(checkout).items()
    }
    assert list(loaded) == ["children", "adults"]
    logs = {"children": TEST_SET_ACCESS_LOG, "adults": ADULT_TEST_ACCESS_LOG}
    for name, model in loaded.items():
        assert model.population.name == name
        assert model.evaluation["test_set_access_log"] == list(logs[name])
        assert (model.folder / bundle.CARD).read_text() == card.write(model.config, model.evaluation)
    readme = (checkout / "README.md").read_text()
    assert readme == f"before\n{figures_for_readme(list(loaded.values()))}\nafter\n"


def test_figures_are_given_to_the_model_to_which_they_belong(checkout: Path, lung_runs: list[Path]) -> None:
    models = [identity(bundle.read_config(run)[0]) for run in lung_runs]
    figures = {"same": {"value": 0.5, "low": 0.4, "high": 0.6}, "missed": 1, "raised": 2}
    auroc = {"auroc": {"value": 0.9, "low": 0.8, "high": 1.0}}
    border = {"films": 8, "baseline": auroc, "exchanged": auroc, "lost": auroc["auroc"], **figures}
    for name, model in zip(("children", "adults"), models, strict=True):
        (checkout / f"{name}.json").write_text(json.dumps({"model": model, "border": {**border, "missed": len(name)}}))
    (checkout / "nih.json").write_text(json.dumps(nih_entries(dict(zip(("children", "adults"), models, strict=True)))))
    (checkout / "routing.json").write_text(json.dumps({"routing": routing_entries()[:1]}))
    (checkout / "cross_fit.json").write_text(json.dumps({"films": routing_entries(), "kinds": []}))
    options = {"--audits": ["children", "adults"], "--nih": ["nih"], "--routing": ["routing", "cross_fit"]}
    arguments = [str(run) for run in lung_runs]
    for option, names in options.items():
        arguments += [option, *(str(checkout / f"{name}.json") for name in names)]
    assert release_module.main(arguments) == 0
    for name, run_name in {"children": "default/official", "adults": "adults/adults"}.items():
        evaluation = json.loads((checkout / "models" / name / bundle.EVALUATION).read_text())
        assert evaluation["runs"][run_name]["audits"]["border"]["missed"] == len(name)
        assert evaluation["nih_by_age"]["models"]["adults"] == models[1]
        assert evaluation["routing"] == routing_entries()[:1]
        assert evaluation["gate_cross_fit"]["films"] == routing_entries()


def test_runs_of_other_protocols_join_the_model_of_their_population(checkout: Path, lung_runs: list[Path]) -> None:
    other = checkout / "folds"
    other.mkdir()
    entry = json.loads((lung_runs[0] / bundle.EVALUATION).read_text())["runs"]["default/official"]
    runs = {"mine/grouped80": {**entry, "recipe": "mine", "protocol": "grouped80"}}
    (other / bundle.EVALUATION).write_text(json.dumps({"format": 1, "runs": runs}))
    assert release_module.main([*map(str, lung_runs), "--with", str(other)]) == 0
    evaluations = [
        json.loads((checkout / "models" / name / bundle.EVALUATION).read_text()) for name in ("children", "adults")
    ]
    assert ["mine/grouped80" in evaluation["runs"] for evaluation in evaluations] == [True, False]


def test_nothing_is_written_for_figures_of_no_released_model(
    checkout: Path, lung_runs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "audits.json").write_text(json.dumps({"model": {bundle.GRAPH: "0" * 64}}))
    before = (checkout / "embedded.py").read_text()
    assert release_module.main([*map(str, lung_runs), "--audits", str(checkout / "audits.json")]) == 2
    assert "of another model" in capsys.readouterr().err
    assert release_module.main([str(lung_runs[0]), str(lung_runs[0]) + "/."]) == 2
    assert "Several runs of one population" in capsys.readouterr().err
    assert release_module.main([str(lung_runs[0]), "--nih", str(checkout / "absent.json")]) == 2
    assert "Expected: a JSON file" in capsys.readouterr().err
    assert not (checkout / "models").exists() and (checkout / "embedded.py").read_text() == before


def test_a_copy_of_an_embedded_model_is_embedded_again_with_its_figures(checkout: Path, lung_runs: list[Path]) -> None:
    assert release_module.main([str(run) for run in lung_runs]) == 0
    first, other = pins(checkout)["adults"], pins(checkout)["children"]
    copy = Path(shutil.copytree(checkout / "models" / "adults", checkout / "copy"))
    before = json.loads((copy / bundle.EVALUATION).read_text())
    assert release_module.main([str(copy)]) == 0
    assert json.loads((checkout / "models" / "adults" / bundle.EVALUATION).read_text()) == before
    assert pins(checkout) == {"children": other, "adults": first}
