"""The result table: it holds complete rows only, however the previous run ended."""

from __future__ import annotations

import csv
import dataclasses
import errno
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pneumonia import Failure, Prediction
from pneumonia.batch import results
from pneumonia.batch.results import open_table
from pneumonia.batch.rows import COLUMNS, TableOptions
from pneumonia.errors import Busy, DiskFull, UnreadableImage, UsageError
from pneumonia.inference.decision import ModelIdentity

MODEL = ModelIdentity("embedded", "abc", "f" * 64)
OPTIONS = TableOptions(MODEL, "balanced")
NAMES = ["plain.png", '=odd, "quoted".png', "two\nlines.png", "Żółw.png", "'quote.png"]


def result(name: str) -> Prediction | Failure:
    if name.startswith("="):
        return Failure(name, UnreadableImage("It is damaged."))
    return Prediction(name, "Normal", 0.1, "balanced", None, None, MODEL)


def run(out: Path, names: list[str] = NAMES, **options: Any) -> results.ResultTable:
    """A run over `names`, as the command does it."""
    with open_table(out, OPTIONS, **options) as result_table:
        for name in names:
            if not result_table.has(name):
                result_table.add(result(name))
        result_table.finish()
    return result_table


def table(out: Path) -> list[dict[str, str]]:
    with out.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def json_rows(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.with_suffix(".jsonl").read_text().splitlines()]


def test_a_finished_run_leaves_the_tables_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder" / "results.csv"
    result_table = run(out, jsonl=True)
    assert sorted(path.name for path in out.parent.iterdir()) == ["results.csv", "results.jsonl"]
    assert [row["file"] for row in table(out)] == [
        "plain.png", "'=odd, \"quoted\".png", "two\nlines.png", "Żółw.png", "''quote.png"]  # fmt: skip
    assert json_rows(out) == [result(name).as_dict() for name in NAMES]
    assert (len(result_table), result_table.counts) == (5, {"Normal": 4, "failed": 1})


def test_rows_are_on_the_disk_as_soon_as_they_are_added(tmp_path: Path) -> None:
    out = tmp_path / "results.csv"
    with open_table(out, OPTIONS) as result_table:
        for number, name in enumerate(NAMES, start=1):
            result_table.add(result(name))
            assert len(table(results.partial_path(out))) == number
    assert not out.exists()


@pytest.mark.parametrize("jsonl", [False, True])
def test_a_run_that_was_killed_at_any_byte_is_resumed(tmp_path: Path, jsonl: bool) -> None:
    """A kill leaves the first bytes of the table; the JSON lines may have one more row, complete or partial."""
    whole = tmp_path / "whole.csv"
    run(whole, jsonl=jsonl)
    csv_bytes, lines = whole.read_bytes(), whole.with_suffix(".jsonl").read_bytes() if jsonl else b""
    ends = [end for end in range(len(lines) + 1) if end == 0 or lines[end - 1 : end] == b"\n"]
    records = [results.rows.csv_line(results.rows.result_cells(result(name), OPTIONS).values()) for name in NAMES]
    header = len(results.rows.csv_line(COLUMNS))
    for cut in range(0, len(csv_bytes) + 1, 1 if not jsonl else 3):
        out = tmp_path / f"{cut}.csv"
        results.partial_path(out).write_bytes(csv_bytes[:cut])
        if jsonl:
            done = sum(header + sum(map(len, records[:number])) <= cut for number in range(1, len(NAMES) + 1))
            json_end = ends[min(done + 1, len(NAMES))] - cut % 7
            results.partial_path(out.with_suffix(".jsonl")).write_bytes(lines[: max(json_end, ends[done])])
        run(out, resume=True, jsonl=jsonl)
        assert out.read_bytes() == csv_bytes, cut
        if jsonl:
            assert out.with_suffix(".jsonl").read_bytes() == lines, cut


def test_after_a_power_failure_the_shorter_file_counts(tmp_path: Path) -> None:
    out = tmp_path / "results.csv"
    run(out, jsonl=True)
    lines = out.with_suffix(".jsonl").read_bytes()
    results.partial_path(out.with_suffix(".jsonl")).write_bytes(b"".join(lines.splitlines(True)[:2]))
    out.with_suffix(".jsonl").unlink()
    run(out, jsonl=True, resume=True)
    assert json_rows(out) == [result(name).as_dict() for name in NAMES]
    assert len(table(out)) == len(NAMES)


def test_a_kill_between_the_two_renames_is_repaired(tmp_path: Path) -> None:
    out = tmp_path / "results.csv"
    run(out, jsonl=True)
    out.rename(results.partial_path(out))
    run(out, jsonl=True, resume=True)
    assert len(table(out)) == len(json_rows(out)) == len(NAMES)


