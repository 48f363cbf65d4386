"""Readers of lungs and of borders under erased lungs and exchanged borders have AUROCs that are known."""

from __future__ import annotations

import numpy as np
import pytest

from pneumonia import Predictor
from pneumonia.evaluation.border_exchange import border_exchange
from pneumonia.evaluation.hidden_lungs import FILLS, WITH_OTHER_MASK, erase, hidden_lungs
from tests.support.made_models import border, lungs, made_films, reader_of


def test_a_reader_of_lungs_knows_nothing_without_and_everything_with_them(predictor: Predictor) -> None:
    entry = hidden_lungs(reader_of(predictor.models[0].bundle, lungs()), made_films(), quiet=True)
    assert entry["region"] == "drawn masks"
    assert entry["baseline"]["auroc"]["value"] == 1.0
    for fill in ("black", WITH_OTHER_MASK):
        assert entry["lungs"][fill]["auroc"]["value"] == 0.5
        assert entry["lungs"][fill]["lost"]["value"] == 0.5
    assert {row["auroc"]["value"] for row in entry["outside"].values()} == {1.0}


def test_a_reader_of_borders_loses_nothing_without_lungs(predictor: Predictor) -> None:
    entry = hidden_lungs(reader_of(predictor.models[0].bundle, border()), made_films(), quiet=True)
    assert {row["auroc"]["value"] for row in entry["lungs"].values()} == {1.0}
    assert entry["outside"]["black"]["auroc"]["value"] == 0.5


def test_without_masks_the_lungs_are_the_predicted_field(predictor: Predictor) -> None:
    model = reader_of(predictor.models[0].bundle, lungs(), with_field=True)
    entry = hidden_lungs(model, made_films(with_masks=False), quiet=True)
    assert entry["region"] == "predicted lung fields"
    assert entry["lungs"]["black"]["auroc"]["value"] == 0.5


@pytest.mark.parametrize("fill", FILLS)
def test_a_fill_changes_the_mask_only_and_is_the_same_each_time(fill: str) -> None:
    films = np.random.default_rng(0).integers(0, 255, (2, 150, 150), dtype=np.uint8)
    masks = np.repeat(lungs()[None], 2, axis=0)
    first, second = (erase(films, masks, FILLS[fill]) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first[~masks], films[~masks])
    assert (first[masks] != films[masks]).mean() > 0.9


def test_a_blurred_film_keeps_the_density_and_no_structure() -> None:
    films = np.full((1, 150, 150), 120, np.uint8)
    films[0, ::2] = 60
    blurred = FILLS["blurred film"](films)[0]
    assert blurred.mean() == pytest.approx(90, abs=1)
    assert blurred.std() < 1


def test_exchanged_borders_reverse_a_reader_of_borders_and_leave_one_of_lungs(predictor: Predictor) -> None:
    bundle, films = predictor.models[0].bundle, made_films()
    entry = border_exchange(reader_of(bundle, border()), films, quiet=True)
    assert (entry["baseline"]["auroc"]["value"], entry["exchanged"]["auroc"]["value"]) == (1.0, 0.0)
    assert entry["lost"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert entry["same"]["value"] <= 0.5
    entry = border_exchange(reader_of(bundle, lungs()), films, quiet=True)
    assert (entry["exchanged"]["auroc"]["value"], entry["same"]["value"]) == (1.0, 1.0)
