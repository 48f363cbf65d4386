"""A film for the command line, and the JSON that it prints."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Rows = list[dict[str, Any]]
WriteFilms = Callable[[Path, dict[str, list[str]]], Path]

FIELDS = {"file", "label", "confidence", "probabilities", "operating_point", "reason", "zones", "model", "population"}
FIELDS |= {"sides", "image_zones", "strongest_zones"}
FIELDS |= {"age", "age_source", "prevalence", "probability_at_prevalence", "predictive_value", "warnings"}


@pytest.fixture
def film(tmp_path: Path, write_films: WriteFilms) -> str:
    """The path of a film that passes the gate."""
    return str(write_films(tmp_path, {"films": ["film.png"]}) / "films" / "film.png")


def rows(text: str) -> Rows:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def broken(tmp_path: Path) -> str:
    path = tmp_path / "broken.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n broken")
    return str(path)
