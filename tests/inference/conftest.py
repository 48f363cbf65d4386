"""Fixtures of the tests of inference."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from ..conftest import Grey


@pytest.fixture
def film_path(normal_film: Grey, tmp_path: Path) -> Path:
    path = tmp_path / "film.png"
    Image.fromarray(normal_film).save(path)
    return path
