"""Newton's method gives the fit of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_curve

from pneumonia.evaluation import recalibration
from pneumonia.evaluation.curves import logit, roc


def made_films(films: int, slope: float, intercept: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(films)
    probability = rng.uniform(0.01, 0.99, films)
    truth = recalibration.sigmoid(slope * logit(probability) + intercept)
    return (rng.uniform(size=films) < truth).astype(np.int64), probability


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.4, -1.0), (3.0, 2.0), (-0.5, 0.3)])
@pytest.mark.parametrize("films", [40, 400])
def test_the_fit_is_that_of_scikit_learn(films: int, slope: float, intercept: float) -> None:
    labels, probability = made_films(films, slope, intercept)
    weights = np.random.default_rng(0).integers(0, 3, films).astype(float)
    expected = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(logit(probability)[:, None], labels, weights)
    fitted = recalibration.fit(labels, probability, weights)
    assert fitted is not None
    assert fitted.slope == pytest.approx(expected.coef_[0, 0], abs=1e-3)
    assert fitted.intercept == pytest.approx(expected.intercept_[0], abs=1e-3)


def test_separated_classes_have_no_fit_but_one_with_the_prior() -> None:
    labels, probability = np.repeat([0, 1], 30), np.concatenate([np.linspace(0.1, 0.4, 30), np.linspace(0.6, 0.9, 30)])
    assert recalibration.fit(labels, probability) is None
    fitted = recalibration.fit_with_prior(labels, probability, np.ones(60))
    assert fitted is not None and 1 < fitted.slope < 4


def test_the_prior_hardly_matters_with_many_films() -> None:
    labels, probability = made_films(2000, 0.7, 0.4)
    free = recalibration.fit(labels, probability)
    held = recalibration.fit_with_prior(labels, probability, np.ones(2000))
    assert free is not None and held is not None
    assert held.slope == pytest.approx(free.slope, abs=0.02)


@pytest.mark.parametrize("labels", [[1, 1, 1], [0, 0, 0]])
def test_one_class_has_no_fit(labels: list[int]) -> None:
    assert recalibration.fit(np.array(labels), np.array([0.2, 0.5, 0.8])) is None


def test_the_roc_is_that_of_scikit_learn() -> None:
    labels, probability = made_films(150, 1.0, 0.0)
    probability = probability.round(1)  # with ties
    expected = roc_curve(labels, probability)
    curve = roc(labels, probability)
    assert curve["false_positive_rate"] == pytest.approx(expected[0], abs=1e-5)
    assert curve["sensitivity"] == pytest.approx(expected[1], abs=1e-5)
