"""Sentences about the answer: they never contradict the label, whatever is rounded and at any prevalence."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings, strategies

from pneumonia.inference.decision import (
    CLASSES,
    UNKNOWN,
    Calibration,
    ModelIdentity,
    OperatingPoint,
    Prediction,
    supported_limit,
)
from pneumonia.inference.predictive_value import PredictiveValue
from pneumonia.reporting import answer_text
from pneumonia.reporting.wording import format_p_pneumonia, format_probabilities

MODEL = ModelIdentity("embedded", "abc", "f" * 64)


def prediction(label: str, probability: float | None = 0.9, **others: Any) -> Prediction:
    fields: dict[str, Any] = {"file": None, "reason": None, "zones": None, "model": MODEL, **others}
    return Prediction(label=label, probability=probability, operating_point="balanced", **fields)


def percent(text: str) -> tuple[float, float]:
    """The lowest and the highest percentage that a text such as "93 %" or "over 99 %" can mean, before rounding."""
    number = float(re.findall(r"[\d.]+", text)[0])
    if text.startswith("over"):
        return number, 100.0
    return (0.0, number) if text.startswith("under") else (number, number)


POINTS = strategies.lists(strategies.floats(0, 1), min_size=3, max_size=3).map(
    lambda bounds: OperatingPoint(min(*bounds, 0.5), sorted(bounds)[1], max(*bounds, 0.5))
)
NEAR_HALF = strategies.floats(0.49, 0.51)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(
    POINTS,
    strategies.floats(0, 1) | NEAR_HALF,
    strategies.floats(0.02, 0.98),
    strategies.floats(1e-6, 1 - 1e-6),
    strategies.integers(1, 5000),
)
def test_nothing_that_is_shown_contradicts_the_label(
    point: OperatingPoint, probability: float, calibrated: float, prevalence: float, films: int
) -> None:
    limit = supported_limit(films * (1 - calibrated), films * calibrated)
    calibration = Calibration(1.0, 0.0, calibrated, limit)
    label = point.label(probability)
    answer = prediction(
        label,
        calibration.supported(probability),
        prevalence=prevalence,
        probability_at_prevalence=calibration.supported(probability, prevalence),
    )
    texts = format_probabilities(answer)
    assert format_p_pneumonia(answer).endswith(texts["Pneumonia"])
    lowest, highest = percent(texts["Pneumonia"])
    assert label != "Normal" or lowest <= 50
    assert label != "Pneumonia" or highest >= 50
    scale = answer_text.Scale.of(answer, point, calibration)
    assert scale is not None
    assert label != "Normal" or scale.probability <= scale.low <= 0.5
    assert label != "Pneumonia" or 0.5 <= scale.high <= scale.probability
    assert label != UNKNOWN or scale.low <= scale.probability <= scale.high
    assert_the_other_side_of_one_half_is_said(answer, calibrated)


def assert_the_other_side_of_one_half_is_said(answer: Prediction, calibrated: float) -> None:
    shifted = answer.probability_at_prevalence
    assert shifted is not None and answer.prevalence is not None
    contradicts = (answer.label == "Normal" and shifted > 0.5) or (answer.label == "Pneumonia" and shifted < 0.5)
    if contradicts and abs(answer.prevalence - calibrated) > 1e-3:
        assert "P(pneumonia) of this film" in answer_text.caution_at_prevalence(answer, calibrated)
    elif not contradicts:
        assert answer_text.caution_at_prevalence(answer, calibrated) == ""


@pytest.mark.parametrize(
    ("label", "value", "expected"),
    [
        ("Pneumonia", 0.844, "pneumonia is present in about 84."),
        ("Pneumonia", 0.999, "pneumonia is present in more than 99."),
        ("Normal", 0.99, "pneumonia is present in about 1."),
        ("Normal", 0.9996, "pneumonia is present in fewer than 1."),
        ("Normal", 0.6, "pneumonia is present in about 40."),
    ],
)
def test_the_frequency_counts_films_with_pneumonia_for_both_labels(label: str, value: float, expected: str) -> None:
    answer = prediction(label, prevalence=0.3, predictive_value=PredictiveValue(value, 0.5, 0.9999, 1560))
    sentence = answer_text.describe_frequency(answer)
    assert sentence == f"Of 100 films answered {label} at this operating point and a prevalence of 30 %, {expected}"


@pytest.mark.parametrize(
    ("label", "interval"), [("Pneumonia", "78 to more than 99.9"), ("Normal", "fewer than 0.1 to 22")]
)
def test_the_interval_has_the_order_of_the_frequency(label: str, interval: str) -> None:
    answer = prediction(label, prevalence=0.3, predictive_value=PredictiveValue(0.9, 0.78, 0.9999, 1560))
    assert f"reaches from {interval} of 100" in answer_text.describe_frequency_source(answer)
    assert "1,560 test films" in answer_text.describe_frequency_source(answer)


def test_a_narrow_interval_near_zero_has_decimals() -> None:
    answer = prediction("Normal", prevalence=0.05, predictive_value=PredictiveValue(0.9935, 0.991, 0.995, 1560))
    assert "reaches from 0.5 to 0.9 of 100" in answer_text.describe_frequency_source(answer)


def test_without_a_measurement_no_frequency_is_claimed() -> None:
    for answer in (prediction("Pneumonia", prevalence=0.3), prediction(UNKNOWN, 0.5, prevalence=0.3)):
        assert answer_text.describe_frequency(answer) == ""
        assert answer_text.describe_frequency_source(answer) == ""


@pytest.mark.parametrize(
    ("prevalence", "text"),
    [(0.5, "50 %"), (0.05, "5 %"), (0.125, "12.5 %"), (0.7429, "74.3 %"), (0.001, "0.1 %"), (1e-9, "under 0.01 %")],
)
def test_a_prevalence_is_written_with_three_digits_at_most(prevalence: float, text: str) -> None:
    assert answer_text.format_prevalence(prevalence) == text


@pytest.mark.parametrize(
    ("label", "limits", "expected"),
    [
        ("Pneumonia", (0.25, 0.62), "the answer changes to Unknown below 62 %, and to Normal below 25 %."),
        ("Pneumonia", (0.5, 0.5), "the answer changes to Normal below 50 %."),
        ("Normal", (0.25, 0.62), "the answer changes to Unknown above 25 %, and to Pneumonia above 62 %."),
        ("Normal", (0.4996, 0.5004), "the answer changes to Pneumonia above 50 %."),
        ("Unknown", (0.25, 0.999), "the answer would be Normal below 25 % and Pneumonia above 99.9 %."),
    ],
)
def test_a_sentence_names_the_limits_at_which_the_answer_changes(
    label: str, limits: tuple[float, float], expected: str
) -> None:
    scale = answer_text.Scale(0.5, *limits)
    assert answer_text.describe_change(prediction(label), scale) == f"At balanced, {expected}"


def test_no_text_is_sure_or_confident() -> None:
    answer = prediction("Pneumonia", prevalence=0.1, predictive_value=PredictiveValue(0.4, 0.3, 0.5, 1560))
    texts = [answer_text.describe_frequency(answer), answer_text.describe_frequency_source(answer)]
    assert not re.search(r"\bsure\b|confiden", " ".join(texts))


@pytest.mark.parametrize("label", [*CLASSES, UNKNOWN])
def test_at_the_prevalence_of_the_calibration_there_is_nothing_to_caution(label: str) -> None:
    answer = prediction(label, prevalence=0.5, probability_at_prevalence=0.9)
    assert answer_text.caution_at_prevalence(answer, 0.5) == ""
    assert answer_text.describe_film_at_prevalence(answer, 0.5).startswith("P(pneumonia) and the label are for")
