"""The evidence tab shows the bundle's evaluation, and leaves out sections whose data is missing."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from pneumonia import Predictor
from pneumonia.evaluation import number_format
from pneumonia.evaluation.lung_regions import DILATION
from pneumonia.inference import bundle
from pneumonia.inference.bundle import Bundle
from pneumonia.inference.model import Model
from pneumonia.web import evidence_lead, evidence_sections, evidence_tab, page, page_text, plots, rendering
from tests.support.lung_bundles import figure, write_lung_bundle

from .parsed_html import SCRIPT, Page


@pytest.fixture(scope="module")
def html(predictor: Predictor) -> str:
    return evidence_tab.sections(predictor.models[0].bundle)


def without(bundle: Bundle, *keys: str) -> Bundle:
    """The bundle without the value at `keys` in its evaluation; the key "run" is the served run."""
    evaluation = copy.deepcopy(dict(bundle.evaluation))
    node = evaluation
    for key in keys[:-1]:
        node = node["runs"][f"{bundle.config['recipe']}/{bundle.config['protocol']}"] if key == "run" else node[key]
    del node[keys[-1]]
    return replace(bundle, evaluation=evaluation)


def test_it_is_valid_html_whose_sections_open(html: str) -> None:
    parsed = Page(html)
    assert parsed.open == []
    sections = [attributes["id"] for name, attributes in parsed.elements if name == "details"]
    assert len(set(sections)) == len(sections) == html.count("<summary><h3>") > 10
    assert all(str(section).startswith("evidence-") for section in sections)
    assert html.count("<h2 ") == 1


def test_every_section_has_data_in_one_of_two_models_and_all_anchors_differ(tmp_path: Path) -> None:
    anchors: list[str] = []
    for number, name in enumerate(("children", "adults")):
        loaded = bundle.load(write_lung_bundle(tmp_path / name, name), name)
        html = evidence_tab.sections(loaded, is_choice=True, is_shown=number == 0)
        parsed = Page(html)
        assert parsed.open == []
        anchors += [attributes["id"] or "" for _, attributes in parsed.elements if "id" in attributes]
        (part,) = [attributes for _, attributes in parsed.elements if "data-population" in attributes]
        assert (part["data-population"], "hidden" in part) == (name, number > 0)
    assert len(set(anchors)) == len(anchors)
    shown = {anchor.removeprefix("evidence-").partition("-")[2] for anchor in anchors}
    missing = {evidence_tab.anchor(heading) for heading, _ in evidence_sections.SECTIONS} - shown
    assert missing == {"limits"}, "made bundles have no card"


def test_each_model_begins_with_a_picture_and_three_sentences(tmp_path: Path) -> None:
    loaded = bundle.load(write_lung_bundle(tmp_path / "adults", "adults"), "adults")
    html = evidence_tab.sections(loaded)
    lead = html[html.index('<ol class="summary">') : html.index("<details")]
    assert lead.count("<li>") == 3
    for words in ("Non-commercial research only", "not for use in care", "was never tested"):
        assert words in lead
    assert ".843" in html, "the sentences of the card are in a section"


def test_the_picture_shows_the_answers_of_the_evaluation(predictor: Predictor) -> None:
    loaded = predictor.models[0].bundle
    run = loaded.served_run
    assert run is not None
    html = str(evidence_lead.lead(loaded, run))
    for film_class, picture in zip(("Normal", "Pneumonia"), html.split("<figure")[1:], strict=True):
        icons = {"Normal": "<circle", "Pneumonia": "<path", "Unknown": "<text"}
        counts = {answer: picture.count(tag) for answer, tag in icons.items()}
        assert sum(counts.values()) == 100
        for answer, count in counts.items():
            assert abs(count - 100 * run["classes"][film_class][answer]["value"]) < 1
            assert f"<b>{count}</b>" in picture
        assert f"From {run['classes'][film_class]['films']:,} films" in picture


@pytest.mark.parametrize(
    ("shares", "counts"),
    [
        ((0.794871, 0.068376, 0.136753), (79, 7, 14)),
        ((0.0076, 0.9411, 0.0513), (1, 94, 5)),
        ((0.0001, 0.9999, 0.0), (1, 99, 0)),
        ((0.001, 0.001, 0.998), (1, 1, 98)),
        ((1.0, 0.0, 0.0), (100, 0, 0)),
        ((1 / 3, 1 / 3, 1 / 3), (34, 33, 33)),
    ],
)
def test_shares_become_counts_of_a_hundred_without_losing_a_rare_error(
    shares: tuple[float, ...], counts: tuple[int, ...]
) -> None:
    assert tuple(evidence_lead.of_hundred(dict(zip("abc", shares, strict=True))).values()) == counts


def test_the_sentences_say_what_fails_elsewhere() -> None:
    models = Path(bundle.__file__).parents[1] / "models"
    for name in ("adults", "children"):
        loaded = bundle.load(models / name, name)
        assert loaded.served_run is not None
        (_, fails, _) = evidence_lead.sentences(loaded, loaded.served_run)
        assert "fails more often elsewhere" in fails
        adults, children = loaded.evaluation["nih_by_age"]["groups"]["18 and over"], loaded.evaluation["covid_children"]
        missed = adults["answers"]["Pneumonia"] if name == "adults" else children["answers"]
        assert f" {missed['Normal']} were answered Normal" in fails
        bare = replace(loaded, evaluation={"runs": loaded.evaluation["runs"]})
        assert "not known" in evidence_lead.sentences(bare, loaded.served_run)[1]
        without_classes = {key: value for key, value in loaded.served_run.items() if key != "classes"}
        assert len(evidence_lead.sentences(loaded, without_classes)) == 2
        assert "<svg" not in str(evidence_lead.lead(loaded, without_classes))


def test_it_shows_every_figure_of_the_run_with_its_interval(predictor: Predictor, html: str) -> None:
    text = Page(html).text
    run = predictor.models[0].bundle.served_run
    assert run is not None
    for name, value in run["figures"].items():
        assert number_format.format_metric(name, value) in text, name
    for figures in [*run["operating_points"].values(), *run.get("robustness", {}).get("changes", {}).values()]:
        assert all(number_format.percent(figure) in text for name, figure in figures.items() if name != "loss")
    for kind in predictor.models[0].bundle.evaluation.get("gate_kinds", {}).get("kinds", []):
        assert f"{kind['name']}{kind['images']:,}{number_format.percent(kind['refused'])}" in text
    for entry in predictor.models[0].bundle.evaluation.get("external", []):
        assert entry["verdict"] in text
        assert number_format.score(entry["figures"]["auroc"]) in text
    assert all(entry in text for entry in predictor.models[0].bundle.evaluation["test_set_access_log"])


@pytest.fixture(scope="module", params=["embedded", "children", "adults"])
def some_bundle(
    request: pytest.FixtureRequest, predictor: Predictor, tmp_path_factory: pytest.TempPathFactory
) -> Bundle:
    """The embedded bundle of children, and made bundles with a lung field."""
    if request.param == "embedded":
        return predictor.models[0].bundle
    return bundle.load(write_lung_bundle(tmp_path_factory.mktemp("made"), request.param), request.param)


def test_it_shows_no_other_percentage(some_bundle: Bundle) -> None:
    """Every percentage on the tab must follow from a number in the bundle, or be part of a name there."""
    text = json.dumps(dict(some_bundle.evaluation))
    shares = {f"{100 * float(number):.{digits}f} %" for number in re.findall(r"\d+\.\d+", text) for digits in (0, 1)}
    shares |= {f"{100 * some_bundle.calibration.prevalence:.0f} %", "100.0 %", "0.0 %", "95 %"}
    shares |= {f"{100 * DILATION:.0f} %"}
    run = some_bundle.served_run
    assert run is not None
    counts = run["confusion"]
    positives = counts["true_positive"] + counts["false_negative"]
    negatives = counts["true_negative"] + counts["false_positive"]
    totals = (positives, negatives, positives + negatives)
    shares |= {f"{100 * count / total:.1f} %" for total in totals for count in range(total + 1)}
    percentages = re.findall(r"\d+(?:\.\d+)? %", re.sub(r"<[^>]+>", " ", evidence_tab.sections(some_bundle)))
    assert [share for share in percentages if share not in shares and share not in text] == []


def test_the_matrix_starts_at_the_threshold_of_the_model(predictor: Predictor, html: str) -> None:
    run = predictor.models[0].bundle.served_run
    assert run is not None
    cells = dict(re.findall(r'data-cell="(\w+)">([^<]+)<', html))
    for name, count in run["confusion"].items():
        assert abs(int(cells[name]) - count) <= 2, "the slider has steps of one hundredth"
    assert abs(float(cells["threshold"]) - run["threshold"]) <= 0.005


def test_the_slider_has_the_data_of_the_curve(predictor: Predictor, html: str) -> None:
    run = predictor.models[0].bundle.served_run
    assert run is not None
    (data,) = re.findall(r'data-curve="([^"]+)"', html)
    curve = json.loads(unescape(data))
    assert curve["true_positive"] == run["curves"]["thresholds"]["true_positive"]
    assert curve["positives"] + curve["negatives"] == run["films"]["total"]


@pytest.fixture(scope="module")
def made_bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A made bundle of children with the data of every section."""
    return bundle.load(write_lung_bundle(tmp_path_factory.mktemp("full"), "children"), "children")


