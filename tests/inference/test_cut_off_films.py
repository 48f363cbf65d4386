"""Answers for films of which a part is missing."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pneumonia import Predictor
from pneumonia.evaluation.assess import score_films
from pneumonia.inference.cut_off_films import (
    ELONGATED_ADVICE,
    ELONGATED_WARNING,
    LUNGS_AT_EDGE_WARNING,
    LUNGS_CUT_OFF_ADVICE,
)
from pneumonia.inference.decision import UNKNOWN
from pneumonia.inference.gate_report import gate_report
from pneumonia.inference.predictor import load_model
from tests.support.made_models import made_films

from ..conftest import Grey

CHILD, ADULT = 3.0, 50.0


@pytest.fixture(scope="module")
def adults_film() -> Grey:
    """The average of normal training films of adults, `[150, 150]`."""
    path = next(path for path in load_model(population="adults").bundle.examples if "normal" in path.name)
    with Image.open(path) as picture:
        return np.asarray(picture)


def resized(film: Grey, width: int, height: int) -> Grey:
    return np.asarray(Image.fromarray(film).resize((width, height)))


def test_a_film_without_its_lower_part_is_unknown_and_says_why(predictor: Predictor, adults_film: Grey) -> None:
    part = adults_film[:90]
    reading = predictor.read(part, ADULT)
    prediction = predictor.decide(reading)
    assert prediction.label == UNKNOWN and prediction.reason is not None
    assert prediction.reason.code == "unlike_training_films"
    assert prediction.reason.message.endswith(LUNGS_CUT_OFF_ADVICE)
    assert (prediction.probability, reading.activation, reading.lung_field) == (None, None, None)
    assert gate_report(predictor.model_of(reading), reading, part) is None


def test_lungs_that_reach_an_edge_are_answered_with_a_warning(predictor: Predictor, normal_film: Grey) -> None:
    whole, part = (predictor.predict(film, age=CHILD) for film in (normal_film, normal_film[:90]))
    assert whole.label == part.label != UNKNOWN
    assert LUNGS_AT_EDGE_WARNING in part.warnings
    assert LUNGS_AT_EDGE_WARNING not in whole.warnings


def test_an_elongated_film_of_an_adult_is_a_part(predictor: Predictor, adults_film: Grey) -> None:
    for width, height in ((320, 200), (200, 320)):
        prediction = predictor.predict(resized(adults_film, width, height), age=ADULT)
        assert prediction.label != UNKNOWN
        assert ELONGATED_WARNING in prediction.warnings
    for width, height in ((400, 200), (200, 400)):
        refused = predictor.predict(resized(adults_film, width, height), age=ADULT)
        assert refused.reason is not None and refused.reason.message.endswith(ELONGATED_ADVICE)


def test_a_film_of_the_shape_of_a_detector_has_no_warning(predictor: Predictor, adults_film: Grey) -> None:
    for width, height in ((350, 430), (430, 350)):
        assert predictor.predict(resized(adults_film, width, height), age=ADULT).warnings == ()


def test_films_of_children_may_be_twice_as_wide_as_high(predictor: Predictor, normal_film: Grey) -> None:
    assert predictor.predict(resized(normal_film, 400, 200), age=CHILD).warnings == ()


def test_evaluation_counts_a_film_with_lungs_cut_off_as_refused(adults_film: Grey) -> None:
    films = made_films()
    films.inputs[:] = adults_film
    films.inputs[0] = resized(adults_film[:90], 150, 150)
    scores = score_films(load_model(population="adults", threads=1), films.films, quiet=True)
    assert scores.reasons == ("unlike_training_films", *(None,) * (len(films.labels) - 1))
