"""`evaluate`: all figures are computed again, audits included, and printed beside those of the card."""

from __future__ import annotations

import io
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pneumonia import Predictor
from pneumonia.evaluation import curve_plots, metrics, official, shortcuts
from pneumonia.evaluation.perturbations import ROBUSTNESS_PERTURBATIONS


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
    [head, *lines] = printed[0].splitlines()[1:]
    column = head.index("now")
    assert all(line[column - 2 : column] == "  " and line[column] != " " for line in lines)


def test_the_plot_is_higher_with_robustness(printed: tuple[str, dict[str, Any], Path]) -> None:
    _, run, out = printed
    with Image.open(out / "curves.png") as full, Image.open(io.BytesIO(curve_plots.curves(run))) as again:
        assert full.size == again.size
    del run["robustness"]
    with Image.open(io.BytesIO(curve_plots.curves(run))) as bare:
        assert bare.height < full.height