@pytest.mark.parametrize(
    ("keys", "heading"),
    [
        (("run", "curves"), "Threshold and confusion matrix"),
        (("run", "curves"), "Calibration"),
        (("run", "curves"), "Risk and coverage of Unknown"),
        (("run", "kinds"), "Subgroups"),
        (("run", "robustness"), "Robustness to perturbations"),
        (("run", "shortcuts"), "Shortcut audit"),
        (("run", "audits"), "Audits: what the network reads"),
        (("gate_kinds",), "Out-of-distribution gate"),
        (("external",), "External validation: films of other hospitals"),
        (("test_set_access_log",), "Test-set access log"),
    ],
)
def test_what_the_bundle_lacks_is_left_out(made_bundle: Bundle, keys: tuple[str, ...], heading: str) -> None:
    assert f"<h3>{heading}</h3>" in evidence_tab.sections(made_bundle)
    html = evidence_tab.sections(without(made_bundle, *keys))
    assert f"<h3>{heading}</h3>" not in html
    assert "<h3>Performance</h3>" in html


def test_a_bundle_without_an_evaluation_says_so(predictor: Predictor) -> None:
    empty = replace(predictor.models[0].bundle, evaluation={"runs": {}})
    assert evidence_tab.sections(empty) == rendering.render("no_evidence.html")
    page.build(Predictor([Model(empty, 1)]))


