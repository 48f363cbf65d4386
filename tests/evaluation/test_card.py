"""The model card: its contents are those of `config.json` and `evaluation.json`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from huggingface_hub import ModelCard, ModelCardData

from pneumonia.evaluation import card
from pneumonia.evaluation.external import identity
from pneumonia.evaluation.number_format import format_metric, percent
from pneumonia.evaluation.table import Table
from pneumonia.inference import bundle, sources
from tests.support.lung_bundles import audit_entries, lung_config, lung_evaluation, nih_entries, routing_entries

Figure = dict[str, float | None]
NOTHING: Figure = {"value": None, "low": None, "high": None}


@pytest.fixture(scope="session")
def config() -> dict[str, Any]:
    return bundle.read_config(sources.EMBEDDED_FOLDER)[0]


@pytest.fixture(scope="session")
def evaluation() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((sources.EMBEDDED_FOLDER / bundle.EVALUATION).read_bytes())
    return loaded


@pytest.fixture(scope="session")
def embedded() -> str:
    return (sources.EMBEDDED_FOLDER / bundle.CARD).read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def served(config: dict[str, Any], evaluation: dict[str, Any]) -> dict[str, Any]:
    """The run of `evaluation.json` for the served model."""
    run: dict[str, Any] = evaluation["runs"][f"{config['recipe']}/{config['protocol']}"]
    return run


def figures_of(run: dict[str, Any]) -> Iterator[tuple[str, Figure]]:
    yield from run["figures"].items()
    for point in run["operating_points"].values():
        yield from point.items()
    for kind in run["kinds"].values():
        yield from ((name, kind[name]) for name in ("right", "refused"))


def test_the_card_has_every_figure_of_the_served_model(embedded: str, served: dict[str, Any]) -> None:
    missing = [name for name, figure in figures_of(served) if format_metric(name, figure) not in embedded]
    assert missing == []


def test_the_card_has_the_numbers_of_the_config(embedded: str, config: dict[str, Any]) -> None:
    for name, point in config["operating_points"].items():
        assert f"{name}" in embedded
        assert f"{point['low']:.3f} / {point['threshold']:.3f} / {point['high']:.3f}" in embedded
    assert config["revision"] in embedded
    assert f"{config['data']['films']:,} films" in embedded


def test_the_card_has_every_run_and_every_access_to_the_test_set(embedded: str, evaluation: dict[str, Any]) -> None:
    for name, run in evaluation["runs"].items():
        command = run.get("folds", [run])[0]["command"]
        assert f"`{name}`" in embedded and f"`{command}`" in embedded
    assert evaluation["test_set_access_log"]
    assert all(entry in embedded for entry in evaluation["test_set_access_log"])


def test_the_confusion_matrix_agrees_with_the_accuracy(served: dict[str, Any]) -> None:
    cells = served["confusion"]
    assert sum(cells.values()) == served["films"]["total"]
    correct = cells["true_positive"] + cells["true_negative"]
    assert correct / served["films"]["total"] == pytest.approx(served["figures"]["accuracy"]["value"], abs=1e-5)


def metadata(text: str) -> ModelCardData:
    result = ModelCard(text).data
    assert isinstance(result, ModelCardData)
    return result


def test_the_front_matter_has_a_model_index(embedded: str, served: dict[str, Any]) -> None:
    results = metadata(embedded).eval_results
    assert results
    assert {result.metric_type: result.metric_value for result in results} == {
        name: served["figures"][name]["value"]
        for name in ("accuracy", "precision", "sensitivity", "specificity", "f1", "auroc")
    }


def test_the_card_names_licence_purpose_and_limits(embedded: str) -> None:
    assert metadata(embedded).license == "mit"
    text = " ".join(embedded.split())
    for words in (
        "not a replacement for a radiologist",
        "**Not intended**",
        "## Limits",
        "CC BY 4.0",
        "1-5 years",
        "MIT",
    ):
        assert words in text


def test_a_measure_of_the_gate_without_second_limit_has_a_dash(
    config: dict[str, Any], evaluation: dict[str, Any]
) -> None:
    limits = {**config["gate"], "classifier": {"other_population": {"near": -1.25, "far": None}}}
    assert "| classifier | other population | -1.250 | - |" in card.write({**config, "gate": limits}, evaluation)


def test_a_figure_that_is_none_becomes_a_dash_and_no_result(config: dict[str, Any], evaluation: dict[str, Any]) -> None:
    changed = json.loads(json.dumps(evaluation))
    changed["runs"][f"{config['recipe']}/{config['protocol']}"]["figures"]["auroc"] = NOTHING
    text = card.write(config, changed)
    assert "| AUROC | - |" in text
    assert "type: auroc" not in text


def test_the_comparison_needs_a_run_split_by_patient(
    config: dict[str, Any], evaluation: dict[str, Any], served: dict[str, Any]
) -> None:
    runs = {name: run for name, run in evaluation["runs"].items() if run["protocol"] == "official"}
    assert "## Comparison with the original project" not in card.write(config, {**evaluation, "runs": runs})
    runs["seed/grouped80"] = {**served, "recipe": "seed", "protocol": "grouped80"}
    text = card.write(config, {**evaluation, "runs": runs})
    assert "## Comparison with the original project" in text
    row = [
        "`seed/grouped80`, threshold of `balanced`",
        *(percent(served["figures"][name]) for name in card.ORIGINAL_METRICS),
    ]
    assert Table("", [], [row]).to_markdown().splitlines()[-1] in text
    assert "| original project (random 80/20 split) | 96 % | 95 % | 97 % | 96 % |" in text


@pytest.mark.parametrize(
    ("threshold", "known", "index"),
    [
        pytest.param(0.8, {"prevalence": 0.8}, 2, id="calibrated to the prevalence of its films"),
        pytest.param(0.5, {"prevalence": 0.8}, 0, id="calibrated to one half"),
        pytest.param(0.6, None, 2, id="no prevalence in the run"),
    ],
)
def test_metrics_at_threshold_one_half_follow_from_the_curve(
    config: dict[str, Any],
    evaluation: dict[str, Any],
    served: dict[str, Any],
    threshold: float,
    known: dict[str, float] | None,
    index: int,
) -> None:
    """P(pneumonia) of .5 at the prevalence of the films, .8, is .2 if the network is calibrated to one half."""
    run = json.loads(json.dumps({**served, "recipe": "seed", "protocol": "grouped80"}))
    run["confusion"] = {"true_positive": 60, "false_negative": 20, "true_negative": 15, "false_positive": 5}
    run |= {"threshold": threshold, "known_prevalence": known}
    true_positive, false_positive = [80, 80, 80], [20, 20, 20]
    true_positive[index], false_positive[index] = 72, 8
    curve = {"threshold": [0.2, 0.35, 0.5], "true_positive": true_positive, "false_positive": false_positive}
    run["curves"]["thresholds"] = curve
    served_name = f"{config['recipe']}/{config['protocol']}"
    text = card.write(config, {**evaluation, "runs": {served_name: served, "seed/grouped80": run}})
    assert "| `seed/grouped80`, threshold .5 | 84.0 % | 90.0 % | 90.0 % | 90.0 % |" in text


HALF: Figure = {"value": 0.5, "low": 0.4, "high": 0.6}
LOST: Figure = {"value": 0.069, "low": 0.046, "high": -0.01}
PAIR = {"auroc": {"value": 0.871, "low": 0.841, "high": 0.899}, "accuracy": HALF}


def full(evaluation: dict[str, Any], name: str) -> dict[str, Any]:
    """The evaluation with all data that a card can show."""
    result: dict[str, Any] = json.loads(json.dumps(evaluation))
    run = result["runs"][name]
    row = {"accuracy": HALF, "sensitivity": HALF, "specificity": HALF, "refused": HALF}
    changes = {"turned": {**row, "loss": LOST}, "noise": {**row, "loss": HALF}}
    run["robustness"] = {"side": 224, "threshold": 0.321, "baseline": row, "changes": changes}
    spread = {"count": 9, "lower": 0.2, "median": 0.3, "upper": 0.4, "at_least_half": HALF}
    run["shortcuts"] = {
        "baseline": PAIR,
        "hidden": {"lungs black": PAIR},
        "swaps": {
            "aspect": {"wide": PAIR, "narrow": {**PAIR, "auroc": {"value": 0.997, "low": 0.99, "high": 1.0}}},
            "sharpness": {"soft": PAIR, "sharp": PAIR},
        },
        "activation": {"chance": 0.444, "without": 0, "films": {"all": spread, "Normal": {"count": 0}}},
    }
    curve = run["curves"]["reliability"]
    folds = {"films": 5232, "figures": {"ece": {"value": 0.0195, "low": 0.01, "high": 0.03}}, "reliability": curve}
    model = {bundle.GRAPH: "0" * 64}
    result |= {"routing": routing_entries(), **nih_entries({"children": model})}
    run["audits"] = audit_entries(model, has_masks=True)
    run["test_audits"] = {"model": model, "films": {"part": "test"}, "border": run["audits"]["border"]}
    result["runs"] = {name: run}
    result["runs"]["default/folds5"] = {**run, "protocol": "folds5", "folds": [run, run], "out_of_fold": folds}
    result["external"] = [
        {
            **{part: run[part] for part in ("films", "patients", "figures")},
            "name": "Elsewhere",
            "of": "films of another hospital",
            "verdict": "hardly better than chance",
            "reliability": curve,
            "passed": {"films": 77, "accuracy": HALF, "sensitivity": HALF, "specificity": HALF},
            "service": {"refused": HALF, "warned": HALF, "unknown": HALF},
        }
    ]
    result["gate_kinds"] = {"kinds": [{"name": "hand", "images": 10, "refused": HALF, "far": 0.25}]}
    return result


@pytest.fixture(scope="session")
def full_card(config: dict[str, Any], evaluation: dict[str, Any]) -> str:
    """The card of a model without a lung head; `lung_bundles` has the others."""
    data = {key: value for key, value in config["data"].items() if key != "lung_targets"}
    config = {**config, "data": data}
    return card.write(config, full(evaluation, f"{config['recipe']}/{config['protocol']}"))


SECTIONS = """Intended use, Training data, Protocols, Performance, Answers at `balanced`, Subgroups, Targets,
Comparison with the original project, Operating points, Calibration, Validation under perturbations,
Out-of-distribution gate, Which model answers, Robustness to perturbations, External validation,
Other hospitals; by age and reading, Audits, Audits of the test films, Shortcut audit, Training,
Test-set access log, Limits, Licence and source, Citation"""


def test_a_full_card_has_all_its_sections_in_order(full_card: str) -> None:
    titles = [line.removeprefix("## ").split(":")[0] for line in full_card.splitlines() if line.startswith("## ")]
    assert titles == [title.replace(";", ",") for title in SECTIONS.replace("\n", " ").split(", ")]


def test_what_was_not_measured_has_no_section(config: dict[str, Any], evaluation: dict[str, Any]) -> None:
    bare = json.loads(json.dumps({name: evaluation[name] for name in ("runs", "test_set_access_log")}))
    for run in bare["runs"].values():
        for audit in ("robustness", "shortcuts", "audits", "out_of_fold"):
            run.pop(audit, None)
    text = card.write({**config}, bare)
    for section in ("Robustness", "External validation", "Audits", "Shortcut audit"):
        assert f"\n## {section}" not in text
    assert "out-of-fold," not in text and "| Images | Count | Refused |" not in text


@pytest.mark.parametrize(
    "row",
    [
        "| hand | 10 | 50.0 % (40.0-60.0) | 25.0 % |",
        "| turned | 50.0 % (40.0-60.0) | 6.9 (4.6 to -1.0) |",
        "| lungs black | .500 (chance) | .871 (.841-.899) | 50.0 % (40.0-60.0) |",
        "The cue with the largest effect is **aspect**: AUROC .871 to .997, depending on the swap.",
        "| Reference: uniform over the film |  | 44.4 % |",
        "| This model, all films | 9 | 30.0 % | 20.0 % to 40.0 % | 50.0 % (40.0-60.0) |",
        "| out-of-fold, `default/folds5` | 5,232 | .019 (.010-.030) | - |",
        "| refused: hand | at least 95.0 % | 50.0 % (40.0-60.0) | **missed** |",
        "| official test, points of accuracy lost: turned | at most 2 | 6.9 (4.6 to -1.0) | **missed** |",
        "| out-of-fold: ECE | at most .02 | .019 (.010-.030) | met |",
        "on the 77 films accepted by the gate | 50.0 % (40.0-60.0) |",
        "is **hardly better than chance** here",
        "The worst perturbation of the robustness audit (noise) costs 50.0 (40.0 to 60.0) points of accuracy.",
    ],
)
def test_a_full_card_has_the_measured_values(full_card: str, row: str) -> None:
    assert row in full_card


def test_five_folds_are_one_row_with_the_sum_of_their_times(full_card: str, served: dict[str, Any]) -> None:
    [row] = [line for line in full_card.splitlines() if line.startswith("| `default/folds5` | `python")]
    assert f"| {2 * served['training']['seconds'] / 60:.0f} min |" in row


@pytest.fixture(scope="module", params=["children", "adults"])
def lung_card(request: pytest.FixtureRequest) -> tuple[str, str]:
    """(population, card of a made bundle whose network has a lung head)."""
    config = lung_config(request.param)
    return request.param, card.write(config, lung_evaluation(request.param, identity(config)))


def test_the_terms_of_the_weights_are_at_the_top(lung_card: tuple[str, str]) -> None:
    population, text = lung_card
    top = text[: text.index("## Intended use")]
    if population == "adults":
        assert "Non-commercial research only" in top and "Not for use in care" in top
        assert metadata(text).license == "other"
    else:
        assert "Licence of the weights: **MIT**" in top and "care" not in top
        assert metadata(text).license == "mit"


def test_no_sentence_of_another_network_or_population_remains(lung_card: tuple[str, str]) -> None:
    population, text = lung_card
    for words in ("grad-cam", "Grad-CAM", "It is not proof that the network read the lungs", "COUNTERMEASURES"):
        assert words not in text
    assert "**lung field**" in text and "**evidence map**" in text
    drawn = "learnt from masks that people drew" in text
    assert drawn == (population == "children")
    if population == "adults":
        for words in (
            "films of children show",
            "grouped80",
            "bacterial from viral",
            "Guangzhou Women",
            "official test",
        ):
            assert words not in text.replace("the official test set that", "")
    else:
        assert "SIIM" not in text.split("## Which model answers")[0]


def test_the_card_says_what_was_missed_and_what_each_audit_means(lung_card: tuple[str, str]) -> None:
    population, text = lung_card
    assert "## What went badly" in text and "instead of at least" in text
    titles = [
        "Lungs erased",
        "Borders exchanged",
        "Frames",
        "Perturbations",
        "Devices and letters",
        "Deletion and insertion",
    ]
    titles.append("Where the evidence lies" if population == "children" else "Projection")
    assert [title for title in titles if f"### {title}" not in text] == []
    assert 'The fill that leaves most is "mean of the film": AUROC .643 (.623-.663).' in text


def test_answers_of_adults_are_given_by_reading_and_source(lung_card: tuple[str, str]) -> None:
    population, text = lung_card
    rows = ("| typical | 400 |", "| SIIM-FISABIO-RSNA (adults, Spain and USA) | 950 |")
    assert all((row in text) == (population == "adults") for row in rows)
    assert "| Normal | 234 | 83.0 % (81.0-85.0) | 9.0 % (7.0-11.0) | 8.0 % (6.0-10.0) |" in text


def test_routing_and_other_hospitals_are_in_both_cards(lung_card: tuple[str, str]) -> None:
    _, text = lung_card
    assert "| siim: typical | 200 | 1.1 % (0.0-3.1) | 95.0 % (93.0-97.0) |" in text
    assert "| 18 and over, model for adults, without contradicted labels | 30 / 30 | .710 (.690-.730) |" in text
    assert "| a.jpg | Pneumonia | 93.0 % | Pneumonia |" in text


def test_audits_of_test_films_have_a_section_of_their_own() -> None:
    config = lung_config("children")
    evaluation = lung_evaluation("children", identity(config))
    run = evaluation["runs"]["default/official"]
    run["test_audits"] = {"model": run["audits"]["model"], "films": {"part": "test"}, "border": run["audits"]["border"]}
    text = card.write(config, evaluation)
    assert "## Audits of the test films" in text.split("## Audits: what the network reads")[1]