@pytest.mark.parametrize("name", ["results.csv", "results.csv.part", "results.jsonl", "results.jsonl.part"])
def test_a_foreign_file_of_one_line_is_refused_and_unchanged(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"no end of the line")
    with pytest.raises(UsageError):
        run(tmp_path / "results.csv", resume=True, jsonl="json" in name)
    assert (tmp_path / name).read_bytes() == b"no end of the line"


def test_a_finished_table_takes_new_films(tmp_path: Path) -> None:
    out = tmp_path / "results.csv"
    run(out, NAMES[:3])
    run(out, NAMES, resume=True)
    assert len(table(out)) == len(NAMES)


def test_no_existing_table_is_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "results.csv"
    run(out, NAMES[:1])
    before = out.read_bytes()
    with pytest.raises(UsageError, match="--resume"):
        run(out)
    assert out.read_bytes() == before


@pytest.mark.parametrize(
    ("other", "column"),
    [
        (TableOptions(MODEL, "screening"), "operating_point"),
        (TableOptions(MODEL, "balanced", 0.1), "prevalence"),
        (TableOptions(dataclasses.replace(MODEL, sha256="e" * 64), "balanced"), "model_sha256"),
    ],
)
def test_a_table_with_other_options_is_refused_and_unchanged(tmp_path: Path, other: TableOptions, column: str) -> None:
    out = tmp_path / "results.csv"
    run(out)
    before = out.read_bytes()
    with pytest.raises(UsageError, match=f"created with a different {column}"), open_table(out, other, resume=True):
        pass
    assert out.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["results.csv"]


def test_json_lines_are_written_from_the_beginning_or_not_at_all(tmp_path: Path) -> None:
    run(tmp_path / "without.csv")
    with pytest.raises(UsageError, match="created without --jsonl"):
        run(tmp_path / "without.csv", resume=True, jsonl=True)
    run(tmp_path / "with.csv", jsonl=True)
    with pytest.raises(UsageError, match="created with --jsonl"):
        run(tmp_path / "with.csv", resume=True)


@pytest.mark.parametrize("content", [b"name,age\nAnn,5\n", b"\x00\x01\n"])
def test_a_foreign_table_is_refused_and_unchanged(tmp_path: Path, content: bytes) -> None:
    out = tmp_path / "results.csv"
    out.write_bytes(content)
    with pytest.raises(UsageError, match="not a table of this version"):
        run(out, resume=True)
    assert out.read_bytes() == content


def test_an_edited_row_is_reported_by_its_number(tmp_path: Path) -> None:
    out = tmp_path / "results.csv"
    run(out)
    out.write_bytes(out.read_bytes().replace(b"Normal,0.9000,", b"Normal,", 1))
    with pytest.raises(UsageError, match="Row 2 of results.csv"):
        run(out, resume=True)


def test_json_lines_of_other_films_are_refused(tmp_path: Path) -> None:
    out = tmp_path / "results.csv"
    run(out, jsonl=True)
    run(tmp_path / "other.csv", NAMES[::-1], jsonl=True)
    shutil.copy(tmp_path / "other.jsonl", out.with_suffix(".jsonl"))
    with pytest.raises(UsageError, match="contain different films"):
        run(out, resume=True, jsonl=True)


def test_two_runs_on_one_table_one_wins(tmp_path: Path) -> None:
    out = tmp_path / "results.csv"
    with open_table(out, OPTIONS) as result_table:
        result_table.add(result("a.png"))
        with pytest.raises(Busy, match="Another run writes"):
            run(out, resume=True)
        result_table.add(result("b.png"))
        result_table.finish()
    assert [row["file"] for row in table(out)] == ["a.png", "b.png"]


class FullDisk:
    """A file on a disk with `space` bytes left; a write that does not fit is partial, as on a real disk."""

    def __init__(self, file: Any, space: int) -> None:
        self._file, self._space = file, space

    def write(self, data: Any) -> int:
        if self._space <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        written: int = self._file.write(bytes(data)[: self._space])
        self._space -= written
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@pytest.mark.parametrize("which", [0, 1])
def test_on_a_full_disk_the_rows_so_far_stay_complete(tmp_path: Path, which: int) -> None:
    out = tmp_path / "results.csv"
    with open_table(out, OPTIONS, jsonl=True) as result_table:
        result_table.add(result("a.png"))
        file = result_table._files[which]
        file.file = FullDisk(file.file, 40)  # type: ignore[assignment]
        with pytest.raises(DiskFull, match="--resume"):
            result_table.add(result("b.png"))
    assert [row["file"] for row in table(results.partial_path(out))] == ["a.png"]
    assert results.partial_path(out.with_suffix(".jsonl")).read_text().count("\n") == 1
    run(out, ["a.png", "b.png", "c.png"], resume=True, jsonl=True)
    assert [row["file"] for row in json_rows(out)] == ["a.png", "b.png", "c.png"]


def test_a_folder_that_cannot_be_written_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file, not a folder")
    with pytest.raises(UsageError, match="cannot be written"):
        run(tmp_path / "file" / "results.csv")
