"""`evaluate`: all figures are computed again, audits included, and printed beside those of the card."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pneumonia import Predictor
from pneumonia.errors import DatasetError
from pneumonia.evaluation import curve_plots, metrics, official, shortcuts
from pneumonia.evaluation.perturbations import ROBUSTNESS_PERTURBATIONS
from pneumonia.inference.model import Model
from tests.support.data_sets import write_adults


@pytest.fixture(scope="module")
def printed(
    predictor: Predictor, four_films: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, dict[str, Any], Path]:
    """(output of `evaluate` on four films, the run that it wrote, its output folder)."""
    out, text = tmp_path_factory.mktemp("evaluate") / "out", io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "bootstrap_weights", partial(metrics.bootstrap_weights, replicates=20))
        patch.setattr("sys.stdout", text)
        assert official.reevaluate(predictor.models, four_films, out)
    [run] = json.loads((out / "evaluation.json").read_text())["runs"].values()
    return text.getvalue(), run, out


def test_robustness_and_the_audit_are_printed_and_written(printed: tuple[str, dict[str, Any], Path]) -> None:
    text, run, _ = printed
    for name in ROBUSTNESS_PERTURBATIONS:
        assert f"robustness: changes: {name}: loss" in text
        assert name in run["robustness"]["changes"]
    for name in shortcuts.HIDDEN:
        assert f"shortcuts: hidden: {name}: auroc" in text
    assert "shortcuts: activation: films: all: median" in text
    assert "kinds: viral: refused" in text and "operating_points: confirm: coverage" in text


def test_no_figure_path_is_longer_than_its_column(printed: tuple[str, dict[str, Any], Path]) -> None:
    text, run, _ = printed
    [head, *lines] = [line for line in text.splitlines()[1:] if not line.startswith("No test films of ")]
    column = head.index("now")
    assert len(lines) > len(run["figures"])
    assert all(line[column - 2 : column] == "  " and line[column] != " " for line in lines)


def test_the_plot_is_higher_with_robustness(printed: tuple[str, dict[str, Any], Path]) -> None:
    _, run, out = printed
    with Image.open(out / "curves.png") as full, Image.open(io.BytesIO(curve_plots.curves(run))) as again:
        assert full.size == again.size
    del run["robustness"]
    with Image.open(io.BytesIO(curve_plots.curves(run))) as bare:
        assert bare.height < full.height


@pytest.fixture(scope="module")
def adults_model(predictor: Predictor) -> Model:
    """The embedded model of children as if it were the adults' one."""
    children = predictor.models[0].bundle
    return Model(replace(children, config={**children.config, "population": "adults"}), threads=2)


def test_each_model_is_evaluated_on_the_films_of_its_population(
    predictor: Predictor,
    adults_model: Model,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metrics, "bootstrap_weights", partial(metrics.bootstrap_weights, replicates=20))
    data = write_adults(tmp_path / "data", siim=12, healthy=12)
    assert official.reevaluate([predictor.models[0], adults_model], data, tmp_path / "out")
    text = capsys.readouterr().out
    assert "No test films of children of 1-5 years: their model is not evaluated." in text
    for name in ("sources: siim: auroc_typical", "sources: rsna_normal: answered", "readings: typical: Pneumonia"):
        assert name in text
    [(name, run)] = json.loads((tmp_path / "out" / "evaluation.json").read_text())["runs"].items()
    assert name.endswith("/adults")
    assert run["films"]["total"] == sum(source["films"] for source in run["sources"].values())
    assert (tmp_path / "out" / "curves.png").exists()


def test_a_folder_without_films_of_any_model_is_refused(
    predictor: Predictor, adults_model: Model, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match="Expected: test/NORMAL"):
        official.reevaluate([predictor.models[0], adults_model], tmp_path)
    with pytest.raises(DatasetError, match=r"Expected: adults/films\.csv"):
        official.reevaluate([adults_model], tmp_path)
