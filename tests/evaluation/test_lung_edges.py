"""Choice of the limits of the lung field at the edges of a film."""

from __future__ import annotations

import numpy as np

from pneumonia.evaluation.lung_edges import choose_limits, measure_films
from pneumonia.inference.cut_off_lungs import MEASURES, edge_measures
from pneumonia.inference.predictor import load_model

from ..conftest import Grey


def test_limits_are_quantiles_and_the_sides_have_no_far_one() -> None:
    measures = np.tile(np.linspace(0, 1, 10_001)[:, None], len(MEASURES))
    limits = choose_limits(measures)
    assert list(limits) == list(MEASURES)
    assert {limit.near for limit in limits.values()} == {1.0}
    assert [name for name, limit in limits.items() if limit.far is None] == ["left", "right"]
    assert choose_limits(np.empty((0, len(MEASURES)))) == {}


def test_whole_films_that_the_gate_accepts_are_measured(normal_film: Grey) -> None:
    model = load_model(threads=1)
    films = np.stack([normal_film, normal_film[::-1]])
    measures = measure_films(model.graph, model.gate, films)
    field = model.score(np.repeat(normal_film[:, :, None], 3, axis=2)).lung_field
    assert field is not None
    np.testing.assert_allclose(measures, [edge_measures(field)])
