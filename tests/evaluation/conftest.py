"""Film sets and decisions generated in code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from pneumonia.evaluation.dataset import FilmSet, LabelledFilm
from pneumonia.evaluation.metrics import Decisions


def film_set(names: Sequence[str], digests: Sequence[str] | None = None) -> FilmSet:
    """Blank films named `split/FOLDER/name`. Their digests are different unless `digests` is given."""
    films = tuple(
        LabelledFilm(Path(name), name.split("/")[0], ["NORMAL", "PNEUMONIA"].index(name.split("/")[1]))
        for name in names
    )
    return FilmSet(films, np.zeros((len(films), 150, 150), np.uint8), tuple(digests or map(str, names)), ())


@pytest.fixture(scope="session")
def many_films() -> FilmSet:
    """400 films of 160 patients in train, val and test, several per patient, with copies across two patients."""
    names = [f"train/PNEUMONIA/person{i // 4}_bacteria_{i}.jpeg" for i in range(160)]
    names += [f"train/PNEUMONIA/person{i // 4}_virus_{i}.jpeg" for i in range(40)]
    names += [f"train/NORMAL/IM-{i // 2:04}-000{i % 2}.jpeg" for i in range(60)]
    names += [f"train/NORMAL/NORMAL2-IM-{i // 2 + 10:04}-000{i % 2}.jpeg" for i in range(40)]
    names += [f"val/NORMAL/NORMAL2-IM-{i + 200:04}-0001.jpeg" for i in range(10)]
    names += [f"val/PNEUMONIA/person{i + 500}_bacteria_1.jpeg" for i in range(10)]
    names += [f"test/PNEUMONIA/person{i // 2}_virus_{i + 900}.jpeg" for i in range(50)]
    names += [f"test/NORMAL/IM-{i + 300:04}-0001.jpeg" for i in range(30)]
    digests = [*names]
    for copy, original in ((8, 0), (20, 8), (260, 200)):
        digests[copy] = digests[original]
    return film_set(names, digests)


@pytest.fixture(scope="session")
def answers() -> Decisions:
    """Decisions of a poor model on 300 films, a tenth of which is not answered."""
    random = np.random.default_rng(7)
    labels = random.integers(0, 2, 300)
    probability = 1 / (1 + np.exp(-random.normal(1.5 * labels - 0.75, 1.0)))
    return Decisions(labels, probability, (probability >= 0.6).astype(np.int64), random.random(300) > 0.1)


@pytest.fixture(scope="session")
def patients() -> np.ndarray[tuple[int], np.dtype[np.str_]]:
    """Patient keys of the films of `answers`: about 100 patients with 1 to 8 films each."""
    return np.array([f"person{number}" for number in np.random.default_rng(8).integers(0, 100, 300)])


@pytest.fixture(scope="session")
def four_films(
    tmp_path_factory: pytest.TempPathFactory, write_films: Callable[[Path, dict[str, list[str]]], Path]
) -> Path:
    """A folder with a test part of four films that the gate accepts: two of each class, four patients."""
    names = {
        "test/NORMAL": ["IM-0001-0001.png", "IM-0002-0001.png"],
        "test/PNEUMONIA": ["person1_bacteria_1.png", "person2_virus_2.png"],
    }
    return write_films(tmp_path_factory.mktemp("four"), names)
