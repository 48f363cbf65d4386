"""The command `batch` as a process: table, exit codes, and state after a kill."""

from __future__ import annotations

import csv
import json
import os
import pty
import random
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pneumonia import cli
from pneumonia.batch import results
from tests.support.systems import posix
from tests.support.wrong_options import WRONG_OPTIONS

ROOT = Path(__file__).parents[2]
WriteFilms = Callable[[Path, dict[str, list[str]]], Path]


@pytest.fixture
def folder(tmp_path: Path, write_films: WriteFilms) -> Path:
    """Three films and an unreadable one."""
    folder = write_films(tmp_path, {"films": ["a.png", "b.png", "sub-c.png"]}) / "films"
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    return folder


@pytest.fixture(scope="module")
def slow_folder(
    tmp_path_factory: pytest.TempPathFactory, large_film: npt.NDArray[np.uint8], encode: Callable[..., bytes]
) -> Path:
    """Sixty names of two files: one large enough that a run takes some time, and one unreadable."""
    folder = tmp_path_factory.mktemp("slow")
    (folder / "0.png").write_bytes(encode(np.tile(large_film, (3, 3)), "PNG"))
    (folder / "1.png").write_bytes(b"broken")
    for number in range(2, 60):
        (folder / f"{number}.png").hardlink_to(folder / f"{int(number % 9 == 0)}.png")
    return folder


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "pneumonia", "batch", *map(str, arguments)]


