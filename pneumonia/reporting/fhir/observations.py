"""The result as Observations: the answer, its numbers, and the share of the evidence in each lung zone.

By the guide, a measurement group of the structured report is an Observation whose members are its measurements and
evaluations. Here it is the answer. All numbers are those of `Prediction.as_dict`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...inference.decision import CLASSES, LABEL_NAMES, Failure, OperatingPoint, Prediction, point_name
from ...inference.populations import POPULATIONS
from ...messages import join, message
from .. import answer_text, wording, zone_table, zone_wording
from ..dicom.zone_regions import zones_of_patient
from . import terms
from .datatypes import Json, data_absent, quantity, text
from .envelope import Envelope

NORMAL, PNEUMONIA = CLASSES

ANSWER = "answer"
"""Key of the Observation that has the others as members."""

_PRESENCE = {NORMAL: "absent", PNEUMONIA: "present"}
_NAMES = {
    "answer": message("Answer"),
    "pneumonia": message("Pneumonia"),
    "positive_predictive_value": message("Positive predictive value"),
    "negative_predictive_value": message("Negative predictive value"),
    "operating_point": message("Operating point"),
    "reason": message("Reason"),
    "subject_age": message("Age"),
}
"""Key of `codes.json` -> its name on page and report, where it has one; other codes have their English meaning."""

_LANGUAGE_FREE = "P(pneumonia)"


def observations(envelope: Envelope) -> dict[str, Json]:
    """Key -> Observation, the answer first; its members are not linked yet."""
    result = envelope.film.result
    if isinstance(result, Failure):
        return {ANSWER: _failure(envelope, result)}
    return {ANSWER: _answer(envelope, result), **dict(_members(envelope, result))}


def _members(envelope: Envelope, prediction: Prediction) -> Iterator[tuple[str, Json]]:
    yield "presence", _presence(envelope, prediction)
    if prediction.probability is None:
        return
    values = prediction.as_dict()
    yield "probability", _probability(envelope, prediction, values)
    yield "probability_at_prevalence", _at_prevalence(envelope, prediction, values)
    if prediction.predictive_value is not None:
        yield "predictive_value", _predictive_value(envelope, prediction)
    for zone, share in zones_of_patient(envelope.film).items():
        yield f"zone {zone}", _zone(envelope, prediction, zone, round(share, 4))


def _answer(envelope: Envelope, prediction: Prediction) -> Json:
    label = prediction.label
    name = envelope.words(LABEL_NAMES[label])
    return envelope.observation(
        ANSWER,
        _summary(envelope, _NAMES["answer"], LABEL_NAMES[label]),
        {
            "category": _categories(terms.MEASUREMENT_GROUP),
            "code": _term(envelope, "answer"),
            "valueCodeableConcept": terms.term(f"answer_{label}", name),
            "interpretation": [_interpretation(label)],
            "note": [{"text": text(envelope.words(warning))} for warning in prediction.warnings],
            "component": list(_circumstances(envelope, prediction)),
        },
    )


def _failure(envelope: Envelope, failure: Failure) -> Json:
    """The answer to a film that could not be read or scored: none, with the code of the error."""
    sentence = envelope.words(failure.error.message)
    return envelope.observation(
        ANSWER,
        sentence,
        {
            "category": _categories(terms.MEASUREMENT_GROUP),
            "code": _term(envelope, "answer"),
            "dataAbsentReason": data_absent("error", "Error", sentence),
            "component": [
                _component(envelope, "summary_of_analyses", valueCodeableConcept=terms.term("failed")),
                _component(envelope, "error", valueCodeableConcept=terms.private_term(failure.error.code, sentence)),
            ],
        },
    )


def _circumstances(envelope: Envelope, prediction: Prediction) -> Iterator[Json]:
    """Whether the film was scored, at which operating point, by whose model, and why it is Unknown."""
    is_scored = prediction.probability is not None
    status = terms.term("succeeded" if is_scored else "not_attempted")
    yield _component(envelope, "summary_of_analyses", valueCodeableConcept=status)
    point = prediction.operating_point
    named_point = terms.private_term(point, envelope.words(point_name(point)))
    yield _component(envelope, "operating_point", valueCodeableConcept=named_point)
    if prediction.reason is not None:
        reason = terms.term(f"reason_{prediction.reason.code}", envelope.words(prediction.reason.message))
        yield _component(envelope, "reason", valueCodeableConcept=reason)
    if prediction.population is not None:
        description = envelope.words(POPULATIONS[prediction.population].description)
        population = terms.private_term(str(prediction.population), description)
        yield _component(envelope, "population", valueCodeableConcept=population)
    if prediction.age is not None:
        age = prediction.as_dict()["age"]
        yield _component(envelope, "subject_age", valueQuantity=quantity(age, "a", unit_name="year"))
    if prediction.age_source is not None:
        source = terms.term(f"age_source_{prediction.age_source}")
        yield _component(envelope, "age_source", valueCodeableConcept=source)


def _presence(envelope: Envelope, prediction: Prediction) -> Json:
    """Presence of pneumonia by the algorithm, as the structured report has it; no value if the film was not scored."""
    label = prediction.label
    if prediction.probability is None:
        reason = envelope.words(prediction.reason.message) if prediction.reason else ""
        value: Json = {"dataAbsentReason": data_absent("not-performed", "Not Performed", reason)}
    else:
        value = {
            "valueCodeableConcept": terms.term(_PRESENCE.get(label, "undetermined")),
            "interpretation": [_interpretation(label)],
        }
    return envelope.observation(
        "presence",
        _summary(envelope, _NAMES["answer"], LABEL_NAMES[label]),
        {"category": _categories(terms.QUALITATIVE_EVALUATIONS), "code": _term(envelope, "pneumonia"), **value},
    )


def _probability(envelope: Envelope, prediction: Prediction, values: dict[str, Any]) -> Json:
    """P(pneumonia) with the ranges of the labels at the operating point."""
    model = envelope.film.model
    point = None if model is None else model.operating_points.get(prediction.operating_point)
    limits = (
        {} if point is None else {"lower_limit": point.low, "threshold": point.threshold, "upper_limit": point.high}
    )
    return envelope.observation(
        "probability",
        envelope.words(wording.format_p_pneumonia(prediction)),
        {
            "category": _categories(),
            "code": terms.term("probability", _LANGUAGE_FREE),
            "valueQuantity": quantity(values["probabilities"][PNEUMONIA]),
            "referenceRange": [] if point is None else list(_ranges(envelope, point)),
            "component": [
                _component(envelope, key, valueQuantity=quantity(_limit(value))) for key, value in limits.items()
            ],
        },
    )


def _ranges(envelope: Envelope, point: OperatingPoint) -> Iterator[Json]:
    """The range of each label as a range of P(pneumonia); Normal and Pneumonia do not include their limit."""
    low, high = quantity(_limit(point.low)), quantity(_limit(point.high))
    for label, limits in (
        (NORMAL, {"high": low}),
        ("Unknown", {"low": low, "high": high}),
        (PNEUMONIA, {"low": high}),
    ):
        name = envelope.words(LABEL_NAMES[label])
        yield {**limits, "type": terms.term(f"answer_{label}", name), "text": name}


def _limit(value: float) -> float:
    """A limit with the digits that the structured report gives it."""
    return float(f"{value:.6g}")


def _at_prevalence(envelope: Envelope, prediction: Prediction, values: dict[str, Any]) -> Json:
    prevalence = quantity(_limit(values["prevalence"]))
    return envelope.observation(
        "probability_at_prevalence",
        envelope.words(answer_text.describe_film(prediction)),
        {
            "category": _categories(),
            "code": _term(envelope, "probability_at_prevalence"),
            "valueQuantity": quantity(values["probability_at_prevalence"]),
            "component": [_component(envelope, "prevalence", valueQuantity=prevalence)],
        },
    )


def _predictive_value(envelope: Envelope, prediction: Prediction) -> Json:
    """The predictive value of the answer with its 95 % interval, the prevalence it assumes, and its test films."""
    assert prediction.predictive_value is not None
    values, kind = prediction.as_dict(), "positive" if prediction.label == PNEUMONIA else "negative"
    shares = values["predictive_value"]
    interval = {"low": quantity(shares["low"]), "high": quantity(shares["high"])}
    prevalence = quantity(_limit(values["prevalence"]))
    return envelope.observation(
        "predictive_value",
        envelope.words(answer_text.describe_frequency(prediction)),
        {
            "category": _categories(),
            "code": _term(envelope, f"{kind}_predictive_value"),
            "valueQuantity": quantity(shares["value"]),
            "component": [
                _component(envelope, "interval", valueRange=interval),
                _component(envelope, "prevalence", valueQuantity=prevalence),
                _component(
                    envelope, "test_films", valueQuantity=quantity(shares["films"], "{films}", unit_name="films")
                ),
            ],
        },
    )


def _zone(envelope: Envelope, prediction: Prediction, zone: str, share: float) -> Json:
    """The share of the evidence in a lung zone, whose side is a component, since the codes of zones have none."""
    side, height = zone.split("_")
    film = envelope.film
    has_field = film.reading is not None and film.reading.lung_field is not None
    caption = zone_wording.WORDS[has_field].share
    place = join([zone_wording.SIDE_NAMES[side], zone_wording.HEIGHTS[height]], ", ")
    return envelope.observation(
        f"zone {zone}",
        _summary(envelope, join([caption, place], ", "), zone_table.format_share(share)),
        {
            "category": _categories(),
            "code": terms.term("zone_share", envelope.words(caption)),
            "valueQuantity": quantity(share),
            "bodySite": terms.term(height, envelope.words(place)),
            "component": [_component(envelope, "laterality", valueCodeableConcept=terms.term(side))],
        },
    )


def _categories(*more: Json) -> list[Json]:
    return [{"coding": [category]} for category in (terms.OBSERVATION_CATEGORY, *more)]


def _interpretation(label: str) -> Json:
    return {"coding": [terms.INTERPRETATIONS[label]]}


def _summary(envelope: Envelope, name: str, value: str) -> str:
    return envelope.words(join([name, value], ": "))


def _term(envelope: Envelope, key: str) -> Json:
    return terms.term(key, envelope.words(_NAMES[key]) if key in _NAMES else "")


def _component(envelope: Envelope, key: str, **value: Json) -> Json:
    return {"code": _term(envelope, key), **value}
