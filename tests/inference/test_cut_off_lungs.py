"""Lung fields of whole films, and of films on which the lungs are cut off."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from pneumonia.inference.cut_off_lungs import LIMITS, MEASURES, edge_measures, exceeded_limit
from pneumonia.inference.populations import ADULTS, CHILDREN, Population

Field = npt.NDArray[np.float32]


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


@pytest.mark.parametrize("population", [CHILDREN, ADULTS])
def test_whole_lungs_exceed_no_limit(population: Population) -> None:
    assert exceeded_limit(of_size(lungs()), population) is None
    assert exceeded_limit(np.zeros((12, 12), np.float32), population) is None


@pytest.mark.parametrize("population", [CHILDREN, ADULTS])
def test_lungs_without_their_upper_or_lower_half_are_cut_off(population: Population) -> None:
    for half in (lungs()[30:], lungs()[:30]):
        assert exceeded_limit(of_size(half), population) == "far"


@pytest.mark.parametrize("population", [CHILDREN, ADULTS])
def test_lungs_that_are_cut_off_at_one_side_may_be_cut_off(population: Population) -> None:
    for part in (lungs()[:, 10:], lungs()[:, :-10]):
        assert exceeded_limit(of_size(part), population) == "near"


@pytest.mark.parametrize("population", [CHILDREN, ADULTS])
def test_lungs_that_are_cut_off_at_both_sides_are_cut_off(population: Population) -> None:
    assert exceeded_limit(of_size(lungs()[:, 16:-16]), population) == "far"


def test_the_measures_are_shares_of_the_greatest_extent() -> None:
    field = np.zeros((12, 12), np.float32)
    field[:6, 3:9] = 1
    measures = dict(zip(MEASURES, edge_measures(field), strict=True))
    assert measures == {"top": 1, "bottom": 0, "left": 0, "right": 0, "top and bottom": 1, "left and right": 0}
    assert all(len(limits) == len(MEASURES) for limits in LIMITS.values())
