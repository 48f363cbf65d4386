"""Splits keep patients together, contain every film once, and are reproducible."""

from __future__ import annotations

import numpy as np
import pytest

from pneumonia.evaluation.dataset import FilmSet
from pneumonia.evaluation.protocols import BLOCKS, ORDER, PROTOCOLS, Split, splits

from .conftest import film_set

ALL = [(protocol, fold) for protocol in PROTOCOLS for fold in range(5 if protocol == "folds5" else 1)]


@pytest.fixture(scope="module")
def splits_of(many_films: FilmSet) -> dict[str, list[Split]]:
    """Protocol -> its splits of `many_films`."""
    return {protocol: list(splits(many_films, protocol)) for protocol in (*PROTOCOLS, ORDER)}


@pytest.fixture(params=ALL, ids=lambda case: f"{case[0]}-{case[1]}")
def split(request: pytest.FixtureRequest, splits_of: dict[str, list[Split]]) -> Split:
    protocol: str
    fold: int
    protocol, fold = request.param
    return splits_of[protocol][fold]


def patients_of(films: FilmSet, where: np.ndarray[tuple[int], np.dtype[np.intp]]) -> set[str]:
    return set(films.patients[where].tolist())


def test_there_are_as_many_splits_as_the_protocol_says(splits_of: dict[str, list[Split]]) -> None:
    folds = {protocol: [split.fold for split in splits_of[protocol]] for protocol in PROTOCOLS}
    assert folds == {"official": [None], "grouped80": [None], "folds5": [0, 1, 2, 3, 4]}


def test_every_film_is_in_one_part(split: Split, many_films: FilmSet) -> None:
    all_indices = np.concatenate([split.train, split.validation, split.test])
    assert sorted(all_indices.tolist()) == list(range(len(many_films.films)))


def test_no_patient_is_in_training_and_validation(split: Split, many_films: FilmSet) -> None:
    assert patients_of(many_films, split.train) & patients_of(many_films, split.validation) == set()


@pytest.mark.parametrize("protocol", ["grouped80", "folds5"])
def test_no_patient_of_the_test_is_elsewhere(
    splits_of: dict[str, list[Split]], many_films: FilmSet, protocol: str
) -> None:
    for split in splits_of[protocol]:
        training_patients = patients_of(many_films, split.train) | patients_of(many_films, split.validation)
        assert patients_of(many_films, split.test) & training_patients == set()


def test_copies_are_in_the_same_part(split: Split, many_films: FilmSet) -> None:
    if split.protocol == "official":
        pytest.skip("the official border is taken as given")
    parts = {int(film): part for part in ("train", "validation", "test") for film in getattr(split, part)}
    assert many_films.duplicates
    assert all(len({parts[film] for film in copies}) == 1 for copies in many_films.duplicates)


def test_the_official_test_is_the_test_folder(splits_of: dict[str, list[Split]], many_films: FilmSet) -> None:
    [split] = splits_of["official"]
    assert split.test.tolist() == [index for index, film in enumerate(many_films.films) if film.split == "test"]


def test_the_official_validation_is_more_than_the_sixteen_films_of_val(splits_of: dict[str, list[Split]]) -> None:
    [split] = splits_of["official"]
    rest = len(split.train) + len(split.validation)
    assert len(split.validation) / rest == pytest.approx(1 / 7, abs=0.04)


def test_the_folds_test_each_film_once(splits_of: dict[str, list[Split]], many_films: FilmSet) -> None:
    tested = np.concatenate([split.test for split in splits_of["folds5"]])
    assert sorted(tested.tolist()) == list(range(len(many_films.films)))


def test_grouped80_tests_a_fifth(splits_of: dict[str, list[Split]], many_films: FilmSet) -> None:
    [split] = splits_of["grouped80"]
    assert len(split.test) / len(many_films.films) == pytest.approx(0.2, abs=0.04)


def test_every_part_has_about_the_prevalence_of_all_films(split: Split, many_films: FilmSet) -> None:
    labels = many_films.labels
    rest = np.concatenate([split.train, split.validation])
    assert labels[split.train].mean() == pytest.approx(labels[rest].mean(), abs=0.08)
    assert labels[split.validation].mean() == pytest.approx(labels[rest].mean(), abs=0.08)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_second_call_gives_the_same_splits(
    splits_of: dict[str, list[Split]], many_films: FilmSet, protocol: str
) -> None:
    for first, second in zip(splits_of[protocol], splits(many_films, protocol), strict=True):
        for part in ("train", "validation", "test"):
            assert np.array_equal(getattr(first, part), getattr(second, part))


def test_the_splits_do_not_depend_on_numpys_global_seed(many_films: FilmSet) -> None:
    np.random.seed(1)
    [first] = splits(many_films, "grouped80")
    np.random.seed(2)
    [second] = splits(many_films, "grouped80")
    assert np.array_equal(first.test, second.test)


def test_the_blocks_contain_every_film_once_and_no_test_film(
    splits_of: dict[str, list[Split]], many_films: FilmSet
) -> None:
    blocks = splits_of[ORDER]
    assert [block.fold for block in blocks] == list(range(BLOCKS))
    held_out = np.concatenate([block.validation for block in blocks])
    non_test = [index for index, film in enumerate(many_films.films) if film.split != "test"]
    assert sorted(held_out.tolist()) == non_test
    for block in blocks:
        assert sorted([*block.train.tolist(), *block.validation.tolist()]) == non_test
        assert len(block.test) == 0
        assert patients_of(many_films, block.train) & patients_of(many_films, block.validation) == set()


def test_a_block_contains_films_that_were_collected_together() -> None:
    names = [f"train/NORMAL/IM-{number:04}-0001.jpeg" for number in (5, 1, 4, 2, 3)]
    names += [f"train/PNEUMONIA/person{number}_virus_{number}.jpeg" for number in (30, 10, 50, 20, 40)]
    held_out = [block.validation.tolist() for block in splits(film_set(names), ORDER)]
    assert held_out == [[1, 6], [3, 8], [4, 5], [2, 9], [0, 7]]
