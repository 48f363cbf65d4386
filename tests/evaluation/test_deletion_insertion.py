"""Deletion and insertion: a map of what is read is better than a random one; one of what is not read is not."""

from __future__ import annotations

import numpy as np
import pytest

from pneumonia import Predictor
from pneumonia.evaluation import deletion_insertion as module
from pneumonia.evaluation.deletion_insertion import area, deletion_insertion, removal_order
from tests.support.made_models import MadeModel, cells, lungs, made_films, reader_of


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STEPS", 5)


def test_the_map_of_a_reader_of_lungs_is_better_than_every_reference(predictor: Predictor) -> None:
    entry = deletion_insertion(reader_of(predictor.models[0].bundle, lungs()), made_films(4), quiet=True)
    assert entry["films"] == 2
    areas = {name: figure["value"] for name, figure in entry["deletion"]["area"].items()}
    assert set(areas) == {"evidence", "random", "centre", "random inside the lungs"}
    assert max(areas["evidence"], areas["random inside the lungs"]) < min(areas["random"], areas["centre"])
    areas = {name: figure["value"] for name, figure in entry["insertion"]["area"].items()}
    assert min(areas["evidence"], areas["random inside the lungs"]) > max(areas["random"], areas["centre"])
    assert {entry[measure]["better"]["value"] for measure in module.MEASURES} == {1.0}
    assert entry["deletion_to_normal"]["curves"]["evidence"][-1] < 0.5
    for measure, index in (("deletion", 0), ("insertion", -1), ("insertion_from_normal", -1)):
        for curve in entry[measure]["curves"].values():
            assert len(curve) == module.STEPS + 1
            assert curve[index] == pytest.approx(200 / 255, abs=1e-3)


def test_a_map_of_what_is_not_read_is_worse_than_a_random_one(predictor: Predictor) -> None:
    def rule(film: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> float:
        return float(film[lungs()].mean()) / 255

    model = MadeModel(predictor.models[0].bundle, rule, 1 - cells(lungs()))
    entry = deletion_insertion(model, made_films(4), quiet=True)
    assert {entry[measure]["better"]["value"] for measure in module.MEASURES} == {0.0}


def test_pixels_are_ranked_by_evidence_and_equal_ones_at_random() -> None:
    evidence = np.zeros((1, 12, 12))
    evidence[0, 6, 6] = 1.0
    ranks = removal_order(evidence)[0]
    assert np.array_equal(np.sort(ranks.ravel()), np.arange(150 * 150))
    row, column = np.unravel_index(int(ranks.argmin()), ranks.shape)
    assert 72 <= row < 84 and 72 <= column < 84
    last = ranks > 12000
    assert 0.4 < last[:75].sum() / last.sum() < 0.6


def test_the_area_is_that_of_the_trapezoids() -> None:
    np.testing.assert_allclose(area(np.array([[1.0, 1.0], [1.0, 0.5], [1.0, 0.0]])), [1.0, 0.5])


def test_the_sample_is_fixed_and_films_without_pneumonia_give_no_entry(predictor: Predictor) -> None:
    films = made_films(12)
    assert module._sample(films).films.films == module._sample(films).films.films
    model = reader_of(predictor.models[0].bundle, lungs())
    assert deletion_insertion(model, films.subset(np.flatnonzero(films.labels == 0)), quiet=True) == {}
