"""The share of the evidence in the masks, and the agreement of the lung field, of models whose map is known."""

from __future__ import annotations

import numpy as np
import pytest

from pneumonia import Predictor
from pneumonia.evaluation import lung_regions
from pneumonia.evaluation.evidence_location import dice, evidence_location, shares_inside
from tests.support.made_models import MadeModel, border, cells, lungs, made_films, reader_of


def test_all_evidence_of_a_reader_of_lungs_is_inside(predictor: Predictor) -> None:
    model = reader_of(predictor.models[0].bundle, lungs(), with_field=True)
    entry = evidence_location(model, made_films(), quiet=True)
    assert (entry["films"], entry["without"]) == (8, 0)
    for variant in ("dilated", "as_drawn"):
        row = entry[variant]["Pneumonia"]
        assert row["count"] == 4
        assert row["median"] == row["at_least_half"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert entry["as_drawn"]["chance"] == pytest.approx(lungs().mean(), abs=1e-5)
    assert entry["dice"]["cells"]["median"]["value"] == 1.0
    assert entry["dice"]["pixels"]["median"]["value"] == pytest.approx(1.0, abs=0.05)


def test_no_evidence_of_a_reader_of_borders_is_inside(predictor: Predictor) -> None:
    entry = evidence_location(reader_of(predictor.models[0].bundle, border()), made_films(), quiet=True)
    assert entry["dilated"]["all"]["median"]["value"] == 0.0
    assert entry["dilated"]["all"]["at_least_half"]["value"] == 0.0
    assert "dice" not in entry


def test_an_empty_map_is_counted_and_films_without_masks_are_left_out(predictor: Predictor) -> None:
    model = MadeModel(predictor.models[0].bundle, lambda film: 0.5, np.zeros((12, 12), np.float32))
    entry = evidence_location(model, made_films(), quiet=True)
    assert entry["without"] == 8
    assert entry["dilated"]["all"] == {"count": 0}
    assert evidence_location(model, made_films(with_masks=False), quiet=True) == {}


def test_evidence_is_spread_evenly_over_a_cell() -> None:
    """A mask that covers the left quarter of the film holds a quarter of an even map, and half of its second cell."""
    mask = np.zeros((1, 120, 120), bool)
    mask[:, :, :30] = True
    assert shares_inside(np.ones((1, 12, 12), np.float32), mask)[0] == pytest.approx(0.25)
    second_cell = np.zeros((1, 6, 6), np.float32)
    second_cell[0, 3, 1] = 2.0
    assert shares_inside(second_cell, mask)[0] == pytest.approx(0.5)


def test_cells_are_those_of_the_network() -> None:
    """12 cells of 12 pixels: six columns cover half of the first cell, and the last six belong to none."""
    mask = np.zeros((2, 150, 150), bool)
    mask[0, :, :6], mask[1, :, 144:] = True, True
    covered = lung_regions.cover(mask, (12, 12))
    np.testing.assert_allclose(covered[0, 0, :2], [0.5, 0.0])
    assert not covered[1].any()
    enlarged = lung_regions.enlarge(np.arange(12, dtype=np.float32)[None].repeat(12, axis=0))
    assert enlarged[0, 6] == pytest.approx(0, abs=0.1) and enlarged[0, 138] == pytest.approx(11, abs=0.1)
    assert enlarged[0, 149] == 11


def test_negative_evidence_is_not_counted() -> None:
    activation = np.array([[[1.0, -5.0]]], np.float32)
    mask = np.array([[[True, False]]])
    assert shares_inside(activation, mask)[0] == 1.0


def test_dice_is_twice_the_common_area_over_the_sum() -> None:
    first, second = np.zeros((2, 4, 4), bool), np.zeros((2, 4, 4), bool)
    first[0, :2], second[0, 1:3] = True, True
    np.testing.assert_allclose(dice(first, second), [0.5, 1.0])


def test_masks_are_dilated_by_eight_percent_of_the_side() -> None:
    mask = np.zeros((1, 150, 150), bool)
    mask[0, 70:80, 70:80] = True
    rows, columns = np.nonzero(lung_regions.dilate(mask)[0])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (58, 91, 58, 91)


def test_regions_are_drawn_masks_then_predicted_fields_then_boxes(predictor: Predictor) -> None:
    from pneumonia.evaluation.audit_films import run_network

    bundle = predictor.models[0].bundle
    masked, plain = made_films(), made_films(with_masks=False)
    with_field, without = (reader_of(bundle, lungs(), with_field=field) for field in (True, False))
    kinds = [
        lung_regions.lung_regions(films, run_network(model, films.inputs, quiet=True)).kind
        for films, model in ((masked, with_field), (plain, with_field), (plain, without))
    ]
    assert kinds == [lung_regions.DRAWN, lung_regions.PREDICTED, lung_regions.BOXES]
    assert cells(lungs()).sum() == 24
