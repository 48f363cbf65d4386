"""Bars, operating points and steps beside the headline."""

from __future__ import annotations

from typing import Any

import pytest

from pneumonia import Predictor
from pneumonia.inference.decision import REASONS, UNKNOWN, OperatingPoint, Prediction, Reason
from pneumonia.inference.explain import ZONES
from pneumonia.reporting.reading_guide import next_steps
from pneumonia.reporting.wording import format_p_pneumonia, format_probabilities
from pneumonia.web import activation_panel, answer_panel
from tests.support.forced_points import forced_point

from .parsed_html import MODEL, Page

POINT = OperatingPoint(0.2, 0.5, 0.9)


def prediction(label: str, probability: float | None, **others: Any) -> Prediction:
    fields: dict[str, Any] = {"file": None, "reason": None, "zones": None, "model": MODEL, **others}
    return Prediction(label=label, probability=probability, operating_point="balanced", **fields)


@pytest.mark.parametrize(
    ("probability", "pneumonia", "normal"),
    [(0.934, "93 %", "7 %"), (0.9999, "over 99 %", "under 1 %"), (0.0, "under 1 %", "over 99 %")],
)
def test_the_bars_say_both_probabilities_and_never_all_or_nothing(
    probability: float, pneumonia: str, normal: str
) -> None:
    page = Page(answer_panel.bars(prediction("Pneumonia", probability), POINT))
    assert page.open == []
    assert f"▲ Pneumonia {pneumonia}" in page.text
    assert f"● Normal {normal}" in page.text
    widths = [
        float(str(attributes["style"]).removeprefix("width:").removesuffix("%"))
        for name, attributes in page.elements
        if name == "span" and attributes.get("style")
    ]
    assert len(widths) == 2 and sum(widths) == pytest.approx(100)
    for width, text in zip(widths, (normal, pneumonia), strict=True):
        assert "er" in text or f"{width:.0f} %" == text


def attributes_of(page: Page, name: str, **expected: str) -> list[dict[str, Any]]:
    """The attributes of the elements with a name and these attributes."""
    return [
        attributes
        for element, attributes in page.elements
        if element == name and all(str(attributes.get(key, "")).startswith(value) for key, value in expected.items())
    ]


def test_the_line_under_the_bars_shows_film_and_limits_and_says_them() -> None:
    page = Page(answer_panel.bars(prediction(UNKNOWN, 0.5), POINT))
    [scale] = attributes_of(page, "svg", role="img")
    limits = "At balanced: Normal below 20 %, Pneumonia above 90 %, Unknown in between."
    description = f"Scale of P(pneumonia) from 0 % to 100 %. {limits} This film: P(pneumonia) 50 %."
    assert scale["aria-label"] == description
    segments = attributes_of(page, "rect")
    assert [segment["width"] for segment in segments] == ["20.0%", "70.0%", "10.0%"]
    assert [tick["x1"] for tick in attributes_of(page, "line")] == ["20.0%", "90.0%"]
    assert [film["x"] for film in attributes_of(page, "svg", x="50.0%")] == ["50.0%"]
    assert "At balanced, the answer would be Normal below 20 % and Pneumonia above 90 %." in page.text


@pytest.mark.parametrize(
    ("low", "high", "anchors"),
    [
        (0.2, 0.9, ["middle", "middle"]),
        (0.45, 0.55, ["end", "start"]),  # close together: the texts lean outwards
        (0.03, 0.5, ["start", "middle"]),
        (0.03, 0.1, ["start", "start"]),
        (0.5, 0.97, ["middle", "end"]),
        (0.5, 0.5, ["middle"]),
        (0.4999, 0.5001, ["middle"]),
    ],
)
def test_the_texts_of_the_limits_neither_overlap_nor_leave_the_line(
    low: float, high: float, anchors: list[str]
) -> None:
    point = forced_point(low, (low + high) / 2, high)
    texts = attributes_of(Page(answer_panel.bars(prediction(UNKNOWN, 0.5), point)), "text", **{"class": "limit"})
    assert [text["text-anchor"] for text in texts] == anchors


def test_an_unscored_film_has_no_bars() -> None:
    assert answer_panel.bars(prediction(UNKNOWN, None, reason=Reason("not_a_chest_film")), POINT) == ""


def test_each_operating_point_has_its_meaning_and_its_figures(predictor: Predictor) -> None:
    run = predictor.models[0].bundle.served_run
    assert run is not None
    choices = answer_panel.point_choices(predictor.models[0].operating_points, run)
    assert [name for _, name in choices] == ["screening", "balanced", "confirm"]
    for text, name in choices:
        head, meaning, worth = text.split("\n")
        measured = run["operating_points"][name]
        assert head.startswith(name.capitalize())
        assert "alarm" in meaning
        assert f"sensitivity {100 * measured['answered_sensitivity']['value']:.1f} %" in worth
        assert f"specificity {100 * measured['answered_specificity']['value']:.1f} %" in worth
        assert f"answers {100 * measured['coverage']['value']:.1f} %" in worth


