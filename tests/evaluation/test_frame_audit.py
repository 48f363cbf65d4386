"""Frames at the network: a reader of the corner changes its answers, a reader of the lungs does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pneumonia import Predictor
from pneumonia.evaluation import frame_audit
from pneumonia.evaluation.audit_films import without_masks
from pneumonia.evaluation.dataset import load_films
from pneumonia.evaluation.frame_audit import DEPTHS, framed_inputs, summarise
from pneumonia.evaluation.simulated_frames import COLOURS
from tests.support.made_models import MadeModel, made_films


def test_a_frame_at_the_network_is_left_in() -> None:
    films = np.full((1, 150, 150), 90, np.uint8)
    framed = framed_inputs(films, 0.12, "white")[0]
    assert framed.shape == (150, 150)
    assert framed[0, 0] == framed[12, 75] == 255
    assert framed[20, 20] == framed[75, 75] == 90


def test_a_reader_of_the_corner_is_changed_by_bright_frames_only(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    films = made_films()
    films.inputs[:] = 90
    model = MadeModel(
        predictor.models[0].bundle, lambda film: 1.0 if film[0, 0] > 200 else 0.0, np.ones((12, 12), np.float32)
    )
    monkeypatch.setattr(frame_audit, "DEPTHS", (0.02, 0.12))
    entry = frame_audit._at_network(model, films, quiet=True)
    bright = [colour for colour, levels in COLOURS.items() if levels[1] > 200]
    assert bright == ["white"]
    unchanged = 1 - 1 / len(COLOURS)
    for row in (*entry["depths"].values(), entry["all"]):
        assert row["same"]["value"] == pytest.approx(unchanged, abs=1e-5)
        assert row["missed"] == 0
    assert (entry["all"]["frames"], entry["all"]["raised"]) == (2 * len(COLOURS), 16)
    assert entry["worst"]["frame"].startswith("white") and entry["worst"]["same"]["value"] == 0.0


def test_films_are_drawn_with_all_their_frames() -> None:
    """One film of eight that changes in every frame is one film, not many."""
    films = made_films()
    before = np.array(["Pneumonia"] * 8)
    after = before.copy()
    after[0] = "Normal"
    entry = summarise(films, before, {(depth, colour): after for depth in DEPTHS for colour in COLOURS})
    assert entry["all"]["same"]["value"] == 0.875
    assert entry["all"]["same"]["low"] <= 0.625
    assert entry["depths"]["1 %"]["missed"] == len(COLOURS)


def test_the_service_crops_frames(
    predictor: Predictor,
    tmp_path: Path,
    write_films: Callable[[Path, dict[str, list[str]]], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frame_audit, "DEPTHS", (0.05,))
    names = {"train/NORMAL": ["IM-0001-0001.png"], "train/PNEUMONIA": ["person1_virus_1.png"]}
    films = without_masks(load_films(write_films(tmp_path, names), ("train",), quiet=True))
    entry = frame_audit.frame_audit(predictor.models[0], films, quiet=True)
    assert set(entry) == {"network", "service"}
    assert entry["service"]["all"]["frames"] == len(COLOURS)
    assert entry["service"]["all"]["same"]["value"] == 1.0
    assert entry["service"]["refused_in_frame"] == 0
