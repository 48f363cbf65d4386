"""One definition of every figure: JSON, structured report, FHIR bundle and the sentences of the pictures agree.

Predictions are made by `Predictor.decide` from readings with any score, map, operating point, prevalence and age.
"""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread

from pneumonia import Predictor
from pneumonia.inference.decision import CLASSES, LABEL_NAMES, REASONS, Prediction, Reason
from pneumonia.languages import LANGUAGES
from pneumonia.messages import translate
from pneumonia.reporting import wording
from pneumonia.reporting.dicom.film_result import FilmResult
from pneumonia.reporting.dicom.options import ResultOptions
from pneumonia.reporting.dicom.structured_report import create_structured_report
from pneumonia.reporting.fhir.bundle import create_bundle, to_json
from pneumonia.reporting.result_lines import result_lines
from tests.support.fhir_rules import resources, violations
from tests.support.film_results import film_result
from tests.support.source_films import hospital_film
from tests.support.sr_items import groups, items, value, values, zone_of

Json = dict[str, Any]
PROPERTY = settings(max_examples=25, deadline=None, derandomize=True)


@st.composite
def films(draw: st.DrawFn, predictor: Predictor) -> FilmResult:
    """A film with any answer that the predictor can give."""
    model = draw(st.sampled_from(predictor.models))
    film = _film(predictor, str(model.population.name))
    assert film.reading is not None and film.reading.activation is not None
    refusal = draw(st.none() | st.none() | st.none() | st.sampled_from(sorted(set(REASONS) - {"inconclusive"})))
    if refusal is None:
        activation = np.full_like(film.reading.activation, draw(st.sampled_from([0.0, 0.01, 1.0])))
        activation.flat[draw(st.integers(0, activation.size - 1))] += 5
        limits = [limit for point in model.operating_points.values() for limit in (point.low, point.high)]
        probability = draw(st.floats(0, 1) | st.sampled_from(limits))
        changes: Json = {"probability": probability, "activation": activation}
    else:
        changes = {"probability": None, "activation": None, "refusal": Reason(refusal)}
    changes |= {"age": draw(st.none() | st.floats(0, 120)), "age_source": draw(st.sampled_from(["file", "stated"]))}
    if changes["age"] is None and draw(st.booleans()):
        changes["age_source"] = None
    reading = replace(film.reading, **changes)
    prevalence = draw(st.none() | st.floats(1e-5, 1 - 1e-5))
    result = predictor.decide(reading, draw(st.sampled_from(predictor.point_names)), prevalence=prevalence)
    options = ResultOptions(language=draw(st.sampled_from(list(LANGUAGES))))
    return replace(film, reading=reading, result=result, options=options)


_FILMS: dict[str, FilmResult] = {}


def _film(predictor: Predictor, population: str) -> FilmResult:
    """A film of a population, read once."""
    if population not in _FILMS:
        _FILMS[population] = film_result(predictor, hospital_film(population=population))
    return _FILMS[population]


def fhir_values(bundle: Json) -> Json:
    """The figures of a bundle under the keys of the result JSON."""
    by_code: dict[str, list[Json]] = {}
    for item in resources(bundle, "Observation"):
        by_code.setdefault(item["code"]["coding"][0]["code"], []).append(item)

    def number(item: Json) -> Any:
        return item["valueQuantity"]["value"]

    def parts(item: Json) -> Json:
        return {part["code"]["coding"][0]["code"]: part for part in item.get("component", [])}

    (answer,) = by_code["answer"]
    circumstances, ppv = parts(answer), [*by_code.get("ppv", []), *by_code.get("npv", [])]
    heights = {"281392002": "upper", "281393007": "middle", "281394001": "lower"}
    sides = {"24028007": "right", "7771000": "left"}
    zones = {
        f"{sides[parts(item)['272741003']['valueCodeableConcept']['coding'][0]['code']]}_"
        f"{heights[item['bodySite']['coding'][0]['code']]}": number(item)
        for item in by_code.get("zone_share", [])
    }

    def code_of(key: str) -> str | None:
        part = circumstances.get(key)
        return part and part["valueCodeableConcept"]["coding"][0]["code"]

    return {
        "label": answer["valueCodeableConcept"]["coding"][0]["code"],
        "probability": next(map(number, by_code.get("122157", [])), None),
        "probability_at_prevalence": next(map(number, by_code.get("p_at_prevalence", [])), None),
        "predictive_value": next(map(number, ppv), None),
        "operating_point": code_of("111081"),
        "population": code_of("121405"),
        "reason": code_of("reason"),
        "age": circumstances["121033"]["valueQuantity"]["value"] if "121033" in circumstances else None,
        "age_source": code_of("age_source"),
        "zones": zones or None,
        "warnings": [note["text"] for note in answer.get("note", [])],
    }


