"""Outcomes of films without a stated age, by source and age."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pneumonia.errors import UnreadableImage
from pneumonia.evaluation.routing import AGES, OUTCOMES, as_entry, film_groups, main, outcome_of
from pneumonia.inference.decision import Failure, ModelIdentity, Prediction, Reason

MODEL = ModelIdentity("test", "0", "0" * 64)


def prediction(label: str, probability: float | None, reason: str | None, population: str | None) -> Prediction:
    code = None if reason is None else Reason(reason)
    return Prediction(None, label, probability, "balanced", code, None, MODEL, population=population)


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        (prediction("Normal", 0.1, None, "children"), "children"),
        (prediction("Unknown", 0.5, "inconclusive", "adults"), "adults"),
        (prediction("Unknown", None, "population_unclear", None), "population_unclear"),
        (prediction("Unknown", None, "unlike_training_films", None), "refused"),
        (prediction("Unknown", None, "unreadable_contrast", None), "refused"),
        (Failure(None, UnreadableImage("damaged")), None),
    ],
)
def test_each_result_has_one_outcome(result: Prediction | Failure, outcome: str | None) -> None:
    assert outcome_of(result) == outcome


def test_an_entry_has_the_share_of_each_outcome_with_its_interval() -> None:
    entry = as_entry("kermany: viral", Counter({"children": 9, "refused": 1}))
    assert (entry["name"], entry["images"]) == ("kermany: viral", 10)
    assert [entry[outcome]["value"] for outcome in OUTCOMES] == [0.9, 0.0, 0.0, 0.1]
    assert entry["adults"]["low"] == 0.0 < entry["adults"]["high"]


@pytest.fixture
def data(tmp_path: Path, normal_film: Any, encode: Any) -> Path:
    """Films of children in Kaggle's layout, and three films of NIH with ages of 4, 14 and 60."""
    names = ("train/NORMAL/IM-0001-0001.png", "train/PNEUMONIA/person1_virus_1.png", "test/NORMAL/IM-0002-0001.png")
    nih = [f"external/nih/report/NORMAL/0000000{number}_000.png" for number in (1, 2, 3)]
    for name in (*names, *nih):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(np.ascontiguousarray(normal_film), "PNG"))
    rows = [f"0000000{number}_000.png,{age}" for number, age in ((1, 4), (2, 14), (3, 60), (4, ""))]
    (tmp_path / AGES).write_text("\n".join(["image,age", *rows]) + "\n", encoding="utf-8")
    return tmp_path


def test_films_are_grouped_by_kind_and_age_and_the_test_is_not_read(data: Path) -> None:
    groups = {name: [path.name for path in paths] for name, paths in film_groups(data).items()}
    assert groups == {
        "kermany: normal": ["IM-0001-0001.png"],
        "kermany: viral": ["person1_virus_1.png"],
        "nih: 1-5": ["00000001_000.png"],
        "nih: 12-17": ["00000002_000.png"],
        "nih: 18 and over": ["00000003_000.png"],
    }


def test_a_folder_without_known_data_sets_has_no_groups(tmp_path: Path) -> None:
    assert film_groups(tmp_path) == {}


def test_the_figures_are_printed_and_written(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "routing.json"
    assert main(["--data", str(data), "--json", str(out)]) == 0
    entries = json.loads(out.read_bytes())["routing"]
    assert [entry["name"] for entry in entries][:2] == ["kermany: normal", "kermany: viral"]
    assert entries[0]["children"]["value"] == 1.0
    assert "| kermany: normal | 1 | 100.0 %" in capsys.readouterr().out
