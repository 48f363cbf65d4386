"""Metrics equal those of scikit-learn or of a plain loop, and intervals are a bootstrap over patients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn import metrics as reference

from pneumonia.evaluation import metrics
from pneumonia.evaluation.metrics import Decisions, Floats, Metric

Patients = npt.NDArray[np.str_]
Naive = Callable[[Decisions], float]


def on_forced(score: Callable[..., Any], **options: object) -> Naive:
    return lambda answers: float(score(answers.labels, answers.thresholded, **options))


def on_probability(score: Callable[..., Any]) -> Naive:
    return lambda answers: float(score(answers.labels, answers.probability))


def naive_ece(answers: Decisions) -> float:
    error = 0.0
    for number in range(15):
        last = number == 14
        inside = [
            index
            for index, probability in enumerate(answers.probability)
            if number / 15 <= probability and (last or probability < (number + 1) / 15)
        ]
        if inside:
            gap = abs(answers.probability[inside].mean() - answers.labels[inside].mean())
            error += len(inside) / len(answers.labels) * gap
    return error


REFERENCES: dict[str, Naive] = {
    "accuracy": on_forced(reference.accuracy_score),
    "precision": on_forced(reference.precision_score),
    "sensitivity": on_forced(reference.recall_score),
    "specificity": on_forced(reference.recall_score, pos_label=0),
    "f1": on_forced(reference.f1_score),
    "auroc": on_probability(reference.roc_auc_score),
    "auprc": on_probability(reference.average_precision_score),
    "brier": on_probability(reference.brier_score_loss),
    "ece": naive_ece,
}


def unit(answers: Decisions) -> Floats:
    return np.ones((1, len(answers.labels)))


def subset(answers: Decisions, indices: Any) -> Decisions:
    return Decisions(
        answers.labels[indices], answers.probability[indices], answers.thresholded[indices], answers.answered[indices]
    )


def test_every_figure_of_the_network_has_a_reference() -> None:
    assert set(REFERENCES) == set(metrics.NETWORK_METRICS)


@pytest.mark.parametrize("name", REFERENCES)
def test_a_point_estimate_equals_the_reference(answers: Decisions, name: str) -> None:
    assert metrics.NETWORK_METRICS[name](answers, unit(answers))[0] == pytest.approx(
        REFERENCES[name](answers), abs=1e-12
    )


@pytest.mark.parametrize("name", REFERENCES)
def test_a_weight_counts_a_film_that_many_times(answers: Decisions, name: str) -> None:
    """The value of a replicate equals the reference on its films, each repeated as often as it was drawn."""
    weights = np.random.default_rng(1).integers(0, 4, (3, len(answers.labels)))
    figures = metrics.NETWORK_METRICS[name](answers, weights.astype(np.float64))
    replicates = [subset(answers, np.repeat(np.arange(len(row)), row)) for row in weights]
    assert figures == pytest.approx([REFERENCES[name](sample) for sample in replicates], abs=1e-9)


ANSWERED = {
    "answered_accuracy": "accuracy",
    "answered_sensitivity": "sensitivity",
    "answered_specificity": "specificity",
}


@pytest.mark.parametrize(("name", "reference_name"), ANSWERED.items())
def test_metrics_of_answered_films_ignore_the_others(answers: Decisions, name: str, reference_name: str) -> None:
    expected = REFERENCES[reference_name](subset(answers, answers.answered))
    assert metrics.SERVICE_METRICS[name](answers, unit(answers))[0] == pytest.approx(expected)


def test_coverage_is_the_share_of_answered_films(answers: Decisions) -> None:
    assert metrics.coverage(answers, unit(answers))[0] == pytest.approx(answers.answered.mean())


OVERALL: dict[str, tuple[Metric, int | None]] = {
    "accuracy": (metrics.overall_accuracy, None),
    "sensitivity": (metrics.overall_sensitivity, 1),
    "specificity": (metrics.overall_specificity, 0),
}


@pytest.mark.parametrize(("measure", "label"), OVERALL.values(), ids=OVERALL)
def test_a_film_without_an_answer_counts_as_wrong(answers: Decisions, measure: Metric, label: int | None) -> None:
    among = [index for index, real in enumerate(answers.labels) if label in (None, real)]
    correct = [
        index for index in among if answers.answered[index] and answers.thresholded[index] == answers.labels[index]
    ]
    assert measure(answers, unit(answers))[0] == pytest.approx(len(correct) / len(among))


def test_without_answered_films_overall_accuracy_is_zero_and_the_rest_none(answers: Decisions) -> None:
    silent = replace(answers, answered=np.zeros(len(answers.labels), bool))
    figures = metrics.compute_metrics(silent, unit(silent), metrics.SERVICE_METRICS)
    assert figures["overall_accuracy"]["value"] == figures["coverage"]["value"] == 0
    assert figures["answered_accuracy"] == {"value": None, "low": None, "high": None}


def test_all_films_of_a_patient_are_drawn_together(patients: Patients) -> None:
    weights = metrics.bootstrap_weights(patients, replicates=50)
    for patient in set(patients.tolist()):
        of_one = weights[:, patients == patient]
        assert (of_one == of_one[:, :1]).all()


def test_the_number_of_drawn_patients_is_that_of_the_patients(patients: Patients) -> None:
    weights = metrics.bootstrap_weights(patients, replicates=50)
    _, first = np.unique(patients, return_index=True)
    assert (weights[:, first].sum(axis=1) == len(first)).all()
    assert (weights == 0).any() and (weights > 1).any()


def test_the_draws_are_seeded(patients: Patients) -> None:
    assert np.array_equal(metrics.bootstrap_weights(patients, 20), metrics.bootstrap_weights(patients, 20))
    assert not np.array_equal(metrics.bootstrap_weights(patients, 20), metrics.bootstrap_weights(patients, 20, seed=1))


def test_the_number_of_replicates_is_that_of_the_card(patients: Patients) -> None:
    assert metrics.bootstrap_weights(patients).shape == (metrics.REPLICATES, len(patients)) == (2000, 300)


@pytest.mark.parametrize(
    "measures",
    [metrics.NETWORK_METRICS, metrics.GATED_METRICS, metrics.SERVICE_METRICS],
    ids=["alone", "gate", "service"],
)
def test_an_interval_contains_its_value_and_has_a_width(
    answers: Decisions, patients: Patients, measures: dict[str, Metric]
) -> None:
    for name, figure in metrics.compute_metrics(answers, metrics.bootstrap_weights(patients, 200), measures).items():
        value, low, high = figure["value"], figure["low"], figure["high"]
        assert value is not None and low is not None and high is not None
        # The ECE of a replicate is higher than that of all films, because resampling adds random error.
        assert low < high and (name == "ece" or low <= value <= high)


def test_an_interval_is_the_percentiles_of_the_replicates() -> None:
    figure = metrics.with_interval(0.5, np.arange(1001) / 1000)
    assert figure == {"value": 0.5, "low": 0.025, "high": 0.975}


def test_fewer_films_give_a_wider_interval(answers: Decisions, patients: Patients) -> None:
    def width(count: int) -> float:
        sample = subset(answers, slice(count))
        figure = metrics.compute_metrics(
            sample, metrics.bootstrap_weights(patients[:count], 200), {"accuracy": metrics.accuracy}
        )["accuracy"]
        return (figure["high"] or 0) - (figure["low"] or 0)

    assert width(40) > 1.5 * width(300)


@pytest.mark.parametrize(("label", "lost"), [(0, "specificity"), (1, "sensitivity")])
def test_a_metric_of_a_missing_class_is_none(answers: Decisions, patients: Patients, label: int, lost: str) -> None:
    indices = answers.labels != label
    figures = metrics.compute_metrics(
        subset(answers, indices), metrics.bootstrap_weights(patients[indices], 20), metrics.NETWORK_METRICS
    )
    for name in (lost, "auroc"):
        assert figures[name] == {"value": None, "low": None, "high": None}
    assert figures["accuracy"]["value"] is not None


def test_a_replicate_without_a_class_is_ignored(answers: Decisions) -> None:
    weights = np.stack([np.ones(300), (answers.labels == 1).astype(np.float64)])
    figures = metrics.compute_metrics(answers, weights, {"auroc": metrics.auroc})["auroc"]
    assert figures["low"] == figures["high"] == figures["value"]


def test_probabilities_0_and_1_have_a_bin() -> None:
    assert metrics.reliability_bins(np.array([0.0, 1 / 15, 0.999999, 1.0])).tolist() == [0, 1, 14, 14]


def test_the_weighted_auroc_with_ties_equals_scikit_learn() -> None:
    random = np.random.default_rng(5)
    labels = random.integers(0, 2, 60)
    tied = Decisions(labels, random.integers(0, 6, 60) / 5, labels, np.ones(60, bool))
    weights = random.integers(0, 3, (5, 60)).astype(np.float64)
    expected = [reference.roc_auc_score(labels, tied.probability, sample_weight=row) for row in weights]
    assert metrics.auroc(tied, weights) == pytest.approx(expected)
