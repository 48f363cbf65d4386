"""The population of a patient's age."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pneumonia.errors import BundleCorrupt
from pneumonia.inference import bundle, sources
from pneumonia.inference.populations import ADULTS, CHILDREN, POPULATIONS, Population, of_age


@pytest.mark.parametrize(
    ("years", "population"),
    [
        *((years, None) for years in (0, 0.5, 0.999, 6, 6.01, 12, 17, 17.99)),
        *((years, CHILDREN) for years in (1, 1.5, 5, 5.99)),
        *((years, ADULTS) for years in (18, 18.1, 64, 90, 130)),
    ],
)
def test_an_age_has_one_population_or_none(years: float, population: Population | None) -> None:
    assert of_age(years) is population


def test_the_names_are_those_of_bundles_and_predictions() -> None:
    assert list(POPULATIONS) == ["children", "adults"]


def with_config(folder: Path, **values: Any) -> bundle.Bundle:
    shutil.copytree(sources.EMBEDDED_FOLDER, folder)
    config = json.loads((folder / bundle.CONFIG).read_bytes())
    (folder / bundle.CONFIG).write_text(json.dumps({**config, **values}))
    return bundle.load(folder, "made")


def test_a_bundle_names_its_population(tmp_path: Path) -> None:
    assert with_config(tmp_path / "a", population="adults").population is ADULTS
    with pytest.raises(BundleCorrupt, match="one of children, adults, not 'infants'"):
        with_config(tmp_path / "b", population="infants")


def test_a_bundle_without_a_population_is_of_children(tmp_path: Path) -> None:
    shutil.copytree(sources.EMBEDDED_FOLDER, tmp_path / "old")
    config = json.loads((tmp_path / "old" / bundle.CONFIG).read_bytes())
    config.pop("population", None)
    (tmp_path / "old" / bundle.CONFIG).write_text(json.dumps(config))
    assert bundle.load(tmp_path / "old", "old").population is CHILDREN