def environment() -> dict[str, str]:
    """The environment without the developer's settings, for messages in English."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PNEUMONIA_")}
    return inherited | {"PNEUMONIA_LANGUAGE": "en"}


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, cwd=ROOT, env=environment(), timeout=300)


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(command(*arguments), stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment())


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def test_a_folder_becomes_a_table_and_json_lines(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "results.csv"
    process = run(folder, "--out", out, "--jsonl")
    assert (process.returncode, process.stdout) == (1, "")
    assert process.stderr.splitlines()[-1] == f"4 films: 3 Normal, 1 failed: {out}"
    rows = table(out)
    assert [Path(row["file"]).name for row in rows] == ["a.png", "b.png", "broken.png", "sub-c.png"]
    assert [row["error_code"] for row in rows] == ["", "", "unreadable_image", ""]
    json_lines = [json.loads(line) for line in out.with_suffix(".jsonl").read_text().splitlines()]
    predicted = [json.loads(line) for line in _predicted([row["file"] for row in rows])]
    assert json_lines == predicted
    assert not list(tmp_path.glob(".*")) + list(tmp_path.glob("*.part"))


def _predicted(files: list[str]) -> list[str]:
    arguments = [sys.executable, "-m", "pneumonia", "predict", "--json", *files]
    return subprocess.run(arguments, capture_output=True, text=True, cwd=ROOT, env=environment()).stdout.splitlines()


def test_the_exit_code_is_0_if_every_film_has_a_prediction(folder: Path, tmp_path: Path) -> None:
    (folder / "broken.png").unlink()
    out = tmp_path / "results.csv"
    assert cli.main(["batch", str(folder), "--out", str(out), "--workers", "2", "--excel"]) == 0
    assert out.read_bytes().startswith(b"\xef\xbb\xbffile,label,")


@pytest.mark.parametrize(("arguments", "message"), WRONG_OPTIONS)
def test_wrong_usage_writes_no_file(
    folder: Path, tmp_path: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["batch", str(folder), "--out", str(tmp_path / "out" / "results.csv"), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_empty_folder_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert cli.main(["batch", str(tmp_path / "empty"), "--out", str(tmp_path / "results.csv")]) == 2
    assert "No films found" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--jsonl"], ["--jsonl", "--resume"], []])
@pytest.mark.parametrize("name", ["results.jsonl", "results.JSONL"])
def test_a_table_with_the_name_of_its_json_lines_is_wrong_usage(
    folder: Path, tmp_path: Path, name: str, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out" / name
    assert cli.main(["batch", str(folder), "--out", str(out), *arguments]) == 2
    assert f"Allowed: names that do not end in .jsonl. Received: {out}." in capsys.readouterr().err
    assert not out.parent.exists()


@pytest.mark.parametrize("out", ["existing", ".", "..", ""])
def test_a_table_that_is_a_folder_is_wrong_usage(
    folder: Path, tmp_path: Path, out: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    inside = tmp_path / "inside"
    (inside / "existing").mkdir(parents=True)
    monkeypatch.chdir(inside)
    assert cli.main(["batch", str(folder), "--out", out, "--jsonl"]) == 2
    assert capsys.readouterr().err.startswith("usage: The table is a folder. Allowed: the path of a file. Received: ")
    assert [path.name for path in inside.rglob("*")] == ["existing"]


def test_a_longer_name_of_a_table_than_its_lock_allows_is_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """During a run, the name of the lock file is longer than that of the table."""
    (folder / "broken.png").unlink()
    name = "n" * 238 + ".csv"
    assert cli.main(["batch", str(folder), "--out", str(tmp_path / f"n{name}"), "--jsonl"]) == 2
    assert f"Allowed: {len(name)} bytes" in capsys.readouterr().err
    assert cli.main(["batch", str(folder), "--out", str(tmp_path / name), "--jsonl"]) == 0
    assert len(table(tmp_path / name)) == 3


@pytest.mark.parametrize("is_terminal", [True, False])
def test_each_folder_is_listed_once(
    folder: Path, tmp_path: Path, is_terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("x/a.png", "x/y/b.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).hardlink_to(folder / "a.png")
    listed_folders: list[str] = []
    list_folder = os.scandir

    def record_and_list(path: Any) -> Any:
        listed_folders.append(os.fspath(path))
        return list_folder(path)

    monkeypatch.setattr(os, "scandir", record_and_list)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    assert cli.main(["batch", str(folder), "--out", str(tmp_path / "results.csv")]) == 1
    folders = [name for name in listed_folders if name.startswith(str(folder))]
    assert folders == [str(folder), str(folder / "x"), str(folder / "x" / "y")]
    assert len(table(tmp_path / "results.csv")) == 6


def test_prevalence_and_operating_point_reach_every_row(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "results.csv"
    options = ["--operating-point", "confirm", "--prevalence", "0.1"]
    cli.main(["batch", str(folder), "--out", str(out), *options])
    assert {(row["operating_point"], row["prevalence"]) for row in table(out)} == {("confirm", "0.1")}
    assert cli.main(["batch", str(folder), "--out", str(out), "--resume"]) == 2
    assert cli.main(["batch", str(folder), "--out", str(out), "--resume", *options]) == 1


def test_the_table_may_be_in_the_folder_of_the_films(folder: Path) -> None:
    assert cli.main(["batch", str(folder), "--out", str(folder / "results.csv"), "--jsonl"]) == 1
    assert cli.main(["batch", str(folder), "--out", str(folder / "results.csv"), "--jsonl", "--resume"]) == 1
    assert len(table(folder / "results.csv")) == 4


@pytest.mark.slow
@posix
def test_a_second_process_on_the_same_table_is_refused(slow_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "results.csv"
    first = start(slow_folder, "--out", out, "--workers", "1")
    _wait_for_rows(first, out, 1)
    first.send_signal(signal.SIGSTOP)
    second = run(slow_folder, "--out", out, "--resume")
    first.send_signal(signal.SIGCONT)
    assert second.returncode == 2
    assert "busy: Another run writes" in second.stderr
    first.communicate(timeout=300)
    assert first.returncode == 1
    assert len(table(out)) == 60


@posix
def test_ctrl_c_keeps_the_finished_rows(slow_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "results.csv"
    running = start(slow_folder, "--out", out, "--workers", "1")
    _wait_for_rows(running, out, 3)
    running.send_signal(signal.SIGINT)
    _, stderr = running.communicate(timeout=300)
    assert running.returncode == 1
    assert "Traceback" not in stderr and "continue with --resume" in stderr
    row_count = _rows(out)
    assert not out.exists() and f"rows are in {results.partial_path(out)}" in stderr
    assert 3 <= row_count < 60 and f"stopped: {row_count} films" in stderr
    assert run(slow_folder, "--out", out, "--resume").returncode == 1
    _assert_complete(out, slow_folder)


def test_a_progress_bar_is_shown_on_a_terminal_only(folder: Path, tmp_path: Path) -> None:
    terminal, process_end = pty.openpty()
    termios.tcsetwinsize(process_end, (24, 100))
    arguments = command(folder, "--out", tmp_path / "results.csv")
    with subprocess.Popen(arguments, stderr=process_end, cwd=ROOT, env=environment()) as process:
        process.wait(timeout=300)
    os.close(process_end)
    output = read_terminal(terminal)
    os.close(terminal)
    assert "4/4" in output and "film/s" in output
    assert "4/4" not in run(folder, "--out", tmp_path / "again.csv").stderr


def read_terminal(terminal: int) -> str:
    """What was written to a terminal whose other end is closed. The system may pass it on in several parts."""
    parts = []
    with suppress(OSError):  # the end, on Linux
        while part := os.read(terminal, 100_000):
            parts.append(part)
    return b"".join(parts).decode()


@pytest.mark.parametrize(
    "kills", [2, pytest.param(16, marks=pytest.mark.slow), pytest.param(200, marks=pytest.mark.soak)]
)
def test_no_kill_loses_or_duplicates_a_row(slow_folder: Path, tmp_path: Path, kills: int) -> None:
    """`kill -9` repeatedly after a few more rows; after the last kill, the run is completed."""
    generator = random.Random(kills)
    round_number = 0
    while kills:
        out = tmp_path / f"{round_number}.csv"
        round_number += 1
        resume: list[str] = []
        while kills and not out.exists():
            running = start(slow_folder, "--out", out, "--jsonl", "--workers", "2", *resume)
            _wait_for_rows(running, out, _rows(out) + generator.randrange(12))
            time.sleep(generator.random() * 0.02)
            running.kill()
            running.communicate()
            kills -= 1
            resume = ["--resume"] if results.partial_path(out).exists() or out.exists() else []
        assert run(slow_folder, "--out", out, "--jsonl", *resume).returncode == 1
        _assert_complete(out, slow_folder)


def _rows(out: Path) -> int:
    try:
        return max(results.partial_path(out).read_bytes().count(b"\n") - 1, 0)
    except FileNotFoundError:  # not created yet, or deleted at the end of the run
        return 0


def _wait_for_rows(running: subprocess.Popen[Any], out: Path, number: int) -> None:
    while _rows(out) < number and running.poll() is None and not out.exists():
        time.sleep(0.002)


def _assert_complete(out: Path, folder: Path) -> None:
    """Assert that both files contain every film once, in order."""
    names = [str(path) for path in sorted(folder.iterdir())]
    assert [row["file"] for row in table(out)] == names
    lines = out.with_suffix(".jsonl")
    assert not lines.exists() or [json.loads(line)["file"] for line in lines.read_text().splitlines()] == names
    assert not results.partial_path(out).exists()
