"""Fixed inputs, fixed probabilities: an installation that passes reproduces the published figures."""

from __future__ import annotations

import numpy as np
import pytest

from pneumonia import Predictor
from pneumonia.evaluation.consistency import EXAMPLE_TOLERANCE


def test_the_examples_get_the_probabilities_in_the_bundle(predictor: Predictor) -> None:
    expected = predictor.models[0].bundle.evaluation["examples"]
    assert set(expected) == {path.name for path in predictor.models[0].bundle.examples}
    for path in predictor.models[0].bundle.examples:
        assert predictor.predict(path).probability == pytest.approx(expected[path.name], abs=EXAMPLE_TOLERANCE)


def test_one_film_alone_and_among_many_gets_the_same_result(predictor: Predictor) -> None:
    paths = list(predictor.models[0].bundle.examples) * 5
    alone = [predictor.predict(path).as_dict() for path in paths]
    assert [result.as_dict() for result in predictor.predict_many(paths)] == alone


def test_training_and_serving_get_the_same_input_image(predictor: Predictor) -> None:
    """A film in a `FilmSet` equals the output of `to_input`."""
    from pneumonia import imaging
    from pneumonia.evaluation.dataset import LabelledFilm, _load_one

    path = predictor.models[0].bundle.examples[0]
    target = np.empty((150, 150), np.uint8)
    _load_one(LabelledFilm(path, "train", 0), target)
    np.testing.assert_array_equal(target, imaging.to_input(imaging.read(path))[:, :, 0])
