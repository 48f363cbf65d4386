"""The line on a model below the answer: its name, and the figures of its own test."""

from __future__ import annotations

from typing import Any

import pytest

from pneumonia import Predictor
from pneumonia.evaluation.number_format import percent, score
from pneumonia.inference.decision import ModelIdentity
from pneumonia.inference.populations import ADULTS, CHILDREN
from pneumonia.languages import LANGUAGES, use_language
from pneumonia.messages import translate
from pneumonia.web import film_session
from pneumonia.web.model_line import model_line

from .parsed_html import MODEL

FIGURE = {"value": 0.9311, "low": 0.9088, "high": 0.95}
MISSING = {"value": None, "low": None, "high": None}
NAMES = ("accuracy", "sensitivity", "specificity")


def run(protocol: str, films: int | None = 624, **figures: Any) -> dict[str, Any]:
    """An entry of `evaluation.json`."""
    tested = {} if films is None else {"films": {"total": films}}
    return {"protocol": protocol, "figures": {**dict.fromkeys(NAMES, FIGURE), "auroc": FIGURE, **figures}, **tested}


def test_the_official_figures_have_their_intervals() -> None:
    line = model_line(MODEL, run("official"), CHILDREN.description)
    assert line.startswith(
        "Model **embedded** for children of 1-5 years, revision `0123456789ab`, sha256 `ffffffffffff`. On the official "
    )
    for name in NAMES:
        assert f"{name} 93.1 % (90.9-95.0)" in line


def test_figures_of_another_test_say_which_films_and_how_many() -> None:
    siim = {"siim": {"films": 955, "auroc": {"value": 0.86012, "low": 0.83459, "high": 0.88426}}}
    line = model_line(MODEL, {**run("adults", 1560), "sources": siim}, ADULTS.description)
    assert "On 1,560 films (adults of patients who are in no training film), with 95 % intervals: accuracy" in line
    assert line.endswith(
        "SIIM-FISABIO-RSNA (adults, Spain and USA), 955 films: where both classes are from the same hospitals its "
        "AUROC is .860 (.835-.884)."
    )
    assert "official" not in line


@pytest.mark.parametrize("films", [1171, None])
def test_a_test_without_sources_has_the_figures_of_all_films(films: int | None) -> None:
    line = model_line(MODEL, run("grouped80", films), "adults")
    assert "films (films of patients who are in no training film), with 95 % intervals: accuracy 93.1 %" in line
    assert "AUROC" not in line and not line.endswith(" ")


def test_what_was_not_measured_is_left_out() -> None:
    line = model_line(MODEL, run("official", specificity=MISSING), "adults")
    assert "specificity" not in line
    assert "sensitivity" in line


@pytest.mark.parametrize("site", [None, "ward.json"])
def test_a_model_that_was_not_tested_as_it_answers_claims_no_figure(site: str | None) -> None:
    model = ModelIdentity(MODEL.name, MODEL.revision, MODEL.sha256, site)
    line = model_line(model, run("official") if site else None, "adults")
    assert "%" not in line
    assert "embedded" in line


def test_the_name_of_a_model_is_escaped() -> None:
    assert "<" not in model_line(ModelIdentity("<script>", "<script>", "f" * 64), None, "adults")


@pytest.mark.parametrize("code", LANGUAGES)
def test_each_model_of_the_page_has_the_figures_of_its_evaluation(predictor: Predictor, code: str) -> None:
    with use_language(code):
        lines = translate(film_session.model_texts(predictor, None)[2]).split("\n\n")
        for model, line in zip(predictor.models, lines, strict=True):
            served = model.bundle.served_run or {}
            shown = line.replace('<span class="nowrap">', "").replace("</span>", "")
            assert [name for name in NAMES if translate(percent(served["figures"][name])) not in shown] == []
            siim = served.get("sources", {}).get("siim")
            assert siim is None or translate(score(siim["auroc"])) in shown


def test_a_line_break_divides_no_figure_of_a_model(predictor: Predictor) -> None:
    lines = film_session.model_texts(predictor, None)[2]
    served = predictor.models[0].bundle.served_run or {}
    value, interval = percent(served["figures"]["accuracy"]).rsplit(" ", 1)
    assert f'<span class="nowrap">{value}</span> <span class="nowrap">{interval}</span>' in lines