def test_the_limits_are_the_cards(predictor: Predictor) -> None:
    text = evidence_sections.card_limits(predictor.models[0].bundle)
    assert text.startswith("## Limits\n")
    assert text.count("\n## ") == 0
    assert text in (predictor.models[0].bundle.folder / "README.md").read_text()
    config = {**predictor.models[0].bundle.config, "files": {}}
    assert evidence_sections.card_limits(replace(predictor.models[0].bundle, config=config)) == ""


def test_it_states_the_intended_use() -> None:
    text = Page(page_text.intended_use()).text
    assert text.startswith("Is it intended for my patient?")
    for words in ("a child of 1-5 years", "an adult of 18 years or over", "Your hospital", "Guangzhou"):
        assert words in text


def test_text_from_a_bundle_is_escaped(tmp_path: Path) -> None:
    made = bundle.load(write_lung_bundle(tmp_path, "children"), "children")
    evaluation = copy.deepcopy(dict(made.evaluation))
    evaluation["gate_kinds"] = {"kinds": [{"name": "hand", "images": 10, "refused": figure(0.5), "far": 0.25}]}
    evaluation["test_set_access_log"] = [SCRIPT]
    evaluation["external"][0].update(name=SCRIPT, of=SCRIPT, verdict=SCRIPT)
    evaluation["gate_kinds"]["kinds"][0]["name"] = SCRIPT
    html = evidence_tab.sections(replace(made, evaluation=evaluation))
    assert "<script" not in html
    assert SCRIPT in Page(html).text


def test_a_plot_is_an_image_with_a_description() -> None:
    svg = plots.plot("ROC", "What it shows.", plots.Axes("x", "y"), [plots.Line([0, 1], [0, 1])])
    parsed = Page(svg)
    assert parsed.open == []
    assert any(
        name == "svg" and attributes["role"] == "img" and attributes["aria-label"] == "ROC. What it shows."
        for name, attributes in parsed.elements
    )


def test_a_plot_maps_values_to_pixels() -> None:
    axes = plots.Axes("x", "y", y_end=0.5)
    (left, bottom), (right, top) = axes.to_pixel(0, 0), axes.to_pixel(1, 0.5)
    assert left < right
    assert top < bottom
    assert axes.to_pixel(0.5, 0.25) == ((left + right) / 2, (top + bottom) / 2)


def test_names_of_marks_do_not_overlap() -> None:
    svg = plots.plot(
        "ROC",
        "",
        plots.Axes("x", "y"),
        marks=[plots.Mark(0.1, 0.99, "a"), plots.Mark(0.2, 0.98, "b"), plots.Mark(0.3, 1, "c")],
    )
    name_rows = sorted(float(y) for y in re.findall(r'class="name" x="[\d.]+" y="([\d.]+)"', svg))
    assert all(later - earlier >= 16 for earlier, later in zip(name_rows[:-1], name_rows[1:], strict=True))


def test_the_page_has_a_part_for_each_model(tmp_path: Path) -> None:
    models = [Model(bundle.load(write_lung_bundle(tmp_path / name, name), name), 1) for name in ("children", "adults")]
    built = page.build(Predictor(models))
    texts = [str(getattr(block, "value", "")) for block in built.blocks.values()]
    assert [sum(f'data-population="{name}"' in text for text in texts) for name in ("children", "adults")] == [1, 1]
