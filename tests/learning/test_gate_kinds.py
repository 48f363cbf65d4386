from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pneumonia.evaluation import simulated_kinds, simulated_layouts
from pneumonia.evaluation.dataset import FilmSet, LabelledFilm
from pneumonia.learning.gate_kinds import FAMILIES, make_kinds
from pneumonia.learning.gate_others import gate_others
from tests.learning.synthetic_films import synthetic_films


@pytest.fixture(scope="module")
def kinds() -> dict[str, Any]:
    return make_kinds(synthetic_films(6, 1), 2)


def test_each_kind_has_images_of_the_models_input(kinds: dict[str, Any]) -> None:
    for name, images in kinds.items():
        assert images.dtype == np.uint8, name
        assert images.shape[1:] == (150, 150), name
        assert len(images) >= 2, name
        assert images.std(axis=(1, 2)).min() > 4, name


def test_each_kind_belongs_to_one_family(kinds: dict[str, Any]) -> None:
    members = [name for family in FAMILIES.values() for name in family]
    assert sorted(members) == sorted(kinds)


@pytest.mark.parametrize("kind", simulated_kinds.GENERATORS)
def test_simulated_radiographs_differ_from_each_other_and_are_reproducible(kind: str) -> None:
    first, second = simulated_kinds.simulate(kind, 2)
    again = next(simulated_kinds.simulate(kind, 1))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first.astype(int) - second).mean() > 1
    assert not np.array_equal(first, next(simulated_kinds.simulate(kind, 1, seed=1)))


@pytest.mark.parametrize("kind", simulated_layouts.LAYOUTS)
def test_images_made_of_films_are_reproducible(kind: str) -> None:
    films = synthetic_films(5, 1)
    first, second = simulated_layouts.simulate(kind, films, 2)
    np.testing.assert_array_equal(first, next(simulated_layouts.simulate(kind, films, 1)))
    assert first.shape != second.shape or np.abs(first.astype(int) - second).mean() > 1


def test_two_films_side_by_side_show_both_films() -> None:
    dark, bright = np.full((150, 150), 60, np.uint8), np.full((150, 150), 200, np.uint8)
    image = simulated_layouts.side_by_side([dark, bright], np.random.default_rng(0))
    assert image[100, 20] == 60
    assert image[100, -20] == 200


def film_set(films: Any, *sources: str) -> FilmSet:
    listed = [
        LabelledFilm(Path(f"{index}.png"), "train", index % 2, source=sources[index % len(sources)])
        for index in range(len(films))
    ]
    return FilmSet(tuple(listed), films, tuple(map(str, range(len(films)))), ())


@pytest.mark.slow
def test_the_gate_learns_from_each_source_of_the_other_population_and_from_made_kinds() -> None:
    own, other = film_set(synthetic_films(21, 1), "kermany"), film_set(synthetic_films(6, 2), "siim", "rsna_normal")
    others = gate_others(own, other)
    assert {name: len(films) for name, films in others.population.items()} == {"siim": 3, "rsna_normal": 3}
    assert len(others.kinds["pelvis"]) == 2
    assert gate_others(own, None).population == {}


def test_the_gate_learns_from_folders_of_images_and_skips_damaged_files(tmp_path: Path, encode: Any) -> None:
    for kind in ("hand", "empty"):
        (tmp_path / kind).mkdir()
    (tmp_path / "hand" / "one.png").write_bytes(encode(synthetic_films(1, 5)[0], "PNG"))
    (tmp_path / "hand" / "broken.png").write_bytes(b"broken")
    kinds = gate_others(film_set(synthetic_films(3, 1), "siim"), None, tmp_path).kinds
    assert kinds["hand"].shape == (1, 150, 150)
    assert "empty" not in kinds
