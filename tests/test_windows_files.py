"""Files under the rules of Windows: open files are neither renamed nor deleted. Simulated where they do not hold."""

from __future__ import annotations

import csv
import errno
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from pneumonia import Predictor, cli, files, operating_system
from pneumonia.errors import Busy, UsageError
from pneumonia.files import atomic
from pneumonia.web import batch_job, job_store
from pneumonia.web.server.upload import Upload

from .support import windows_file_system


@pytest.fixture(autouse=True)
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    windows_file_system.simulate(monkeypatch)


def test_the_simulation_refuses_what_windows_refuses(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "file"
    with path.open("wb"):
        for refused in (path.unlink, lambda: path.rename(tmp_path / "a"), lambda: folder.rename(tmp_path / "b")):
            with pytest.raises(PermissionError):
                refused()
    with path.open("rb") as file, pytest.raises(OSError) as caught:
        os.fsync(file.fileno())
    assert caught.value.errno == errno.EBADF
    folder.rename(tmp_path / "b")


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    for data in (b"old", b"new"):
        files.atomic_write(tmp_path / "file", data)
        assert [path.read_bytes() for path in tmp_path.iterdir()] == [data]


def test_a_target_that_is_open_for_a_moment_is_replaced_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A virus scanner opens each new file for some milliseconds."""
    monkeypatch.setattr(atomic, "_SHARING_DELAY_S", 0.05)
    target = tmp_path / "file"
    target.write_bytes(b"old")
    scanner = target.open("rb")
    threading.Timer(0.2, scanner.close).start()
    files.atomic_write(target, b"new")
    assert target.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [target]


def test_a_target_that_stays_open_is_left_unchanged(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")
    with target.open("rb"), pytest.raises(PermissionError):
        files.atomic_write(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_other_systems_do_not_wait_for_a_folder_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operating_system, "IS_WINDOWS", False)
    monkeypatch.setattr(atomic, "time", SimpleNamespace(sleep=lambda _: pytest.fail("waited")))
    with (tmp_path / "file").open("wb"), pytest.raises(PermissionError):
        files.delete_file(tmp_path / "file")


def test_a_lock_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    with files.exclusive_lock(path, "taken"):
        with pytest.raises(Busy), files.exclusive_lock(path, "taken"):
            pass
        assert path.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_process_tempdir_is_created_and_deleted(tmp_path: Path) -> None:
    first, second = files.ProcessTempdir(tmp_path, "films-"), files.ProcessTempdir(tmp_path, "films-")
    (first.path / "folder").mkdir()
    (first.path / "folder" / "film.png").touch()
    first.delete()
    assert list(tmp_path.iterdir()) == [second.path]
    assert [path.name for path in second.path.iterdir()] == [files.ProcessTempdir.LOCK_NAME]


def test_a_film_that_is_open_when_its_folder_is_deleted_is_deleted_by_the_next_process(tmp_path: Path) -> None:
    first = files.ProcessTempdir(tmp_path, "films-")
    film = first.path / "film.png"
    (first.path / "closed.png").touch()
    with film.open("wb"):
        first.delete()
        assert [path.name for path in first.path.iterdir() if path.suffix] == ["film.png"]
    second = files.ProcessTempdir(tmp_path, "films-")
    assert list(tmp_path.iterdir()) == [second.path]


def test_a_folder_is_spared_between_its_creation_and_its_lock(tmp_path: Path) -> None:
    """Another process finds the lock file while its creator has it open but not yet locked."""
    folder = tmp_path / "films-new"
    folder.mkdir()
    with (folder / files.ProcessTempdir.LOCK_NAME).open("wb"):
        files.ProcessTempdir(tmp_path, "films-").delete()
        assert (folder / files.ProcessTempdir.LOCK_NAME).exists()


def test_batch_writes_and_resumes_a_table(tmp_path: Path, write_films: Callable[..., Path]) -> None:
    films = write_films(tmp_path / "films", {"a": ["1.png", "2.png"]})
    out = tmp_path / "results.csv"
    assert cli.main(["batch", str(films), "--out", str(out), "--jsonl"]) == 0
    write_films(films, {"a": ["3.png"]})
    assert cli.main(["batch", str(films), "--out", str(out), "--jsonl", "--resume"]) == 0
    with out.open(newline="", encoding="utf-8-sig") as file:
        names = [row["file"] for row in csv.DictReader(file)]
    assert [Path(name).name for name in names] == ["1.png", "2.png", "3.png"]
    assert [json.loads(line)["file"] for line in out.with_suffix(".jsonl").read_bytes().splitlines()] == names
    assert sorted(path.name for path in tmp_path.iterdir()) == ["films", "results.csv", "results.jsonl"]


def test_a_table_that_is_open_in_a_spreadsheet_loses_no_row(
    tmp_path: Path, write_films: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    films = write_films(tmp_path / "films", {".": ["1.png"]})
    out = tmp_path / "results.csv"
    assert cli.main(["batch", str(films), "--out", str(out)]) == 0
    write_films(films, {".": ["2.png"]})
    arguments = ["batch", str(films), "--out", str(out), "--resume"]
    with out.open("rb"):
        assert cli.main(arguments) == 2
    message = capsys.readouterr().err
    assert "close it there" in message and "--resume" in message
    assert cli.main(arguments) == 0
    with out.open(newline="", encoding="utf-8-sig") as file:
        assert [Path(row["file"]).name for row in csv.DictReader(file)] == ["1.png", "2.png"]


def test_a_batch_of_the_page_is_deleted_when_its_table_is_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, predictor: Predictor, write_films: Callable[..., Path]
) -> None:
    monkeypatch.setattr(job_store, "RETRY_DELETION_S", 0.05)
    film = write_films(tmp_path, {".": ["film.png"]}) / "film.png"
    jobs = batch_job.BatchJobs(predictor)
    token = jobs.create([Upload(film, film.name)], "balanced")
    assert list(jobs.run(token)) == [1] and jobs.get(token).counts["Normal"] == 1
    folder, table = jobs.get(token).folder, jobs.get(token).table
    with table.open("rb"):
        jobs.delete(token)
        assert [path for path in folder.rglob("*") if path.is_file()] == [table]
    deadline = time.monotonic() + 60
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not folder.exists()


def test_heat_maps_are_written(tmp_path: Path, write_films: Callable[..., Path]) -> None:
    films = write_films(tmp_path / "films", {".": ["film.png"]})
    out = tmp_path / "maps"
    assert cli.main(["predict", str(films / "film.png"), str(films / "film.png"), "--heatmap", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["film-2.heatmap.png", "film.heatmap.png"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no film with such a name")
def test_the_name_of_a_heat_map_is_allowed_on_windows(tmp_path: Path, write_films: Callable[..., Path]) -> None:
    names = ["scan:1.png", "scan_1.png", "NUL.png", "what?.png"]
    films = write_films(tmp_path / "films", {".": names})
    out = tmp_path / "maps"
    assert cli.main(["predict", *(str(films / name) for name in names), "--heatmap", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "NUL_.heatmap.png",
        "scan_1-2.heatmap.png",
        "scan_1.heatmap.png",
        "what_.heatmap.png",
    ]


def test_a_folder_that_cannot_be_written_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError), files.exclusive_lock(tmp_path / "file" / ".lock", "taken"):
        pass
