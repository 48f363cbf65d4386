"""Data set: file names, copies, broken files, and errors for another layout."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pneumonia.errors import DatasetError
from pneumonia.evaluation import dataset
from pneumonia.evaluation.dataset import SPLITS, LabelledFilm

from .conftest import film_set

WriteFilms = Callable[[Path, dict[str, list[str]]], Path]

LAYOUT = {
    "train/NORMAL": ["IM-0115-0001.jpeg", "NORMAL2-IM-0115-0001.jpeg"],
    "train/PNEUMONIA": ["person1_bacteria_1.jpeg", "person1_virus_6.jpeg"],
    "val/NORMAL": ["NORMAL2-IM-1427-0001.jpeg"],
    "val/PNEUMONIA": ["person1946_bacteria_4874.jpeg"],
    "test/NORMAL": ["IM-0001-0001.jpeg"],
    "test/PNEUMONIA": ["person100_bacteria_475.jpeg"],
}
COUNT = sum(map(len, LAYOUT.values()))


@pytest.fixture
def root(tmp_path: Path, write_films: WriteFilms) -> Path:
    return write_films(tmp_path / "chest_xray", LAYOUT)


NAMES = {
    "person1_bacteria_1.jpeg": ("person1_bacteria", "person1", "bacterial"),
    "person1_virus_6.jpeg": ("person1_virus", "person1", "viral"),
    "person1000_virus_1681.jpeg": ("person1000_virus", "person1000", "viral"),
    "person23_virus_56_2.jpeg": ("person23_virus", "person23", "viral"),
    "IM-0115-0001.jpeg": ("IM-0115", "IM-0115", "normal"),
    "IM-0115-0001-0002.jpeg": ("IM-0115", "IM-0115", "normal"),
    "NORMAL2-IM-0115-0001.jpeg": ("NORMAL2-IM-0115", "IM-0115", "normal"),
    "NORMAL2-IM-1427-0001-0001.jpeg": ("NORMAL2-IM-1427", "IM-1427", "normal"),
    "own film.png": ("train/own film.png", "train/own film.png", "pneumonia"),
}


@pytest.mark.parametrize(("name", "expected"), NAMES.items())
def test_a_file_name_gives_patient_and_kind(name: str, expected: tuple[str, str, str]) -> None:
    film = LabelledFilm(Path("somewhere") / name, "train", 0 if "IM-" in name else 1)
    assert (film.strict_key, film.loose_key, film.kind) == expected


def test_each_file_with_an_unknown_name_is_a_separate_patient() -> None:
    films = film_set(["train/NORMAL/a.png", "train/NORMAL/b.png", "test/NORMAL/a.png"])
    assert len(set(films.strict_keys)) == len(set(films.patients)) == 3


def test_an_unknown_name_of_a_normal_film_is_normal() -> None:
    assert LabelledFilm(Path("a.png"), "train", 0).kind == "normal"


def test_chained_copies_share_a_patient() -> None:
    names = ["train/NORMAL/IM-0001-1.jpeg", "train/NORMAL/IM-0002-1.jpeg", "train/NORMAL/IM-0002-2.jpeg"]
    names += ["train/NORMAL/IM-0003-1.jpeg", "train/NORMAL/IM-0004-1.jpeg"]
    films = film_set(names, ["a", "a", "b", "b", "c"])
    assert films.duplicates == [[0, 1], [2, 3]]
    assert len(set(films.patients[:4])) == 1
    assert films.patients[4] == "IM-0004"


def test_copies_do_not_touch_the_strict_key() -> None:
    films = film_set(["test/NORMAL/IM-0001-1.jpeg", "test/NORMAL/IM-0002-1.jpeg"], ["a", "a"])
    assert films.strict_keys.tolist() == ["IM-0001", "IM-0002"]


def test_every_film_of_the_layout_is_read(root: Path) -> None:
    films = dataset.load_films(root, quiet=True)
    assert {f"{film.path.parent.relative_to(root).as_posix()}/{film.path.name}" for film in films.films} == {
        f"{folder}/{name}" for folder, names in LAYOUT.items() for name in names
    }
    assert films.inputs.shape == (COUNT, 150, 150) and films.inputs.dtype == np.uint8
    assert all(film.label == int("PNEUMONIA" in film.path.parts) for film in films.films)
    assert all(film.split in film.path.parts for film in films.films)
    assert films.broken == ()


def test_inputs_are_in_the_order_of_the_films(root: Path) -> None:
    films = dataset.load_films(root, quiet=True)
    for film, pixels, digest in zip(films.films, films.inputs, films.digests, strict=True):
        alone = dataset.imaging.to_input(dataset.imaging.read(film.path))[:, :, 0]
        assert np.array_equal(pixels, alone)
        assert digest == dataset.hashlib.sha256(film.path.read_bytes()).hexdigest()


def test_only_the_requested_splits_are_read(root: Path) -> None:
    assert {film.split for film in dataset.load_films(root, ("test",), quiet=True).films} == {"test"}


def test_val_may_be_missing(root: Path) -> None:
    shutil.rmtree(root / "val")
    assert len(dataset.load_films(root, quiet=True).films) == COUNT - 2


@pytest.mark.parametrize("nesting", ["", "chest_xray", "chest_xray/chest_xray"])
def test_the_folder_of_the_archive_is_found(tmp_path: Path, write_films: WriteFilms, nesting: str) -> None:
    write_films(tmp_path / nesting, LAYOUT)
    (tmp_path / "__MACOSX").mkdir()
    assert len(dataset.list_films(tmp_path)) == COUNT


def test_hidden_files_and_folders_are_no_films(root: Path) -> None:
    for name in (".DS_Store", "._IM-0001-0001.jpeg"):
        (root / "test" / "NORMAL" / name).write_bytes(b"\0")
    (root / "test" / "NORMAL" / "folder").mkdir()
    films = dataset.load_films(root, quiet=True)
    assert (len(films.films), films.broken) == (COUNT, ())


def test_a_broken_file_is_reported_and_not_fatal(root: Path) -> None:
    broken = root / "train" / "PNEUMONIA" / "person2_virus_9.jpeg"
    broken.write_bytes(b"\xff\xd8\xff broken")
    films = dataset.load_films(root, quiet=True)
    assert len(films.films) == len(films.inputs) == len(films.digests) == COUNT
    assert [path for path, _ in films.broken] == [broken.relative_to(root)]
    assert f"skipped, damaged: {broken.relative_to(root)}: " in films.report()


def test_films_after_a_broken_one_keep_their_pixels(root: Path) -> None:
    whole = dataset.load_films(root, quiet=True)
    (root / "train" / "NORMAL" / "IM-0000-0001.jpeg").write_bytes(b"")
    assert np.array_equal(dataset.load_films(root, quiet=True).inputs, whole.inputs)


def test_the_report_counts_films_and_copies(root: Path) -> None:
    shutil.copy(root / "test" / "NORMAL" / "IM-0001-0001.jpeg", root / "train" / "NORMAL" / "IM-0002-0001.jpeg")
    report = dataset.load_films(root, quiet=True).report()
    assert f"{COUNT + 1} films: " in report
    assert "train/NORMAL 3" in report and "test/PNEUMONIA 1" in report
    assert "2 files are exact copies, in 1 groups" in report


WRONG: dict[str, dict[str, list[str]]] = {
    "empty": {},
    "flat": {"": ["a.png"]},
    "lower case classes": {"data/normal": ["a.png"], "data/pneumonia": ["b.png"]},
    "no test": {name: inside for name, inside in LAYOUT.items() if "test" not in name},
    "no sick in train": {name: inside for name, inside in LAYOUT.items() if name != "train/PNEUMONIA"},
}


@pytest.mark.parametrize("layout", WRONG.values(), ids=WRONG)
def test_another_layout_is_refused_with_what_is_needed(
    tmp_path: Path, write_films: WriteFilms, layout: dict[str, list[str]]
) -> None:
    with pytest.raises(DatasetError) as caught:
        dataset.list_films(write_films(tmp_path, layout))
    message = str(caught.value)
    for words in ("Expected: train/NORMAL, train/PNEUMONIA, test/NORMAL, test/PNEUMONIA", "Received: ", str(tmp_path)):
        assert words in message
    assert "https://www.kaggle.com/datasets/paultimothymooney/chest-xray-pneumonia" in message


@pytest.mark.parametrize("name", ["missing", "file"])
def test_a_path_that_is_not_a_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DatasetError, match="no such folder"):
        dataset.load_films(tmp_path / name)


def test_the_message_lists_the_entries_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "brain_mri").mkdir()
    with pytest.raises(DatasetError, match="brain_mri"):
        dataset.list_films(tmp_path)


def test_the_fingerprint_depends_on_the_films_and_not_on_their_path(root: Path, tmp_path: Path) -> None:
    here = dataset.load_films(root, quiet=True)
    elsewhere = dataset.load_films(
        Path(shutil.copytree(root, tmp_path / "elsewhere" / "chest_xray")).parent, quiet=True
    )
    turned = here.subset(np.arange(COUNT)[::-1])
    assert here.fingerprint == elsewhere.fingerprint == turned.fingerprint
    assert here.fingerprint != here.subset(np.arange(COUNT - 1)).fingerprint


def test_the_order_does_not_depend_on_the_disk(root: Path) -> None:
    listed = dataset.list_films(root)
    assert listed == sorted(listed, key=lambda film: (SPLITS.index(film.split), film.label, film.path.name))


def test_a_subset_selects_films_pixels_and_digests_alike(root: Path) -> None:
    films = dataset.load_films(root, quiet=True)
    subset = films.subset(np.array([5, 2]))
    assert subset.films == (films.films[5], films.films[2])
    assert subset.digests == (films.digests[5], films.digests[2])
    assert np.array_equal(subset.inputs, films.inputs[[5, 2]])


def test_nih_names_contain_the_patient_and_other_numbers_do_not() -> None:
    names = ["00001362_001.jpg", "00001362_014.png", "00001363_001.jpg", "20240101_film.jpg"]
    keys = [dataset.LabelledFilm(Path(name), "report", 0).strict_key for name in names]
    assert keys == ["nih00001362", "nih00001362", "nih00001363", "report/20240101_film.jpg"]
    assert dataset.LabelledFilm(Path(names[0]), "report", 0).loose_key == "nih00001362"


def test_any_folder_with_both_classes_can_be_the_split(tmp_path: Path, write_films: WriteFilms) -> None:
    root = write_films(tmp_path, {"report/NORMAL": ["a.png"], "report/PNEUMONIA": ["b.png"]})
    films = dataset.load_films(root, ("report",), quiet=True)
    assert [film.kind for film in films.films] == ["normal", "pneumonia"]
    with pytest.raises(DatasetError, match="Expected: other/NORMAL, other/PNEUMONIA. Received"):
        dataset.load_films(root, ("other",), quiet=True)