def json_values(prediction: Prediction) -> Json:
    """The same figures of the result JSON."""
    values, reason = prediction.as_dict(), prediction.reason
    names = ("label", "probability_at_prevalence", "operating_point", "population", "age", "age_source", "zones")
    predictive_value = values["predictive_value"]
    return {
        **{name: values[name] for name in names},
        "probability": values["probabilities"] and values["probabilities"][CLASSES[1]],
        "predictive_value": predictive_value and predictive_value["value"],
        "reason": reason and reason.code,
    }


def check_fhir(film: FilmResult) -> None:
    assert film.prediction is not None
    bundle: Json = json.loads(to_json(create_bundle(film)))
    expected = json_values(film.prediction)
    expected["warnings"] = [translate(warning, film.options.language) for warning in film.prediction.warnings]
    assert fhir_values(bundle) == expected
    assert violations(bundle) == []


def check_sentences(film: FilmResult) -> None:
    """The words of picture and report are those for the figures of the JSON."""
    assert film.prediction is not None
    values, language = film.prediction.as_dict(), film.options.language
    lines = result_lines(film.prediction, film.model, film.created_at)
    assert lines.label == values["label"]
    assert lines.heading == LABEL_NAMES[values["label"]]
    shares = values["probabilities"]
    texts = [translate(line, language) for line in (lines.value, *lines.reasons, *lines.details)]
    if shares is None:
        assert not lines.value
    else:
        assert texts[0].endswith(translate(wording.format_probability(shares["Pneumonia"]), language))
    (report, *_) = resources(create_bundle(film), "DiagnosticReport")
    assert texts[0] in report["conclusion"]


def check_structured_report(film: FilmResult) -> None:
    assert film.prediction is not None
    buffer = io.BytesIO()
    create_structured_report(film).save_as(buffer, enforce_file_format=True)
    buffer.seek(0)
    answer, expected = groups(dcmread(buffer))[0], json_values(film.prediction)

    def first(*keys: str) -> Any:
        return next((value for key in keys for value in values(answer, key)), None)

    shares = {zone_of(item): value(item) for item in items(answer, "zone_share")}
    received = {
        "label": first("answer"),
        "probability": first("probability"),
        "probability_at_prevalence": first("probability_at_prevalence"),
        "predictive_value": first("positive_predictive_value", "negative_predictive_value"),
        "reason": first("reason"),
        "age": first("subject_age"),
        "age_source": first("age_source"),
        "operating_point": first("operating_point"),
        "zones": shares or None,
    }
    assert received == {key: expected[key] for key in received}


@PROPERTY
@given(data=st.data())
def test_fhir_and_sentences_agree_with_the_json(predictor: Predictor, data: st.DataObject) -> None:
    film = data.draw(films(predictor))
    check_fhir(film)
    check_sentences(film)


@settings(PROPERTY, max_examples=6)
@given(data=st.data())
def test_the_structured_report_agrees_with_the_json(predictor: Predictor, data: st.DataObject) -> None:
    check_structured_report(data.draw(films(predictor)))


@pytest.mark.slow
@settings(PROPERTY, max_examples=60, derandomize=False)
@given(data=st.data())
def test_every_form_agrees_with_the_json(predictor: Predictor, data: st.DataObject) -> None:
    film = data.draw(films(predictor))
    check_fhir(film)
    check_sentences(film)
    check_structured_report(film)
