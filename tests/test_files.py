"""Atomic writes, walking a folder that changes, locks, and temporary folders."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pneumonia import files
from pneumonia.errors import Busy, DiskFull, UsageError

from .support.systems import posix


def test_write_replaces_the_file_and_leaves_no_temporary_file(tmp_path: Path) -> None:
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
    with pytest.raises(DiskFull, match="is unchanged"):
        files.atomic_write(target, b"new" * 100_000)
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("step", ["write_bytes", "replace", "mkdir"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_reported_at_any_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, number: int
) -> None:
    def raise_disk_full(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, step, raise_disk_full)
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

    def scandir_after_deletion(path: str | int) -> object:
        if str(path).endswith("/b"):
            (tmp_path / "b" / "deeper" / "film").unlink()
            (tmp_path / "b" / "deeper").rmdir()
            (tmp_path / "b").rmdir()
        return list_folder(path)

    monkeypatch.setattr(os, "scandir", scandir_after_deletion)
    names = [path.relative_to(tmp_path).as_posix() for path in files.walk_bottom_up(tmp_path)]
    assert sorted(names) == ["a", "a/deeper", "a/deeper/film", "b", "c", "c/deeper", "c/deeper/film"]
    assert names.index("a/deeper/film") < names.index("a/deeper") < names.index("a")


@pytest.mark.parametrize("name", ["a" * 251 + ".csv", "a" * 244 + ".csv", "\u00e4" * 125 + ".json", "." + "b" * 254])
def test_a_name_of_the_maximum_length_can_be_written(tmp_path: Path, name: str) -> None:
    with files.atomic_path(tmp_path / name) as partial:
        assert partial.suffix == Path(name).suffix
        partial.write_bytes(b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [(name, b"new")]
    other = tmp_path / f"b{name[1:]}"
    assert name[0] == "." or files.temporary_path(other) != files.temporary_path(tmp_path / name)


def test_the_temporary_path_keeps_the_suffix(tmp_path: Path) -> None:
    with files.atomic_path(tmp_path / "model.keras") as partial:
        assert (partial.parent, partial.suffix) == (tmp_path, ".keras")
        partial.write_bytes(b"")


def test_a_lock_is_held_by_one_at_a_time_and_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / ".lock"
    with files.exclusive_lock(path, "taken"):
        with pytest.raises(Busy, match="taken"), files.exclusive_lock(path, "taken"):
            pass
        assert path.exists()
    assert list(path.parent.iterdir()) == []


def test_a_folder_that_cannot_hold_a_lock_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(UsageError, match="cannot be written"),
        files.exclusive_lock(tmp_path / "file" / ".lock", "taken"),
    ):
        pass


def test_a_full_disk_is_reported_when_a_lock_is_acquired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def raise_disk_full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "mkdir", raise_disk_full)
    with pytest.raises(DiskFull), files.exclusive_lock(tmp_path / "folder" / ".lock", "taken"):
        pass


def test_a_process_tempdir_is_deleted_with_its_object_and_spares_those_in_use(tmp_path: Path) -> None:
    first = files.ProcessTempdir(tmp_path, "films-")
    second = files.ProcessTempdir(tmp_path, "films-")
    assert first.path.is_dir() and second.path.is_dir()
    first.delete()
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == [second.path]


def test_a_process_tempdir_deletes_what_a_killed_process_left(tmp_path: Path) -> None:
    stale = tmp_path / "films-stale"
    stale.mkdir()
    (stale / files.ProcessTempdir.LOCK_NAME).touch()
    (stale / "film.png").touch()
    other = tmp_path / "other-stale"
    other.mkdir()
    current = files.ProcessTempdir(tmp_path, "films-")
    assert sorted(path for path in tmp_path.iterdir() if path.is_dir()) == sorted([current.path, other])


CREATE_WITH_A_PAUSE_BEFORE_THE_LOCK = """
import fcntl, sys
from pathlib import Path
from pneumonia.files import ProcessTempdir

lock = fcntl.flock

def pause_and_lock(*arguments):
    print("unlocked", flush=True)
    sys.stdin.readline()
    lock(*arguments)

fcntl.flock = pause_and_lock
folder = ProcessTempdir(Path(sys.argv[1]), "films-")
fcntl.flock = lock
(folder.path / "film.png").write_bytes(b"film")
print(folder.path.name, flush=True)
sys.stdin.readline()
"""


@posix  # tests/test_windows_files.py tests the other way in which Windows does it
def test_a_folder_is_spared_by_another_process_before_it_is_locked(tmp_path: Path) -> None:
    """A real process stops between the creation of its folder and the lock; this process creates its own meanwhile."""
    command = [sys.executable, "-c", CREATE_WITH_A_PAUSE_BEFORE_THE_LOCK, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        assert process.stdout.readline() == "unlocked\n"
        first = files.ProcessTempdir(tmp_path, "films-")
        process.stdin.write("\n")
        process.stdin.flush()
        name = process.stdout.readline().strip()
        second = files.ProcessTempdir(tmp_path, "films-")
        assert name.startswith("films-")
        assert (tmp_path / name / "film.png").exists()
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted([first.path.name, second.path.name, name])
        process.stdin.write("\n")
    assert process.returncode == 0
    assert not (tmp_path / name).exists()


CREATE_REPEATEDLY = """
import sys
from pathlib import Path
from pneumonia.files import ProcessTempdir

for _ in range(100):
    folder = ProcessTempdir(Path(sys.argv[1]), "films-")
    (folder.path / "film.png").write_bytes(b"film")
    assert (folder.path / ProcessTempdir.LOCK_NAME).exists()
    folder.delete()
"""


def test_processes_that_create_folders_at_the_same_time_keep_them(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CREATE_REPEATEDLY, str(tmp_path)]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    errors = [process.communicate(timeout=300)[1] for process in processes]
    assert errors == [""] * 4
    assert list(tmp_path.iterdir()) == []


def test_a_process_killed_while_it_creates_its_folder_leaves_it_for_an_hour(tmp_path: Path) -> None:
    for name, age_s in ((".films-new", 60), (".films-old", 7_200)):
        (tmp_path / name).mkdir()
        lock_path = tmp_path / name / files.ProcessTempdir.LOCK_NAME
        lock_path.touch()
        os.utime(lock_path, (time.time() - age_s,) * 2)
    current = files.ProcessTempdir(tmp_path, "films-")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".films-new", current.path.name]


@pytest.mark.parametrize(
    ("name", "portable"),
    [
        ("film", "film"),
        ("Łódź 胸片 (2)", "Łódź 胸片 (2)"),
        ("scan:1", "scan_1"),
        ('a<b>c"d|e?f*g', "a_b_c_d_e_f_g"),
        ("a/b\\c", "a_b_c"),
        ("line\nbreak\0", "line_break_"),
        ("NUL", "NUL_"),
        ("nul.png", "nul_.png"),
        ("CON .tar.gz", "CON_ .tar.gz"),
        ("COM1.heatmap.png", "COM1_.heatmap.png"),
        ("LPT³", "LPT³_"),
        ("CONIN$.png", "CONIN$_.png"),
        ("console.png", "console.png"),
        ("COM10", "COM10"),
        ("null", "null"),
        ("end.", "end_"),
        ("end. .", "end___"),
        ("..", "__"),
        ("", ""),
    ],
)
def test_a_portable_name_is_allowed_on_every_system(name: str, portable: str) -> None:
    assert files.portable_name(name) == portable
    assert files.portable_name(portable) == portable
