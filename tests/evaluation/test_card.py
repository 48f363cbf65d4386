"""The model card says what `config.json` and `evaluation.json` say, and nothing by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from huggingface_hub import ModelCard, ModelCardData

from pneumonia import bundle, sources
from pneumonia.evaluation import card

Figure = dict[str, float | None]
NOTHING: Figure = {"value": None, "low": None, "high": None}


@pytest.fixture(scope="session")
def config() -> dict[str, Any]:
    return bundle.read_config(sources.EMBEDDED)[0]


@pytest.fixture(scope="session")
def evaluation() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((sources.EMBEDDED / bundle.EVALUATION).read_bytes())
    return loaded


@pytest.fixture(scope="session")
def embedded() -> str:
    return (sources.EMBEDDED / bundle.CARD).read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def served(config: dict[str, Any], evaluation: dict[str, Any]) -> dict[str, Any]:
    """The part of `evaluation.json` on the model that is served."""
    run: dict[str, Any] = evaluation["runs"][f"{config['recipe']}/{config['protocol']}"]
    return run


def test_a_percentage_has_one_decimal_and_its_interval() -> None:
    figure: Figure = {"value": 0.93149, "low": 0.909, "high": 1.0}
    assert card.percent(figure) == "93.1 % (90.9-100.0)"
    assert card.percent(figure, interval=False) == "93.1 %"


def test_a_score_has_three_decimals_and_no_leading_zero() -> None:
    assert card.score({"value": 0.98149, "low": 0.0, "high": 1.0}) == ".981 (.000-1.000)"


@pytest.mark.parametrize("shown", [card.percent, card.score])
def test_what_is_not_known_is_a_dash(shown: Any) -> None:
    assert shown(NOTHING) == "-"


@pytest.mark.parametrize(("name", "text"), [("accuracy", "50.0 % (40.0-60.0)"), ("ece", ".500 (.400-.600)")])
def test_shares_are_percentages_and_areas_are_scores(name: str, text: str) -> None:
    assert card.shown(name, {"value": 0.5, "low": 0.4, "high": 0.6}) == text


def test_a_table_is_markdown() -> None:
    assert card.table(["a", "b"], iter([["1", "2"]])) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_the_embedded_card_is_what_its_numbers_give(
    embedded: str, config: dict[str, Any], evaluation: dict[str, Any]
) -> None:
    assert card.write(config, evaluation) == embedded


def figures_of(run: dict[str, Any]) -> Iterator[tuple[str, Figure]]:
    yield from run["figures"].items()
    for point in run["operating_points"].values():
        yield from point.items()
    for kind in run["kinds"].values():
        yield from ((name, kind[name]) for name in ("right", "refused"))


def test_every_figure_of_the_served_model_stands_in_the_card(embedded: str, served: dict[str, Any]) -> None:
    missing = [name for name, figure in figures_of(served) if card.shown(name, figure) not in embedded]
    assert missing == []


def test_the_numbers_of_the_configuration_stand_in_the_card(embedded: str, config: dict[str, Any]) -> None:
    for name, point in config["operating_points"].items():
        assert f"{name}" in embedded
        assert f"{point['low']:.3f} / {point['threshold']:.3f} / {point['high']:.3f}" in embedded
    assert config["revision"] in embedded
    assert f"{config['data']['films']:,} films" in embedded


def test_every_run_and_every_look_stands_in_the_card(embedded: str, evaluation: dict[str, Any]) -> None:
    for name, run in evaluation["runs"].items():
        assert f"`{name}`" in embedded and f"`{run['command']}`" in embedded
    assert evaluation["looks"]
    assert all(look in embedded for look in evaluation["looks"])


def test_the_confusion_is_that_of_the_figures(served: dict[str, Any]) -> None:
    cells = served["confusion"]
    assert sum(cells.values()) == served["films"]["total"]
    right = cells["true_positive"] + cells["true_negative"]
    assert right / served["films"]["total"] == pytest.approx(served["figures"]["accuracy"]["value"], abs=1e-5)


def metadata(text: str) -> ModelCardData:
    found = ModelCard(text).data
    assert isinstance(found, ModelCardData)
    return found


def test_the_front_matter_has_a_model_index(embedded: str, served: dict[str, Any]) -> None:
    results = metadata(embedded).eval_results
    assert results
    assert {result.metric_type: result.metric_value for result in results} == {
        name: served["figures"][name]["value"]
        for name in ("accuracy", "precision", "sensitivity", "specificity", "f1", "auroc")
    }


def test_the_card_names_licence_purpose_and_limits(embedded: str) -> None:
    assert metadata(embedded).license == "mit"
    for words in ("not a replacement for\na radiologist", "**Not intended**", "## Limits", "CC BY 4.0", "1-5 years"):
        assert words in embedded


def test_a_figure_that_is_none_becomes_a_dash_and_no_result(config: dict[str, Any], evaluation: dict[str, Any]) -> None:
    changed = json.loads(json.dumps(evaluation))
    changed["runs"][f"{config['recipe']}/{config['protocol']}"]["figures"]["auroc"] = NOTHING
    text = card.write(config, changed)
    assert "| AUROC | - |" in text
    assert "type: auroc" not in text


def test_the_80_20_table_stands_only_where_there_is_such_a_run(
    config: dict[str, Any], evaluation: dict[str, Any], served: dict[str, Any]
) -> None:
    runs = {name: run for name, run in evaluation["runs"].items() if run["protocol"] != "grouped80"}
    assert "## The 80/20 table" not in card.write(config, {**evaluation, "runs": runs})
    runs["seed/grouped80"] = {**served, "recipe": "seed", "protocol": "grouped80"}
    text = card.write(config, {**evaluation, "runs": runs})
    assert "## The 80/20 table" in text
    row = ["`seed/grouped80`", *(card.percent(served["figures"][name]) for name in card.SEED_TABLE)]
    assert card.table([], [row]).splitlines()[-1] in text
    assert "| the seed's table (random 80/20) | 96 % | 95 % | 97 % | 96 % |" in text
