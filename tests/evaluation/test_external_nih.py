"""External validation by age and second reading."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pneumonia import Predictor
from pneumonia.errors import DatasetError
from pneumonia.evaluation import external_nih, external_tables
from pneumonia.evaluation.external_nih import GROUPS, age_group, covid_children, network_figures, nih_by_age
from pneumonia.evaluation.nih_films import list_nih
from tests.support.made_models import MadeModel, cells, lungs

WriteFilms = Callable[[Path, dict[str, list[str]]], Path]

TABLE = """image,part,age,view,patient,google_airspace_opacity,rsna_called_normal
00000001_000.png,report,4,PA,1,,
00000002_000.png,report,5,PA,2,,
00000003_000.png,report,3,PA,3,,yes
00000004_000.png,report,10,PA,4,,
00000005_000.png,report,,,5,,
00000006_000.png,gate_dev,4,PA,6,,
"""


@pytest.fixture
def data(tmp_path: Path, write_films: WriteFilms) -> Path:
    """Report films of three children (one of them with a contradicted label), a schoolchild, and an unknown age."""
    write_films(
        tmp_path / "external" / "nih",
        {
            "report/NORMAL": ["00000001_000.png", "00000004_000.png"],
            "report/PNEUMONIA": ["00000002_000.png", "00000003_000.png", "00000005_000.png"],
            "gate_dev/NORMAL": ["00000006_000.png"],
        },
    )
    (tmp_path / "external" / "nih" / "ages.csv").write_text(TABLE)
    write_films(tmp_path / "external", {"covid_children": ["a.png", "b.png"]})
    return tmp_path


@pytest.mark.parametrize(
    ("age", "group"),
    [(0.5, "under 1"), (1, "1-5"), (5.9, "1-5"), (6, "6-17"), (17.5, "6-17"), (18, "18 and over"), (None, "unknown")],
)
def test_every_age_has_a_group(age: float | None, group: str) -> None:
    assert age_group(age) == group
    assert group in GROUPS


def test_films_are_grouped_by_age_and_answered_with_and_without_it(data: Path, predictor: Predictor) -> None:
    entry = nih_by_age(predictor, data)
    assert (entry["films"], entry["contradicted"]) == (5, 1)
    assert {name: group["films"] for name, group in entry["groups"].items()} == {"1-5": 3, "6-17": 1, "unknown": 1}
    children = entry["groups"]["1-5"]
    assert (children["Normal"], children["Pneumonia"], children["contradicted"]) == (1, 2, 1)
    # All films are derived from a normal film.
    assert children["answers"] == {"Normal": {"Normal": 1}, "Pneumonia": {"Normal": 2}}
    assert children["answers_without_age"]["Normal"] == {"Normal": 1}
    assert entry["groups"]["6-17"]["answers"]["Normal"] == {"age_not_covered": 1}
    assert "network" not in entry["groups"]["6-17"] and "network" not in entry["groups"]["unknown"]


def test_contradicted_films_are_left_out_of_the_second_figures(data: Path, predictor: Predictor) -> None:
    network = nih_by_age(predictor, data)["groups"]["1-5"]["network"]
    assert network["population"] == "children"
    assert (network["all"]["films"], network["all"]["pneumonia"]) == (3, 2)
    assert (network["without_contradicted"]["films"], network["without_contradicted"]["pneumonia"]) == (2, 1)


def test_the_figures_of_the_network_follow_from_its_scores(data: Path, predictor: Predictor) -> None:
    model = MadeModel(predictor.models[0].bundle, lambda film: 0.9, cells(lungs()))
    figures = network_figures(model, list_nih(data, ("report",)))
    assert figures["auroc"]["value"] == 0.5
    assert (figures["sensitivity"]["value"], figures["specificity"]["value"]) == (1.0, 0.0)
    assert figures["answered_Pneumonia"]["correct"]["value"] == 1.0
    assert figures["answered_Normal"]["correct"]["value"] == 0.0


def test_children_with_covid_are_listed(data: Path, predictor: Predictor) -> None:
    entry = covid_children(predictor, data)
    assert (entry["films"], entry["answers"]) == (2, {"Normal": 2})
    assert [row["film"] for row in entry["rows"]] == ["a.png", "b.png"]
    assert all(row["probability"] < 0.5 for row in entry["rows"])
    with pytest.raises(DatasetError, match="external/covid_children"):
        covid_children(predictor, data / "external" / "nih")


def test_the_command_prints_the_tables_and_writes_the_entries(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = data / "nih.json"
    assert external_nih.main(["--data", str(data), "--json", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "| 6-17, Normal, age given | 1 | 1 age_not_covered |" in printed
    assert "| a.png | Normal |" in printed
    assert set(json.loads(out.read_text())) == {"nih_by_age", "covid_children"}


def test_an_error_is_one_sentence_and_missing_entries_have_no_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert external_nih.main(["--data", str(tmp_path)]) == 2
    assert "dataset_layout" in capsys.readouterr().err
    assert external_tables.external_tables({}) == []
