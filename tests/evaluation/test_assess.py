"""Evaluation of a model on labelled films, through the serving path."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pneumonia import Predictor
from pneumonia.evaluation import metrics
from pneumonia.evaluation.assess import FilmScores, evaluate, score_films
from pneumonia.evaluation.dataset import FilmSet, LabelledFilm

NAMES = ["IM-0001-0001.jpeg", "IM-0002-0001.jpeg", "person1_bacteria_1.jpeg", "person1_bacteria_2.jpeg"]


@pytest.fixture(scope="module")
def films(normal_film: Any) -> FilmSet:
    inputs = np.stack([normal_film, np.rot90(normal_film), normal_film[:, ::-1], normal_film])
    listed = tuple(LabelledFilm(Path(name), "test", int("person" in name)) for name in NAMES)
    return FilmSet(listed, np.ascontiguousarray(inputs), tuple("abcd"), ())


@pytest.fixture(autouse=True)
def few_replicates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer bootstrap replicates: 2,000 take a second, and no test here is about the intervals."""
    monkeypatch.setattr(metrics, "bootstrap_weights", partial(metrics.bootstrap_weights, replicates=20))


def test_score_films_equals_predict_and_also_scores_refused_films(predictor: Predictor, films: FilmSet) -> None:
    outcome = score_films(predictor.models[0], films, quiet=True)
    assert outcome.refused.tolist() == [False, True, False, False]
    assert outcome.reasons[1] in {"unlike_training_films", "not_a_chest_film"}
    for probability, film, refused in zip(outcome.probability, films.inputs, outcome.refused, strict=True):
        alone = predictor.predict(film)
        assert (alone.probability is None) == refused
        if not refused:
            assert probability == alone.probability


def test_a_refused_film_counts_as_wrong_where_all_films_count(predictor: Predictor, films: FilmSet) -> None:
    perfect = FilmScores(np.array([0.0, 0.0, 1.0, 1.0]), np.array([False, True, False, False]), (None, "x", None, None))
    run = evaluate(films, perfect, predictor.models[0])
    assert run["figures"]["accuracy"]["value"] == 1.0
    assert run["figures"]["gated_accuracy"]["value"] == 0.75
    assert run["figures"]["gated_specificity"]["value"] == 0.5
    assert run["operating_points"]["balanced"]["coverage"]["value"] == 0.75
    assert run["operating_points"]["balanced"]["answered_accuracy"]["value"] == 1.0
    assert run["kinds"]["normal"]["refused"]["value"] == 0.5
    assert (run["films"]["total"], run["films"]["bacterial"], run["patients"]) == (4, 2, 3)


def test_the_confusion_counts_films(predictor: Predictor, films: FilmSet) -> None:
    wrong = FilmScores(np.array([1.0, 0.0, 0.0, 1.0]), np.zeros(4, bool), (None,) * 4)
    cells = evaluate(films, wrong, predictor.models[0])["confusion"]
    assert cells == {"true_negative": 1, "false_positive": 1, "false_negative": 1, "true_positive": 1}


def test_the_run_has_figures_for_the_known_prevalence(predictor: Predictor, films: FilmSet) -> None:
    """Half of these films have pneumonia, which is less than the calibration prevalence."""
    prevalence = predictor.models[0].bundle.calibration.prevalence
    uncertain = FilmScores(
        np.full(len(films.films), prevalence), np.zeros(len(films.films), bool), (None,) * len(films.films)
    )
    run = evaluate(films, uncertain, predictor.models[0])
    assert run["known_prevalence"]["prevalence"] == 0.5
    assert run["known_prevalence"]["figures"]["ece"]["value"] == pytest.approx(0.0, abs=1e-6)
    assert run["figures"]["ece"]["value"] == pytest.approx(prevalence - 0.5, abs=1e-4)
