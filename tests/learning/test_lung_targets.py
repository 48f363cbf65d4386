"""Targets of the lung field: drawn masks, else the embedded model's lung fields, else fixed boxes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pneumonia.errors import ModelNotFound
from pneumonia.evaluation.dataset import FilmSet, load_films
from pneumonia.learning import lung_targets as module
from pneumonia.learning.lung_targets import BOXES, DRAWN, PREDICTED, lung_targets
from tests.support.data_sets import write_children, write_masks


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_masks(write_children(tmp_path_factory.mktemp("data"), train=2, test=1))


@pytest.fixture(scope="module")
def films(data: Path) -> FilmSet:
    return load_films(data, ("train",), quiet=True)


def embed(monkeypatch: pytest.MonkeyPatch, field: object) -> None:
    """Replace the embedded model by one that predicts `field` for every film."""
    monkeypatch.setattr(
        module, "load_model", lambda _: SimpleNamespace(score=lambda _: SimpleNamespace(lung_field=field))
    )


def test_drawn_masks_are_used_where_there_are(data: Path, films: FilmSet, capsys: pytest.CaptureFixture[str]) -> None:
    targets = lung_targets(data / "lung_masks", films)
    assert targets.kind == DRAWN
    assert targets.masks.has_mask.tolist() == [True, False, True, False]
    assert "2 of 4 training films have a lung mask" in capsys.readouterr().out


def test_without_masks_the_embedded_model_predicts_them(
    films: FilmSet, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    field = np.zeros((12, 12), np.float32)
    field[2, 3] = 0.6
    embed(monkeypatch, field)
    targets = lung_targets(None, films)
    assert (targets.kind, bool(targets.masks.has_mask.all())) == (PREDICTED, True)
    rows, columns = np.nonzero(targets.masks.masks[3])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (24, 35, 36, 47), "a cell is 12 pixels wide"
    assert set(targets.masks.masks[3].ravel().tolist()) == {0, 153}
    text = capsys.readouterr().out
    assert "there is no lung_masks/masks.csv in --data. Used instead: predicted lung fields of the embedded" in text


def test_without_masks_and_lung_field_fixed_boxes_are_used(
    films: FilmSet, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    embed(monkeypatch, None)
    targets = lung_targets(None, films)
    assert (targets.kind, bool(targets.masks.has_mask.all())) == (BOXES, True)
    assert targets.masks.masks.shape == films.inputs.shape
    assert targets.masks.masks[0, 75, [10, 40, 75, 110, 140]].tolist() == [0, 255, 0, 255, 0]
    assert "Used instead: fixed lung boxes" in capsys.readouterr().out


def test_masks_of_other_films_and_a_missing_embedded_model_end_no_run(
    films: FilmSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_model(_: str) -> None:
        raise ModelNotFound("No model bundle.")

    monkeypatch.setattr(module, "load_model", no_model)
    (tmp_path / "masks.csv").write_text("mask,film,match_z\nx.png,chest_xray/train/NORMAL/other.jpeg,1\n", "utf-8")
    assert lung_targets(tmp_path, films).kind == BOXES
    assert "masks.csv lists none of the films" in capsys.readouterr().out
