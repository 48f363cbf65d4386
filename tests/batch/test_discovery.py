"""Which films a batch finds, and that each is predicted as if alone."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pneumonia import Failure, Predictor, batch
from pneumonia.errors import UsageError
from pneumonia.inference.named_film import NamedFilm
from tests.support.systems import linux, restricted_user

WriteFilms = Callable[[Path, dict[str, list[str]]], Path]


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"x")


def film_names(*paths: str, **options: Any) -> list[str]:
    return [film.name for film in batch.find_films(paths, **options)]


def test_folders_are_walked_in_a_stable_order_and_hidden_files_skipped(inside: Path) -> None:
    write("f/b.png", "f/a.png", "f/sub/c", "f/.hidden.png", "f/._a.png", "f/.git/d.png", "f/Z.png")
    assert film_names("f") == ["f/Z.png", "f/a.png", "f/b.png", "f/sub/c"]


def test_names_are_those_that_the_caller_gave(inside: Path) -> None:
    write("a.png", "f/b.png", ".c.png")
    assert film_names("./a.png", "f/", str(inside / "a.png"), ".c.png") == [
        "./a.png", "f/b.png", str(inside / "a.png"), ".c.png"]  # fmt: skip


def test_each_film_comes_once(inside: Path) -> None:
    write("f/a.png", "f/b.png")
    assert film_names("f/b.png", "f", "f/a.png") == ["f/b.png", "f/a.png"]


def test_quoted_patterns_and_files_that_only_look_like_one(inside: Path) -> None:
    write("f/a.png", "f/sub/b.png", "f/[1].png")
    assert film_names("f/*.png") == ["f/[1].png", "f/a.png"]
    assert film_names("f/**/b.png") == ["f/sub/b.png"]
    assert film_names("f/[1].png") == ["f/[1].png"]
    assert film_names("f/[ab].png", "f/?.png") == ["f/a.png"]


def test_brackets_in_the_name_of_a_folder(inside: Path) -> None:
    write("films [2024]/a.png", "films [2024]/b.dcm", "films 2/c.png")
    assert film_names("films [2024]/*.png") == ["films 2/c.png"], "as a pattern"
    Path("films 2/c.png").unlink()
    assert film_names("films [2024]/*.png") == ["films [2024]/a.png"]


def test_a_pattern_without_matches_is_a_film_that_fails(inside: Path, predictor: Predictor) -> None:
    write("f/a.png", "f/Thumbs.db")
    (result,) = predictor.predict_many(batch.find_films(["f/*.dcm"]))
    assert isinstance(result, Failure) and result.file == "f/*.dcm"
    assert "matches it as a pattern" in result.error.message
    assert film_names("f/*.dcm", "f/*") == ["f/*.dcm", "f/a.png"]


def test_hidden_files_are_found_by_a_pattern_that_asks_for_them(inside: Path) -> None:
    write("f/.a.png", "f/b.png")
    assert film_names("f/.*.png") == ["f/.a.png"]


def test_a_home_folder_is_expanded(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(inside))
    monkeypatch.setenv("USERPROFILE", str(inside))
    write("f/a.png", "~tilde.png")
    assert film_names("~/f/*.png", "~tilde.png") == [f"{inside}/f/a.png", "~tilde.png"]


def test_files_of_operating_systems_are_no_films(inside: Path) -> None:
    write(
        "f/a.png",
        "f/a.png:Zone.Identifier",
        "f/Icon\r",
        "f/#recycle/c.png",
        "f/Thumbs.db",
        "f/desktop.ini",
        "f/@eaDir/a.png/S.jpg",
        "f/__MACOSX/b.png",
        "f/System Volume Information/x",
    )
    assert film_names("f") == ["f/a.png"]
    assert film_names("f/Thumbs.db") == ["f/Thumbs.db"], "a file that the caller names is not skipped"


def test_a_missing_file_is_a_film_that_fails(inside: Path, predictor: Predictor) -> None:
    (result,) = predictor.predict_many(batch.find_films(["no/such.png"]))
    assert isinstance(result, Failure) and result.file == "no/such.png"


@restricted_user
def test_an_unreadable_folder_is_a_film_that_fails(inside: Path, predictor: Predictor) -> None:
    write("f/closed/a.png", "f/b.png")
    Path("f/closed").chmod(0)
    assert film_names("f") == ["f/b.png", "f/closed"]
    Path("f/closed").chmod(0o700)


def test_links_are_followed_but_not_in_circles(inside: Path) -> None:
    write("f/a.png", "other/b.png")
    Path("f/link").symlink_to(inside / "other")
    Path("other/back").symlink_to(inside / "f")
    assert film_names("f") == ["f/a.png", "f/link/b.png"]


def test_the_tables_own_files_are_no_films(inside: Path) -> None:
    write("f/a.png", "f/results.csv")
    assert film_names("f", exclude={(inside / "f/results.csv")}) == ["f/a.png"]


def test_a_zip_is_opened_an_office_file_is_not(inside: Path) -> None:
    Path("f").mkdir()
    for name in ("f/films.zip", "f/letter.docx"):
        with zipfile.ZipFile(name, "w") as archive:
            archive.writestr("in/a.png", b"x")
    assert film_names("f") == ["f/films.zip/in/a.png", "f/letter.docx"]


def test_a_film_list_has_the_films_and_their_number(inside: Path) -> None:
    write("f/a.png", "f/sub/b.png", "f/results.csv", "g/c.png")
    with zipfile.ZipFile("f/films.zip", "w") as archive:
        archive.writestr("in/a.png", b"x")
        archive.writestr("in/b.png", b"x")
    for paths in (["f"], ["f", "f/sub", "g/*.png", "missing.png"]):
        film_list = batch.FilmList(paths, exclude={inside / "f/results.csv"})
        names = film_names(*paths, exclude={inside / "f/results.csv"})
        assert [film.name for film in film_list] == [film.name for film in film_list] == names
        assert len(film_list) == len(names)


@linux
def test_a_film_list_keeps_no_zip_open(inside: Path) -> None:
    Path("f").mkdir()
    for number in range(20):
        with zipfile.ZipFile(f"f/{number}.zip", "w") as archive:
            archive.writestr("a.png", b"x")
    film_list = batch.FilmList(["f"])
    assert len(film_list) == 20
    assert open_files(inside) == 0
    assert max(open_files(inside) for _ in film_list) <= 2


def open_files(folder: Path) -> int:
    """Number of files below a folder that this process has open; its other files may be closed at any time."""
    targets = []
    for handle in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            targets.append(Path(os.readlink(handle)))
    return sum(target.is_relative_to(folder) for target in targets)


def test_results_equal_those_of_predict(tmp_path: Path, write_films: WriteFilms, predictor: Predictor) -> None:
    folder = write_films(tmp_path, {"f": [f"{number}.png" for number in range(12)]}) / "f"
    (folder / "5.png").write_bytes(b"broken")
    films = list(batch.find_films([str(folder)]))
    results = list(predictor.predict_many(films, "confirm"))
    assert [result.file for result in results] == [film.name for film in films]
    for film, result in zip(films, results, strict=True):
        if film.name.endswith("/5.png"):
            assert isinstance(result, Failure)
        else:
            assert result == predictor.predict(film.name, "confirm")


def test_films_in_a_zip_get_the_same_results_as_outside(
    tmp_path: Path, write_films: WriteFilms, predictor: Predictor
) -> None:
    folder = write_films(tmp_path, {"f": [f"{number}.png" for number in range(20)]}) / "f"
    with zipfile.ZipFile(tmp_path / "films.zip", "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
    outside = predictor.predict_many(batch.find_films([str(folder)]))
    inside = predictor.predict_many(batch.find_films([str(tmp_path / "films.zip")]))
    for one, other in zip(outside, inside, strict=True):
        assert one.as_dict() | {"file": ""} == other.as_dict() | {"file": ""}


def test_the_read_ahead_is_limited(tmp_path: Path, write_films: WriteFilms, predictor: Predictor) -> None:
    path = write_films(tmp_path, {"f": ["a.png"]}) / "f" / "a.png"
    produced = 0

    def endless() -> Iterator[NamedFilm]:
        nonlocal produced
        while True:
            produced += 1
            yield NamedFilm(f"{produced}", path)

    results = predictor.predict_many(endless())
    for number in range(1, 51):
        assert next(results).file == str(number)
        assert produced <= number + 4 * predictor.threads
    results.close()  # type: ignore[attr-defined]


def test_wrong_usage_is_reported_before_a_film_is_read(predictor: Predictor) -> None:
    with pytest.raises(UsageError):
        next(predictor.predict_many([NamedFilm("a", Path("a"))], "best"))