@pytest.mark.parametrize("run", [None, {}])
def test_without_an_evaluation_an_operating_point_claims_no_figure(run: dict[str, Any] | None) -> None:
    assert all("%" not in text for text, _ in answer_panel.point_choices({"balanced": POINT, "own": POINT}, run))


@pytest.mark.parametrize("code", REASONS)
def test_every_reason_for_unknown_has_steps(code: str) -> None:
    page = Page(answer_panel.steps(prediction(UNKNOWN, None, reason=Reason(code))))
    assert page.open == []
    assert [name for name, _ in page.elements].count("li") == len(
        next_steps(prediction(UNKNOWN, None, reason=Reason(code)))
    )
    assert page.text.startswith("What to do next")


def test_an_answer_needs_no_steps() -> None:
    assert answer_panel.steps(prediction("Normal", 0.1)) == ""


INSIDE = {**dict.fromkeys(ZONES, 0.05), "left_lower": 0.41}
AUDIT: dict[str, Any] = {
    "shortcuts": {
        "activation": {
            "chance": 0.444,
            "films": {
                "Pneumonia": {
                    "count": 390,
                    "median": 0.4231,
                    "at_least_half": {"value": 0.06, "low": 0.04, "high": 0.09},
                }
            },
        }
    }
}


def test_the_panel_names_the_strongest_zone_and_shows_all_six() -> None:
    page = Page(activation_panel.panel(prediction("Pneumonia", 0.9, zones=INSIDE), AUDIT))
    assert page.open == []
    assert "Strongest in the left lower zone." in page.text
    assert "41.0 % ◀ strongest" in page.text
    assert page.text.count("◀") == 1
    assert page.text.count("5.0 %") == 5
    assert "outside the lung boxes34.0 %" in page.text
    assert "left side of the image is assumed to be the patient's right" in page.text


def test_the_panel_names_no_zone_if_less_than_half_is_inside_the_lungs() -> None:
    page = Page(activation_panel.panel(prediction("Pneumonia", 0.9, zones=dict.fromkeys(ZONES, 0.08)), AUDIT))
    assert "no zone is named" in page.text
    assert "◀" not in page.text
    assert not any(f"{zone.replace('_', ' ')} zone" in page.text for zone in ZONES)
    assert "inside the lung boxes48.0 %" in page.text


def test_the_panel_has_the_caveat_with_the_figures_of_the_audit() -> None:
    text = Page(activation_panel.panel(prediction("Pneumonia", 0.9, zones=INSIDE), AUDIT)).text
    assert "A heatmap is not proof." in text
    assert "390 test films with pneumonia: the median share of the map inside the lung boxes is 42.3 %" in text
    assert "44.4 % of a film" in text
    assert "6.0 % (4.0-9.0)" in text


def test_the_panel_of_a_model_with_a_lung_field_says_that_the_evidence_was_added_up() -> None:
    page = Page(activation_panel.panel(prediction("Pneumonia", 0.9, zones=INSIDE), AUDIT, in_lungs=True))
    assert "in the lungs or close around them" in page.text, "the audited region is wider than the lungs"
    assert "The colours show the parts of the lungs that raised the score" in page.text
    assert "Share of the evidence in each lung zone" in page.text
    assert "boxes" not in page.text


@pytest.mark.parametrize("probability", [0.0001, 0.01, 0.015, 0.025, 0.4949, 0.5, 0.505, 0.545, 0.935, 0.99, 0.9999])
def test_bars_and_headline_have_the_same_rounding_and_add_up(probability: float) -> None:
    answer = prediction("Pneumonia", probability)
    texts = format_probabilities(answer)
    assert format_p_pneumonia(answer) == f"P(pneumonia) {texts['Pneumonia']}"
    if "er" not in "".join(texts.values()):  # "over", "under"
        assert sum(int(text.removesuffix(" %")) for text in texts.values()) == 100


@pytest.mark.parametrize("run", [None, {}, {"shortcuts": {}}, {"shortcuts": {"activation": {"films": {}}}}])
def test_without_an_audit_the_panel_claims_no_figure(run: dict[str, Any] | None) -> None:
    text = Page(activation_panel.panel(prediction("Pneumonia", 0.9, zones=INSIDE), run)).text
    assert "A heatmap is not proof." in text
    assert "Audit" not in text


def test_the_slider_has_a_label() -> None:
    page = Page(activation_panel.panel(prediction(UNKNOWN, 0.5, zones=INSIDE, reason=Reason("inconclusive")), None))
    assert ("label", {"for": "opacity"}) in page.elements
    assert any(attributes.get("id") == "opacity" for name, attributes in page.elements if name == "input")
