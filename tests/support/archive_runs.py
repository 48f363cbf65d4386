"""Runs of `python -m pneumonia archive` as real processes, and their output files."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq

from pneumonia.batch.rows import COLUMNS, NUMERIC_COLUMNS

ROOT = Path(__file__).parents[2]
WORKER = "ray::MapWorker"
TIMEOUT_S = 300


def environment() -> dict[str, str]:
    """The environment without the developer's settings, for messages in English, with this checkout on the path."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PNEUMONIA_")}
    return inherited | {"PNEUMONIA_LANGUAGE": "en", "PYTHONPATH": str(ROOT)}


def command(*arguments: object, subcommand: str = "archive") -> list[str]:
    return [sys.executable, "-m", "pneumonia", subcommand, *map(str, arguments)]


def run(*arguments: object, subcommand: str = "archive", cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments, subcommand=subcommand),
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment(),
        timeout=TIMEOUT_S,
    )


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(command(*arguments), stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment())


def descendants(pid: int) -> dict[int, str]:
    """The descendants of a process with their command lines."""
    parents, titles = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            titles[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
        except (OSError, ValueError):
            continue
    tree = {pid}
    while children := {child for child, parent in parents.items() if parent in tree} - tree:
        tree |= children
    return {child: titles[child] for child in tree - {pid} if child in titles}


def workers(pid: int) -> list[int]:
    return [child for child, title in descendants(pid).items() if title.startswith(WORKER)]


def row_files(out: Path) -> list[Path]:
    return sorted((out / "rows").glob("part-*.parquet"))


def wait_for_parts(running: subprocess.Popen[str], out: Path, count: int) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while len(row_files(out)) < count:
        assert running.poll() is None and time.monotonic() < deadline, running.communicate()[1]
        time.sleep(0.02)


def wait_for_workers(running: subprocess.Popen[str], count: int) -> list[int]:
    """The pids of the workers, as soon as `count` of them are seen at a time.

    On a busy machine one starts seconds after another, and a process has no title while it is given another one.
    """
    deadline = time.monotonic() + TIMEOUT_S
    while len(pids := workers(running.pid)) < count:
        assert running.poll() is None and time.monotonic() < deadline, running.communicate()[1]
        time.sleep(0.02)
    return pids


def rows(out: Path) -> list[dict[str, str]]:
    """All rows, sorted by film, as the cells that `batch` writes."""
    all_rows = [row for path in row_files(out) for row in pq.read_table(path).to_pylist()]
    return sorted(({name: cell(name, row[name]) for name in COLUMNS} for row in all_rows), key=lambda row: row["file"])


def cell(column: str, value: float | str | None) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" if column in NUMERIC_COLUMNS - {"prevalence"} else str(value)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return sorted(csv.DictReader(file), key=lambda row: row["file"])
