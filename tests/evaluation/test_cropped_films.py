"""The audit of cropped films."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pneumonia.evaluation import cropped_films
from pneumonia.evaluation.cropped_films import BY_GATE, CROPS, CUT_OFF, SILENT, WARNED, compare, crop
from pneumonia.inference.predictor import load_model

from ..conftest import Grey


@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [
        ("at the top", (4, 10), (0, 20)),
        ("at the bottom", (0, 6), (0, 20)),
        ("at the left", (0, 10), (8, 20)),
        ("in equal parts at top and bottom", (2, 8), (0, 20)),
        ("of both sides, in equal parts at all edges", (2, 8), (4, 16)),
    ],
)
def test_a_crop_leaves_the_rest_of_the_film(name: str, rows: tuple[int, int], columns: tuple[int, int]) -> None:
    film = np.arange(200, dtype=np.uint8).reshape(10, 20)
    np.testing.assert_array_equal(crop(film, 0.4, CROPS[name]), film[slice(*rows), slice(*columns)])


def test_outcomes_and_changed_labels_are_counted(normal_film: Grey) -> None:
    model = load_model(threads=1)
    films = [normal_film, np.ascontiguousarray(normal_film[::-1])]
    whole = compare(model, films, ["Normal", "Normal"], 0.0, CROPS["at the top"])
    assert whole.outcomes == {SILENT: 1, BY_GATE: 1}
    lower = compare(model, films[:1], ["Pneumonia"], 0.4, CROPS["at the bottom"])
    assert (lower.outcomes, lower.changed) == ({WARNED: 1}, {WARNED: 1})
    assert lower.cells() == ["0.0 %", "0.0 %", "100.0 %", "1", "1", "0"]
    left = compare(model, films[:1], ["Normal"], 0.3, CROPS["at the left"])
    assert left.outcomes.total() == 1 and left.changed.total() == 0
    assert CUT_OFF not in whole.outcomes


def test_the_command_names_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cropped_films.main(["--data", str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err
