"""Lung fields of whole films, and of films on which the lungs are cut off."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pytest

from pneumonia.inference.cut_off_lungs import MEASURES, edge_measures, exceeded_limit
from pneumonia.inference.gate import Limits
from pneumonia.inference.populations import POPULATIONS
from pneumonia.inference.predictor import load_model

Field = npt.NDArray[np.float32]
EdgeLimits = Mapping[str, Limits]


@pytest.fixture(scope="module", params=POPULATIONS)
def limits(request: pytest.FixtureRequest) -> EdgeLimits:
    """The limits of an embedded model."""
    return load_model(population=request.param).bundle.lung_edge_limits


def lungs(side: int = 60) -> Field:
    """The field of two lungs, ellipses that end before the edges."""
    rows, columns = np.mgrid[:side, :side] / (side - 1)
    inside = [((columns - x) / 0.16) ** 2 + ((rows - 0.5) / 0.4) ** 2 <= 1 for x in (0.3, 0.7)]
    field: Field = np.any(inside, axis=0).astype(np.float32)
    return field


def of_size(field: Field, side: int = 12) -> Field:
    """The field at the resolution of a graph, by the mean of the nearest positions."""
    rows, columns = (np.linspace(0, length, side + 1).astype(int) for length in field.shape)
    means = np.add.reduceat(np.add.reduceat(field, rows[:-1], axis=0), columns[:-1], axis=1)
    reduced: Field = (means / np.outer(np.diff(rows), np.diff(columns))).astype(np.float32)
    return reduced


def test_whole_lungs_exceed_no_limit(limits: EdgeLimits) -> None:
    assert exceeded_limit(of_size(lungs()), limits) is None
    assert exceeded_limit(np.zeros((12, 12), np.float32), limits) is None


def test_lungs_without_their_upper_or_lower_half_are_cut_off(limits: EdgeLimits) -> None:
    for half in (lungs()[30:], lungs()[:30]):
        assert exceeded_limit(of_size(half), limits) == "far"


def test_lungs_that_are_cut_off_at_one_side_may_be_cut_off(limits: EdgeLimits) -> None:
    for part in (lungs()[:, 10:], lungs()[:, :-10]):
        assert exceeded_limit(of_size(part), limits) == "near"


def test_lungs_that_are_cut_off_at_both_sides_are_cut_off(limits: EdgeLimits) -> None:
    assert exceeded_limit(of_size(lungs()[:, 16:-16]), limits) == "far"


def test_the_measures_are_shares_of_the_greatest_extent() -> None:
    field = np.zeros((12, 12), np.float32)
    field[:6, 3:9] = 1
    measures = dict(zip(MEASURES, edge_measures(field), strict=True))
    assert measures == {"top": 1, "bottom": 0, "left": 0, "right": 0, "top and bottom": 1, "left and right": 0}


def test_without_limits_nothing_is_cut_off() -> None:
    assert exceeded_limit(np.ones((12, 12), np.float32), {}) is None
