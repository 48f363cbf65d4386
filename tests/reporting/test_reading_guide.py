from __future__ import annotations

import re
from dataclasses import replace

import pytest

from pneumonia.inference.decision import REASONS, UNKNOWN, ModelIdentity, Prediction, Reason
from pneumonia.inference.explain import ZONES
from pneumonia.reporting import radiology_texts
from pneumonia.reporting.reading_guide import describe, describe_location, next_steps, reading_guide

MODEL = ModelIdentity("embedded", "abc", "f" * 64)
REFUSALS = [code for code in REASONS if code != "inconclusive"]
STATED_FINDING = re.compile(
    r"\b(was|were|has been|have been|is) (found|seen|detected|identified|present|visible)\b"
    r"|\bthis film (shows|has)\b|\bthe film shows\b|\bfindings?:"
    r"|\bthere (is|are) (an?|some) (opacit|consolidat|effusion)"
    r"|\bthe (child|patient) has\b|\bdiagnos(is|ed)\b",
    re.IGNORECASE,
)
"""Phrases with which a report states a finding. The network names no sign, so no text may contain them."""


def answer(label: str, reason: str | None = None, zones: dict[str, float] | None = None) -> Prediction:
    probability = {"Normal": 0.1, "Pneumonia": 0.9}.get(label, 0.5 if reason == "inconclusive" else None)
    return Prediction("film.png", label, probability, "balanced", Reason(reason) if reason else None, zones, MODEL)


def shares(**some: float) -> dict[str, float]:
    return {**dict.fromkeys(ZONES, 0.0), **some}


FOCUS = shares(right_lower=0.6, left_upper=0.2)
ANSWERS = [
    answer("Normal"),
    answer("Pneumonia", zones=FOCUS),
    answer("Pneumonia", zones=shares()),
    answer(UNKNOWN, "inconclusive", FOCUS),
    *(answer(UNKNOWN, code) for code in REFUSALS),
]


@pytest.mark.parametrize("prediction", ANSWERS, ids=lambda prediction: f"{prediction.label} {prediction.reason}")
def test_every_answer_has_a_text_of_headed_parts(prediction: Prediction) -> None:
    text = describe(prediction)
    assert "### " in text
    assert "\n\n\n" not in text
    assert "None" not in text


@pytest.mark.parametrize("prediction", ANSWERS, ids=lambda prediction: f"{prediction.label} {prediction.reason}")
def test_no_text_claims_that_a_sign_was_found(prediction: Prediction) -> None:
    assert STATED_FINDING.search(describe(prediction)) is None


def test_each_answer_has_its_own_text() -> None:
    assert len({describe(prediction) for prediction in ANSWERS}) == len(ANSWERS)


def test_pneumonia_has_signs_and_pitfalls() -> None:
    text = describe(answer("Pneumonia", zones=FOCUS))
    for term in ("Consolidation", "Air bronchogram", "Silhouette sign", "Pleural effusion", "costophrenic", "Thymus"):
        assert term in text
    assert "cannot distinguish bacterial from viral pneumonia" in text
    assert radiology_texts.sources("children") in text


def test_normal_states_that_it_does_not_exclude_pneumonia() -> None:
    text = describe(answer("Normal"))
    assert "does not exclude pneumonia" in text
    assert "Activation map" not in text
    assert "Air bronchogram" not in text
    assert radiology_texts.sources("children") in text


def test_inconclusive_has_next_steps_and_signs() -> None:
    text = describe(answer(UNKNOWN, "inconclusive", FOCUS))
    assert text.startswith("### What to do next")
    assert "right lower" in text
    assert "Consolidation" in text


@pytest.mark.parametrize("code", REFUSALS)
def test_a_refused_film_has_next_steps_and_no_signs(code: str) -> None:
    text = describe(answer(UNKNOWN, code))
    assert text.startswith("### What to do next")
    assert "Consolidation" not in text
    assert "Activation map" not in text


