"""The gate's refusals, folder by folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pneumonia import Predictor
from pneumonia.evaluation.refusals import main, refusals


@pytest.fixture
def folder(tmp_path: Path, normal_film: Any, encode: Any) -> Path:
    """A film, one on its side, noise, a broken file."""
    noise = np.random.default_rng(0).integers(0, 256, (150, 150), dtype=np.uint8)
    (tmp_path / "mixed").mkdir()
    for name, pixels in (("film", normal_film), ("side", np.rot90(normal_film)), ("noise", noise)):
        (tmp_path / "mixed" / f"{name}.png").write_bytes(encode(np.ascontiguousarray(pixels), "PNG"))
    (tmp_path / "mixed" / "broken.png").write_bytes(b"broken")
    return tmp_path / "mixed"


def test_every_file_is_counted_once(predictor: Predictor, folder: Path) -> None:
    found = refusals(predictor, folder)
    assert found.total() == 4
    assert (found["scored"], found["unreadable"]) == (1, 1)
    assert found["not_a_chest_film"] >= 1


def test_the_table_has_a_row_a_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder), str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert "| mixed | 3 | 66.7 % |" in lines[-1]


def test_an_unknown_model_ends_with_a_sentence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder), "--model", "no model"]) == 2
    assert "model_not_found" in capsys.readouterr().err
