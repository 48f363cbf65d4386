"""Which films a run trains on, validates on and tests on, for both populations."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pneumonia.evaluation.dataset import FilmSet, load_films
from pneumonia.evaluation.protocols import splits
from pneumonia.inference.populations import ADULTS, CHILDREN
from pneumonia.learning import recipe
from pneumonia.learning.data_folders import DataFolders, find_data_folders
from pneumonia.learning.run_films import SplitFilms, load_run_films
from tests.support.data_sets import write_adults, write_children


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_adults(write_children(tmp_path_factory.mktemp("data")))


def films_of(root: Path, population: str, *sources: str, folders: DataFolders | None = None) -> SplitFilms:
    """The films of the first split of the population's protocol."""
    spec = replace(recipe.get("lungs"), population=population, training_sources=sources)
    run_films = load_run_films(folders or find_data_folders([root], spec), spec, for_gate=True)
    protocol = "official" if population == CHILDREN.name else "adults"
    return run_films.of_split(splits(run_films.films, protocol)[0])


def names(films: FilmSet | None) -> set[str]:
    return set() if films is None else {film.path.name for film in films.films}


def test_other_sources_change_neither_validation_nor_test_of_children(data: Path) -> None:
    alone = films_of(data, CHILDREN.name, "kermany")
    both = films_of(data, CHILDREN.name, "kermany", "rsna_normal")
    assert alone.joined is None
    assert both.joined is not None
    for part in ("train", "validation", "test"):
        assert names(getattr(alone, part)) == names(getattr(both, part))
    assert set(both.joined.sources.tolist()) == {"rsna_normal"}
    assert both.train_counts == {"kermany": len(alone.train.films), "rsna_normal": len(both.joined.films)}
    assert names(both.all_train) == names(both.train) | names(both.joined)


def test_the_split_of_children_is_the_split_of_their_films_alone(data: Path) -> None:
    films = load_films(data, quiet=True)
    [split] = splits(films, "official")
    run = films_of(data, CHILDREN.name, "kermany")
    assert names(run.validation) == names(films.subset(split.validation))
    assert run.train.inputs.shape == films.inputs[split.train].shape
    assert np.array_equal(run.train.inputs, films.inputs[split.train])


def test_no_model_trains_on_films_that_another_model_is_tested_on(data: Path) -> None:
    children = films_of(data, CHILDREN.name, "kermany", "siim", "rsna_normal")
    adults = films_of(data, ADULTS.name, "kermany", "siim", "rsna_normal")
    assert names(children.joined) == names(adults.train)
    assert names(adults.joined) == names(children.train)
    for films in (children, adults):
        trained = names(films.all_train)
        for other in (children, adults):
            assert not trained & (names(other.validation) | names(other.test))


def test_validation_and_test_of_adults_contain_every_source(data: Path) -> None:
    adults = films_of(data, ADULTS.name, "kermany", "siim")
    assert set(adults.train.sources.tolist()) == {"siim"}
    assert adults.joined is not None
    for part in (adults.validation, adults.test):
        assert set(part.sources.tolist()) == {"siim", "rsna_normal"}
        assert set(part.labels.tolist()) == {0, 1}


def test_the_official_test_is_not_read_for_adults(data: Path, tmp_path: Path) -> None:
    root = write_adults(write_children(tmp_path / "copy"))
    for film in (root / "chest_xray" / "test").rglob("*.jpeg"):
        film.unlink()
    assert names(films_of(root, ADULTS.name, "kermany", "siim").joined) == names(
        films_of(data, ADULTS.name, "kermany", "siim").joined
    )


def test_without_the_other_population_a_run_has_its_own_films(data: Path) -> None:
    children = films_of(
        data, CHILDREN.name, "kermany", "rsna_normal", folders=DataFolders(data, adults=None, masks=None)
    )
    assert children.joined is None
    adults = films_of(
        data, ADULTS.name, "kermany", "siim", folders=DataFolders(None, adults=data / "adults", masks=None)
    )
    assert adults.joined is None
    assert adults.train_counts == {"siim": len(adults.train.films)}


def test_the_gate_of_children_learns_from_films_without_restrictions_only(data: Path) -> None:
    def gate_sources(*arguments: str) -> set[str]:
        films = films_of(data, *arguments).gate_others
        return set() if films is None else set(films.sources.tolist())

    assert gate_sources(CHILDREN.name, "kermany") == {"rsna_normal"}
    assert gate_sources(CHILDREN.name, "kermany", "siim") == {"rsna_normal", "siim"}
    assert gate_sources(ADULTS.name, "siim") == {"kermany"}
