"""The command of the audits: its films, the tables that it prints and the entry that it writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumonia import Predictor
from pneumonia.errors import DatasetError
from pneumonia.evaluation import audits
from pneumonia.evaluation.audit_films import load_audit_films
from pneumonia.evaluation.audit_tables import AUDIT_TABLES, audit_tables, decimal_loss
from pneumonia.evaluation.dataset import load_films
from pneumonia.evaluation.external import identity
from pneumonia.evaluation.protocols import splits
from pneumonia.inference.populations import ADULTS, CHILDREN
from tests.support.made_models import lungs, made_films, reader_of

WriteFilms = Callable[[Path, dict[str, list[str]]], Path]


def test_the_films_are_the_validation_part_of_the_training_with_their_masks(
    tmp_path: Path, write_films: WriteFilms
) -> None:
    names = {
        "chest_xray/train/NORMAL": [f"IM-{number:04}-0001.png" for number in range(10)],
        "chest_xray/train/PNEUMONIA": [f"person{number}_virus_1.png" for number in range(10)],
        "chest_xray/test/NORMAL": ["IM-0900-0001.png"],
        "chest_xray/test/PNEUMONIA": ["person900_virus_1.png"],
    }
    root = write_films(tmp_path, names)
    every = load_films(root, quiet=True)
    expected = [every.films[index].path for index in splits(every, "official")[0].validation]
    masked = expected[0].relative_to(root)
    (root / "lung_masks").mkdir()
    Image.fromarray(lungs().astype(np.uint8) * 255).save(root / "lung_masks" / "mask.png")
    (root / "lung_masks" / "masks.csv").write_text(f"mask,film,match_z\nmask.png,{masked.as_posix()},1.5\n")
    films = load_audit_films(root, CHILDREN, quiet=True)
    assert [film.path for film in films.films.films] == expected
    assert films.masks.has_mask.tolist() == [True] + [False] * (len(expected) - 1)
    description = films.describe()
    assert (description["part"], description["total"], description["with_masks"]) == ("validation", len(expected), 1)
    assert {film.split for film in load_audit_films(root, CHILDREN, "test", quiet=True).films.films} == {"test"}


def test_adult_films_are_needed_for_the_adults_model(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"adults/films\.csv"):
        load_audit_films(tmp_path, ADULTS, quiet=True)


def test_the_command_prints_a_table_of_each_audit_and_writes_the_entry(
    tmp_path: Path, predictor: Predictor, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = reader_of(predictor.models[0].bundle, lungs(), with_field=True)
    monkeypatch.setattr(audits, "load_model", lambda name: model)
    monkeypatch.setattr(audits, "load_audit_films", lambda *_: made_films())
    out = tmp_path / "audits.json"
    names = ["evidence", "border", "projection"]
    assert audits.main(["--data", str(tmp_path), "--only", *names, "--json", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "part validation, total 8" in printed
    assert "| Pneumonia films, masks as drawn | 4 | 100.0 % (100.0-100.0) |" in printed
    assert "| AUROC lost | .000 (.000 to .000) |" in printed
    assert "projection: not measured" in printed
    entry = json.loads(out.read_text())
    assert set(entry) == {"model", "films", *names}
    assert entry["model"] == identity(model.bundle.config)


def test_an_error_is_printed_as_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audits.main(["--data", str(tmp_path), "--only", "evidence"]) == 2
    assert "dataset_layout" in capsys.readouterr().err


def test_an_audit_that_was_not_run_has_no_rows() -> None:
    assert audit_tables({}) == []
    for builders in AUDIT_TABLES.values():
        for build in builders:
            assert build(None).rows == build({}).rows == []


@pytest.mark.parametrize(
    ("value", "text"), [(0.0123, ".012 (.012 to .012)"), (-0.0004, ".000 (.000 to .000)"), (None, "-")]
)
def test_a_lost_score_has_a_sign(value: float | None, text: str) -> None:
    assert decimal_loss({"value": value, "low": value, "high": value}) == text


def test_a_gain_is_negative() -> None:
    assert decimal_loss({"value": -0.02, "low": -0.03, "high": 0.001}) == "-.020 (-.030 to .001)"
