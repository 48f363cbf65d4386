from __future__ import annotations

from pathlib import Path

import pytest

from pneumonia import Predictor
from pneumonia.evaluation import predictive_values

PAGE = Path(__file__).parents[2] / "docs" / "answer.md"


def test_the_page_has_the_values_of_the_embedded_models(predictor: Predictor) -> None:
    """If it fails: python -m pneumonia.evaluation.predictive_values --write docs/answer.md"""
    page = PAGE.read_text(encoding="utf-8")
    assert predictive_values.replace_table(page, [model.bundle for model in predictor.models]) == page


def test_the_command_prints_and_writes_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text("\n".join(["before", *predictive_values.MARKS, "after"]))
    assert predictive_values.main(["--write", str(page)]) == 0
    printed = capsys.readouterr().out.strip()
    assert page.read_text() == "\n".join(
        ["before", predictive_values.MARKS[0], printed, predictive_values.MARKS[1], "after"]
    )
    assert printed.count("| Pneumonia |") == printed.count("| Normal |") == 6
