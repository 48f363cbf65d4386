"""Counts of the command line, and what the predictor tells its observer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pneumonia import Failure, Prediction, Predictor
from pneumonia.cli.main import main
from pneumonia.inference.reading import Reading
from pneumonia.monitoring import recorder as recorder_module
from tests.conftest import Grey

Counted = Callable[[str], dict[tuple[str, str], int]]


@pytest.fixture
def films(tmp_path: Path, normal_film: Grey, encode: Callable[..., bytes]) -> list[Path]:
    """Two films and a file that is none."""
    contents = {"a.png": encode(normal_film, "PNG"), "b.png": encode(normal_film, "PNG"), "broken.png": b"\x89PNG"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return [tmp_path / name for name in contents]


def test_predict_and_batch_count_each_film_once(
    folder: Path, films: list[Path], counted: Counted, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = list(map(str, films))
    assert main(["predict", *names, "--age", "3"]) == 1
    assert main(["batch", *names, "--age", "3", "--out", str(tmp_path / "table.csv")]) == 1
    active = recorder_module.recorder()
    assert active is not None and active.flush()
    for source in ("cli", "batch"):
        counts = counted(source)
        assert counts["answer", "Normal"] == 2
        assert sum(films for (name, _), films in counts.items() if name == "error") == 1
    assert str(tmp_path) not in str(counted("cli"))


def test_nothing_is_written_without_the_setting(
    films: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = set(tmp_path.iterdir())
    assert main(["predict", str(films[0]), "--age", "3"]) == 0
    assert set(tmp_path.iterdir()) == before


def test_the_observer_gets_each_result_with_its_reading(predictor: Predictor, films: list[Path]) -> None:
    observed: list[tuple[Prediction | Failure, Reading | None]] = []
    results = list(predictor.predict_many(films, age=3, observe=lambda *seen: observed.append(seen)))
    assert {id(result) for result, _ in observed} == {id(result) for result in results}
    readings = {isinstance(result, Failure): reading for result, reading in observed}
    assert readings[True] is None
    reading = readings[False]
    assert reading is not None and reading.assessment is not None
    assert reading.assessment.reason is None and 0 < reading.assessment.distance <= 1
