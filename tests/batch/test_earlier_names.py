"""Films that have a row from an earlier run: names with accents, which macOS and other systems spell differently."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from pneumonia.batch.earlier_names import EarlierNames

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "Müller-Łódź-한국.png") for form in ("NFC", "NFD"))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_row_is_taken_once_for_each_film_of_its_name() -> None:
    names = EarlierNames(["a.png", "a.png", COMPOSED])
    assert [names.take("a.png") for _ in range(3)] == [True, True, False]
    assert [names.take(COMPOSED) for _ in range(2)] == [True, False]
    assert not names.take("b.png")


@pytest.mark.parametrize(("row", "film"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)])
def test_a_table_of_another_system_is_continued(folder: Path, row: str, film: str) -> None:
    (folder / film).touch()
    names = EarlierNames([row])
    assert [names.take(film) for _ in range(2)] == [True, False]


@pytest.mark.parametrize(("row", "film"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)])
def test_two_files_that_linux_tells_apart_keep_two_rows(folder: Path, row: str, film: str) -> None:
    """The new film may come first in the list, and must not take the row of the other one."""
    (folder / row).touch()
    (folder / film).touch()
    if len(os.listdir(folder)) == 1:
        pytest.skip("this file system does not tell the names apart")
    names = EarlierNames([row])
    assert [names.take(film), names.take(row)] == [False, True]


@pytest.mark.parametrize(("row", "film"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)])
def test_one_file_with_two_names_has_one_row(folder: Path, row: str, film: str) -> None:
    """As on macOS, which opens the same file by both names."""
    (folder / row).touch()
    if not (folder / film).exists():
        os.link(row, film)
    assert EarlierNames([row]).take(film)


def test_members_of_a_zip_are_told_apart() -> None:
    names = EarlierNames([f"films.zip/{COMPOSED}"])
    assert not names.take(f"films.zip/{DECOMPOSED}")
    assert names.take(f"films.zip/{COMPOSED}")