@pytest.mark.parametrize("zone", ZONES)
def test_the_strongest_zone_is_named_in_words_with_its_side(zone: str) -> None:
    text = describe(answer("Pneumonia", zones=shares(**{zone: 0.7})))
    assert f"Strongest in the {zone.replace('_', ' ')} zone." in text
    assert "The left side of the image is assumed to be the patient's right." in text
    assert "not proof of disease" in text
    assert zone not in text


@pytest.mark.parametrize("zones", [shares(right_lower=0.49), shares(), None])
def test_no_zone_is_named_where_less_than_half_lies_inside(zones: dict[str, float] | None) -> None:
    text = describe(answer("Pneumonia", zones=zones))
    assert "Less than 50 %" in text
    assert "less trust" in text
    assert not any(f"{zone.replace('_', ' ')} zone" in text for zone in ZONES)


def test_the_sources_are_https_links() -> None:
    links = re.findall(r"\]\((.*?)\)", radiology_texts.sources("children"))
    assert len(links) == 3
    assert all(link.startswith("https://") for link in links)


POINTS = ["screening", "balanced", "confirm"]


def at(point: str, label: str) -> str:
    return reading_guide(Prediction(None, label, 0.5, point, None, FOCUS if label == "Pneumonia" else None, MODEL))


@pytest.mark.parametrize("label", ["Normal", "Pneumonia"])
def test_the_guide_fits_the_operating_point(label: str) -> None:
    assert len({at(point, label) for point in POINTS}) == 3
    assert "At screening" in at("screening", label)
    assert "At confirm" in at("confirm", label)


def test_a_normal_at_confirm_carries_the_least_weight() -> None:
    assert "carries the least weight" in at("confirm", "Normal")
    assert "false alarms" in at("screening", "Pneumonia")


@pytest.mark.parametrize("zone", ZONES)
def test_each_zone_has_its_own_neighbours_to_compare(zone: str) -> None:
    guides = {name: reading_guide(answer("Pneumonia", zones=shares(**{name: 0.7}))) for name in ZONES}
    assert f"### In the {zone.replace('_', ' ')} zone" in guides[zone]
    assert sum(guide == guides[zone] for guide in guides.values()) == 1
    assert STATED_FINDING.search(guides[zone]) is None


def test_without_a_named_zone_there_is_no_zone_section() -> None:
    for zones in (shares(right_lower=0.49), shares(), None):
        assert " zone\n" not in reading_guide(answer("Pneumonia", zones=zones))


@pytest.mark.parametrize("code", REFUSALS)
def test_a_refused_film_has_steps_and_no_guide(code: str) -> None:
    assert reading_guide(answer(UNKNOWN, code)) == ""
    assert len(next_steps(answer(UNKNOWN, code))) >= 2


def test_the_full_text_consists_of_the_parts_on_the_page() -> None:
    for prediction in ANSWERS:
        text = describe(prediction)
        assert reading_guide(prediction) in text
        assert all(f"* {step}" in text for step in next_steps(prediction))
    assert describe_location(answer("Pneumonia", zones=FOCUS)) in describe(answer("Pneumonia", zones=FOCUS))


def test_the_guide_follows_the_population() -> None:
    children, adults = (replace(answer("Pneumonia", zones=FOCUS), population=name) for name in ("children", "adults"))
    assert "Pitfalls in children" in reading_guide(children)
    assert "Pitfalls in adults" in reading_guide(adults)
    upper = shares(right_upper=0.8)
    for name, has_thymus in (("children", True), ("adults", False)):
        text = reading_guide(replace(answer("Pneumonia", zones=upper), population=name))
        assert ("hymus" in text) is has_thymus


@pytest.mark.parametrize("code", ["age_not_covered", "population_unclear"])
def test_a_film_of_an_unclear_age_has_a_next_step(code: str) -> None:
    assert "Patient's age" in " ".join(next_steps(answer(UNKNOWN, code)))


def test_the_map_of_a_lung_field_is_described_as_evidence() -> None:
    text = describe(answer("Pneumonia", zones=FOCUS), in_lungs=True)
    assert "the parts of the lungs that raised the score" in text
