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

from .test_page_text import MODEL, Page

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
    widths = [style for name, attributes in page.elements if name == "span" and (style := attributes.get("style"))]
    assert f"width:{100 * probability:.1f}%" in widths


def test_the_line_under_the_bars_shows_where_the_operating_point_decides() -> None:
    page = Page(answer_panel.bars(prediction(UNKNOWN, 0.5), POINT))
    assert "At balanced: Normal below 20 %, Pneumonia above 90 %, Unknown in between." in page.text
    widths = [
        attributes.get("style") for _, attributes in page.elements if str(attributes.get("class")).startswith("segment")
    ]
    assert widths == ["width:20.00%", "width:70.00%", "width:10.00%"]


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
