"""A folder of counts, and readings of films that the embedded model accepts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pneumonia import Predictor, settings
from pneumonia.inference.reading import Reading
from pneumonia.monitoring import store
from pneumonia.monitoring.recorder import Recorder
from tests.conftest import Grey


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of `PNEUMONIA_MONITOR`, which does not exist yet."""
    monkeypatch.setenv(settings.MONITOR.name, str(tmp_path / "counts"))
    return tmp_path / "counts"


@pytest.fixture
def recorder(folder: Path) -> Recorder:
    return Recorder(folder, keep_days=400)


@pytest.fixture(scope="session")
def reading(predictor: Predictor, normal_film: Grey) -> Reading:
    return predictor.read(normal_film, age=3)


@pytest.fixture
def counted(folder: Path) -> Callable[[str], dict[tuple[str, str], int]]:
    """`counted(source)`: (name, value) -> films, for all days and series of a source."""

    def read(source: str) -> dict[tuple[str, str], int]:
        counts: dict[tuple[str, str], int] = {}
        for row in store.read(folder):
            if row.series.source == source:
                counts[row.name, row.value] = counts.get((row.name, row.value), 0) + row.films
        return counts

    return read
