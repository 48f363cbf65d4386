"""Predictions and failures as the JSON objects of docs/api.md."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pneumonia import Failure, Prediction
from pneumonia.errors import TooSmall
from pneumonia.inference.decision import (
    REASONS,
    Reason,
)
from pneumonia.inference.predictive_value import PredictiveValue

from .made_predictions import prediction

KEYS = [
    *("file", "label", "confidence", "probabilities", "operating_point", "reason", "zones", "sides", "image_zones"),
    "strongest_zones",
    *("model", "population"),
    *("age", "age_source", "prevalence", "probability_at_prevalence", "predictive_value", "warnings"),
]
"""Keys of the JSON object in docs/api.md, in their order."""


API_PAGE = Path(__file__).parents[2] / "docs" / "api.md"
ZONES = dict.fromkeys(["right_upper", "right_middle", "right_lower", "left_upper", "left_middle", "left_lower"], 1 / 7)


def test_a_pneumonia_prediction_is_the_documented_object() -> None:
    patient: dict[str, Any] = {"population": "children", "age": 3.004, "age_source": "file"}
    site = {
        "prevalence": 0.3,
        "probability_at_prevalence": 0.85306,
        "predictive_value": PredictiveValue(0.85504, 0.78829, 0.9046, 624),
    }
    result = prediction("Pneumonia", 0.931249, zones=ZONES, warnings=("a", "b"), **patient, **site).as_dict()
    assert list(result) == KEYS
    assert result == {
        "file": "film.jpg",
        "label": "Pneumonia",
        "confidence": 0.9312,
        "probabilities": {"Normal": 0.0688, "Pneumonia": 0.9312},
        "operating_point": "balanced",
        "reason": None,
        "zones": dict.fromkeys(ZONES, 0.1429),
        "sides": "assumed",
        "image_zones": None,
        "strongest_zones": list(ZONES),
        "model": {"name": "embedded", "revision": "abc123", "sha256": "f" * 64, "site": None},
        "population": "children",
        "age": 3.0,
        "age_source": "file",
        "prevalence": 0.3,
        "probability_at_prevalence": 0.8531,
        "predictive_value": {"value": 0.855, "low": 0.7883, "high": 0.9046, "films": 624},
        "warnings": ["a", "b"],
    }
    assert list(result["probabilities"]) == ["Normal", "Pneumonia"]
    assert _shape(result) == _shape(documented_object())


NEAR = {"left_lower": 0.2, "left_middle": 0.3, "left_upper": 0.02, "right_upper": 0.05, "right_middle": 0.19}


@pytest.mark.parametrize(
    ("zones", "expected"),
    [
        ({**NEAR, "right_lower": 0.04}, ["left_middle", "left_lower"]),
        ({**ZONES, "right_lower": 0.5}, ["right_lower"]),
        ({zone: share / 2 for zone, share in NEAR.items()}, []),
        (None, None),
    ],
    ids=["near", "one", "outside the lungs", "no map"],
)
def test_the_strongest_zones_are_those_with_two_thirds_of_the_largest_share(
    zones: dict[str, float] | None, expected: list[str] | None
) -> None:
    assert prediction("Pneumonia", 0.93, zones=zones).as_dict()["strongest_zones"] == expected
    by_side = None if zones is None else {f"image_{zone}": share for zone, share in zones.items()}
    named = None if expected is None else [f"image_{zone}" for zone in expected]
    assert prediction("Pneumonia", 0.93, image_zones=by_side, zones=None).as_dict()["strongest_zones"] == named


def documented_object() -> dict[str, Any]:
    """The first JSON object of docs/api.md."""
    [text] = re.findall(r"## Prediction\n.*?```json\n(.*?)```", API_PAGE.read_text(encoding="utf-8"), re.DOTALL)
    documented: dict[str, Any] = json.loads(text)
    return documented


def _shape(value: Any) -> Any:
    """Keys in their order, with the type of each value."""
    return [(key, _shape(one)) for key, one in value.items()] if isinstance(value, dict) else type(value)


def test_an_age_group_states_a_source_without_an_age() -> None:
    answer = prediction("Normal", 0.2, age_source="stated").as_dict()
    assert (answer["age"], answer["age_source"]) == (None, "stated")


def test_the_confidence_of_normal_is_its_probability() -> None:
    answer = prediction("Normal", 0.2).as_dict()
    assert list(answer) == KEYS
    assert (answer["label"], answer["confidence"]) == ("Normal", 0.8)
    assert answer["probabilities"] == {"Normal": 0.8, "Pneumonia": 0.2}
    assert answer["age"] is answer["age_source"] is None
    assert answer["zones"] is None
    assert answer["reason"] is None


def test_an_inconclusive_prediction_has_probabilities_and_zones_but_no_confidence() -> None:
    answer = prediction("Unknown", 0.6, reason=Reason("inconclusive"), zones=ZONES).as_dict()
    assert list(answer) == KEYS
    assert answer["confidence"] is None
    assert answer["probabilities"] == {"Normal": 0.4, "Pneumonia": 0.6}
    assert answer["zones"] == dict.fromkeys(ZONES, 0.1429)
    assert answer["reason"] == {"code": "inconclusive", "message": REASONS["inconclusive"]}


@pytest.mark.parametrize("code", sorted(set(REASONS) - {"inconclusive"}))
def test_a_refused_film_has_a_reason_and_no_numbers(code: str) -> None:
    answer = prediction("Unknown", None, reason=Reason(code), file=None).as_dict()
    assert list(answer) == KEYS
    assert answer["file"] is None
    assert answer["confidence"] is answer["probabilities"] is answer["zones"] is None
    assert answer["reason"] == {"code": code, "message": REASONS[code]}


def test_there_is_a_sentence_for_each_reason_of_the_contract_and_no_other() -> None:
    codes = {"not_a_chest_film", "unlike_training_films", "inconclusive", "unreadable_contrast"}
    assert set(REASONS) == codes | {"age_not_covered", "population_unclear"}
    assert all(message.endswith(".") for message in REASONS.values())


def test_a_failure_is_the_contracts_error_object() -> None:
    failure = Failure("film.jpg", TooSmall("Too small."))
    assert failure.as_dict() == {"file": "film.jpg", "error": {"code": "too_small", "message": "Too small."}}


@pytest.mark.parametrize(
    "answer",
    [
        prediction("Pneumonia", 1.0, zones=ZONES),
        prediction("Normal", 0.0),
        prediction("Unknown", None, reason=Reason("unreadable_contrast")),
        Failure(None, TooSmall("Too small.")),
    ],
)
def test_a_result_is_strict_json(answer: Prediction | Failure) -> None:
    assert json.loads(json.dumps(answer.as_dict(), allow_nan=False)) == answer.as_dict()
