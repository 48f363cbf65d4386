"""Goals: which are reached, missed or not measured, by the figures of a made evaluation."""

from __future__ import annotations

from typing import Any

import pytest

from pneumonia.evaluation import targets
from pneumonia.evaluation.external import identity
from pneumonia.evaluation.targets import AIM_MET, MET, MISSED, NOT_MEASURED, Goal
from tests.support.lung_bundles import figure, lung_config, lung_evaluation, write_lung_bundle


def rows_of(population: str) -> dict[str, Goal]:
    config = lung_config(population)
    return {goal.criterion: goal for goal in targets.goals(config, lung_evaluation(population, identity(config)))}


@pytest.mark.parametrize(
    ("measured", "is_maximum", "result"),
    [
        (figure(0.97), False, AIM_MET),
        (figure(0.91), False, MET),
        (figure(0.89), False, MISSED),
        (figure(0.91), True, MISSED),
        (figure(0.9), True, MET),
        (None, False, NOT_MEASURED),
        ({"value": None, "low": None, "high": None}, False, NOT_MEASURED),
    ],
)
def test_the_point_estimate_decides(measured: Any, is_maximum: bool, result: str) -> None:
    aim = 0.8 if is_maximum else 0.95
    assert Goal("what", 0.9, aim, measured, is_maximum=is_maximum).result == result


def test_a_count_of_none_reaches_its_aim() -> None:
    assert Goal("changes", 0, 0, 0, "count", is_maximum=True).result == AIM_MET
    assert Goal("changes", 0, 0, 1, "count", is_maximum=True).cells()[1:] == ["at most 0", "0", "1", MISSED]


def test_children_have_the_goals_of_test_folds_audits_and_routing() -> None:
    rows = rows_of("children")
    assert rows["official test: AUROC"].result == MET
    assert rows["official test, normal films at balanced: answered Normal"].result == MET
    assert rows["80/20 by patient at one half: precision"].value is not None
    assert rows["evidence inside the widened lung masks, median"].result == AIM_MET
    assert rows["Kermany (children, Guangzhou): viral, no age stated: answered as adults"].result == AIM_MET
    assert not any("SIIM" in criterion for criterion in rows)


def test_adults_have_the_goals_of_their_sources() -> None:
    rows = rows_of("adults")
    assert rows["SIIM, held-out patients: AUROC"].result == MET
    assert rows["RSNA's healthy films at balanced: Normal among the answered"].result == MISSED
    assert rows["NIH, adults, without labels that a second reading contradicts: AUROC"].result == MET
    name = "SIIM-FISABIO-RSNA (adults, Spain and USA): typical, no age stated: answered as children"
    assert rows[name].result == MET
    assert not any("official" in criterion for criterion in rows)


def test_gates_that_were_fitted_on_other_films_are_preferred() -> None:
    config = lung_config("adults")
    evaluation = lung_evaluation("adults", identity(config))
    entry = {**evaluation["routing"][1], "children": figure(0.3)}
    rows = targets.goals(config, {**evaluation, "gate_cross_fit": {"films": [entry], "kinds": []}})
    assert [row.value for row in rows if "answered as children" in row.criterion] == [0.3]


def test_the_command_prints_a_table_for_each_bundle(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    folders = [str(write_lung_bundle(tmp_path / name, name)) for name in ("children", "adults")]
    assert targets.main(folders) == 0
    printed = capsys.readouterr().out
    assert printed.count("| Goal | Required | Aim | Reached | Result |") == 2
    assert "## adults of 18 years and over" in printed
    assert targets.main([str(tmp_path / "none")]) == 2
