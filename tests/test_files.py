"""A file is written whole or not at all; a folder is walked while others write into it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from pneumonia import files
from pneumonia.errors import DiskFull


def test_write_replaces_the_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "file"
    for data in (b"old", b"new"):
        files.atomic_write(target, data)
        assert target.read_bytes() == data
    assert [path.name for path in target.parent.iterdir()] == ["file"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_write_on_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")
    (tmp_path / "partial-file").symlink_to("/dev/full")
    with pytest.raises(DiskFull, match="stays as it was"):
        files.atomic_write(target, b"new" * 100_000)
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("step", ["write_bytes", "replace", "mkdir"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_at_whatever_step_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, number: int
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, step, full)
    with pytest.raises(DiskFull):
        files.atomic_write(tmp_path / "file", b"new")
    assert list(tmp_path.iterdir()) == []


def test_another_error_than_a_full_disk_is_not_called_one(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="file"):
        files.atomic_write(tmp_path / "file", b"new")
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_an_error_half_way_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")
    with pytest.raises(RuntimeError), files.atomic_path(target) as partial:
        partial.write_bytes(b"ne")
        raise RuntimeError("the writer failed")
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_walk_goes_on_where_a_folder_is_deleted_under_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abc":
        (tmp_path / name / "deeper").mkdir(parents=True)
        (tmp_path / name / "deeper" / "film").touch()
    list_folder = os.scandir

    def deleted_first(path: str | int) -> object:
        if str(path).endswith("/b"):
            (tmp_path / "b" / "deeper" / "film").unlink()
            (tmp_path / "b" / "deeper").rmdir()
            (tmp_path / "b").rmdir()
        return list_folder(path)

    monkeypatch.setattr(os, "scandir", deleted_first)
    found = [path.relative_to(tmp_path).as_posix() for path in files.walk_bottom_up(tmp_path)]
    assert sorted(found) == ["a", "a/deeper", "a/deeper/film", "b", "c", "c/deeper", "c/deeper/film"]
    assert found.index("a/deeper/film") < found.index("a/deeper") < found.index("a")


def test_the_neighbour_keeps_the_ending_that_writers_go_by(tmp_path: Path) -> None:
    with files.atomic_path(tmp_path / "model.keras") as partial:
        assert (partial.parent, partial.suffix) == (tmp_path, ".keras")
        partial.write_bytes(b"")
