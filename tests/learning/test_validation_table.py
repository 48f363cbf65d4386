"""Table of the validation figures of runs with `--validate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pneumonia.learning import validation_table


def write_run(folder: Path, **further: Any) -> Path:
    folder.mkdir()
    figures = {
        "recipe": "lungs",
        "seconds": 430,
        "films": 1047,
        "auroc": {"unchanged": 0.9953, "blur 2 px": 0.99},
        "worst_pair": {"normal": "blur 2 px", "pneumonia": "unchanged", "auroc": 0.9794},
        "mean_of_pairs": 0.9912,
        "border_of_other_class": 0.9755,
    }
    (folder / "validation.json").write_text(json.dumps({**figures, **further}))
    return folder


def test_each_run_is_a_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    children = write_run(tmp_path / "lungs-order5-4")
    joint = write_run(tmp_path / "joint", adults={"siim": 0.808, "siim_typical": 0.842, "healthy": 0.943})
    assert validation_table.main([str(children), str(joint)]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[2] == "| lungs-order5-4 | lungs | 1,047 | 7 | .9953 | .9912 | .9794 | .9755 |  |  |  |"
    assert rows[3].endswith("| .8080 | .8420 | .9430 |")


def test_a_folder_without_figures_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert validation_table.main([str(tmp_path)]) == 2
    assert "Expected: a folder of train.py --validate" in capsys.readouterr().err
