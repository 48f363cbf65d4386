"""The result table: it holds complete rows only, however the previous run ended."""

from __future__ import annotations

import csv
import dataclasses
import errno
import json
import os
import shutil
import tracemalloc
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
    with out.open(newline="", encoding="utf-8-sig") as file:
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
            header, *lines = results.partial_path(out).read_text().splitlines()
            assert json.loads(header)["operating_point"] == "balanced"
            assert [json.loads(line) for line in lines] == [result(name).as_dict() for name in NAMES[:number]]
    assert [path.name for path in tmp_path.iterdir()] == ["results.jsonl.part"]


def test_rows_that_were_written_but_not_counted_are_counted_again(tmp_path: Path) -> None:
    out = tmp_path / "results.csv"
    run(out, NAMES[:2])
    with open_table(out, OPTIONS, resume=True) as result_table:
        for name in NAMES[2:]:
            result_table.add(result(name))
        expected = dict(result_table.counts)
        result_table.counts["Normal"] -= 1  # as if Ctrl+C came between the write and the count
        result_table.recount()
    assert result_table.counts == expected == {"Normal": 4, "failed": 1}


@pytest.mark.parametrize("jsonl", [False, True])
@pytest.mark.parametrize("step", [23, pytest.param(1, marks=pytest.mark.slow)])
def test_a_run_that_was_killed_at_any_byte_is_resumed(tmp_path: Path, jsonl: bool, step: int) -> None:
    """A kill leaves the first bytes of the partial file."""
    whole = tmp_path / "whole.csv"
    partial_bytes = run_killed(whole, NAMES, jsonl=jsonl)
    run(whole, resume=True, jsonl=jsonl)
    for cut in range(0, len(partial_bytes) + 1, step):
        out = tmp_path / f"{cut}.csv"
        results.partial_path(out).write_bytes(partial_bytes[:cut])
        run(out, resume=True, jsonl=jsonl)
        assert out.read_bytes() == whole.read_bytes(), cut
        if jsonl:
            assert out.with_suffix(".jsonl").read_bytes() == whole.with_suffix(".jsonl").read_bytes(), cut
        assert not results.partial_path(out).exists()


def run_killed(out: Path, names: list[str], **options: Any) -> bytes:
    """A run that is killed after the last film and before the finished files; returns its partial file."""
    with open_table(out, OPTIONS, **options) as result_table:
        for name in names:
            if not result_table.has(name):
                result_table.add(result(name))
    return results.partial_path(out).read_bytes()


@pytest.mark.parametrize("earlier_films", [0, 2])
def test_a_kill_between_the_finished_files_is_repaired(tmp_path: Path, earlier_films: int) -> None:
    """A new run, and one that adds films to a finished table, are killed before, between and after the renames."""
    out = tmp_path / "results.csv"
    if earlier_films:
        run(out, NAMES[:earlier_films], jsonl=True)
    old_csv, old_lines = (path.read_bytes() if path.exists() else None for path in (out, out.with_suffix(".jsonl")))
    partial_bytes = run_killed(out, NAMES, jsonl=True, resume=True)
    run(out, jsonl=True, resume=True)
    new_csv, new_lines = out.read_bytes(), out.with_suffix(".jsonl").read_bytes()
    assert [row["file"] for row in json_rows(out)] == NAMES
    for csv_bytes, line_bytes in [(old_csv, old_lines), (old_csv, new_lines), (new_csv, new_lines)]:
        for path, data in [(out, csv_bytes), (out.with_suffix(".jsonl"), line_bytes)]:
            path.unlink()
            if data is not None:
                path.write_bytes(data)
        results.partial_path(out).write_bytes(partial_bytes)
        assert run(out, jsonl=True, resume=True).counts == {"Normal": 4, "failed": 1}
        assert (out.read_bytes(), out.with_suffix(".jsonl").read_bytes()) == (new_csv, new_lines)
        assert not results.partial_path(out).exists()


def test_the_incomplete_table_of_an_older_version_is_refused_and_unchanged(tmp_path: Path) -> None:
    old_table = tmp_path / "results.csv.part"
    old_table.write_bytes(results.rows.csv_line(COLUMNS))
    for resume in (False, True):
        with pytest.raises(UsageError, match=r"results.csv.part is .* older version.* another --out"):
            run(tmp_path / "results.csv", resume=resume)
    assert [path.name for path in tmp_path.iterdir()] == ["results.csv.part"]
    assert old_table.read_bytes() == results.rows.csv_line(COLUMNS)


@pytest.mark.slow
def test_a_table_is_written_without_loading_its_rows(tmp_path: Path) -> None:
    out = tmp_path / "results.csv"
    run_killed(out, NAMES[:1])
    line = json.dumps(result("plain.png").as_dict()).encode() + b"\n"
    with results.partial_path(out).open("ab") as file:
        for number in range(8_000):
            file.write(line.replace(b"plain", b"%d" % number))
    with open_table(out, OPTIONS, resume=True) as result_table:
        tracemalloc.start()
        result_table.finish()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 500_000, "the rows take 2 MB"
    assert out.read_bytes().count(b"\n") == 8_002


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


@pytest.mark.parametrize("other", [TableOptions(MODEL, "screening"), TableOptions(MODEL, "balanced", 0.1)])
def test_an_incomplete_table_with_other_options_is_refused_and_unchanged(tmp_path: Path, other: TableOptions) -> None:
    out = tmp_path / "results.csv"
    expected = run_killed(out, NAMES[:3])
    with (
        pytest.raises(UsageError, match="jsonl.part was created with a different"),
        open_table(out, other, resume=True),
    ):
        pass
    assert results.partial_path(out).read_bytes() == expected


def test_json_lines_are_written_from_the_beginning_or_not_at_all(tmp_path: Path) -> None:
    run(tmp_path / "without.csv")
    with pytest.raises(UsageError, match="created without --jsonl"):
        run(tmp_path / "without.csv", resume=True, jsonl=True)
    run_killed(tmp_path / "killed.csv", NAMES[:2])
    with pytest.raises(UsageError, match="created without --jsonl"):
        run(tmp_path / "killed.csv", resume=True, jsonl=True)
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


@pytest.mark.parametrize("edit", [b"{}\n", b"no JSON\n", b'{"file": "c.png", "label": "Normal"}\n', b"5\n"])
def test_an_edited_line_is_reported_by_its_number(tmp_path: Path, edit: bytes) -> None:
    out = tmp_path / "results.csv"
    content = run_killed(out, NAMES) + edit
    results.partial_path(out).write_bytes(content)
    with pytest.raises(UsageError, match=f"Line {len(NAMES) + 2} of results.jsonl.part"):
        run(out, resume=True)
    assert results.partial_path(out).read_bytes() == content


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_finished_file_without_its_last_line_feed_is_refused(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / "results.csv"
    run(out, jsonl=True)
    path = out.with_suffix(suffix)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UsageError, match=f"results{suffix} is not a table"):
        run(out, resume=True, jsonl=True)


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


def test_on_a_full_disk_the_rows_so_far_stay_complete(tmp_path: Path) -> None:
    out = tmp_path / "results.csv"
    with open_table(out, OPTIONS, jsonl=True) as result_table:
        result_table.add(result("a.png"))
        result_table._lines.file = FullDisk(result_table._lines.file, 40)  # type: ignore[assignment]
        with pytest.raises(DiskFull, match="--resume"):
            result_table.add(result("b.png"))
    _, *lines = results.partial_path(out).read_bytes().splitlines(keepends=True)
    assert lines == [json.dumps(result("a.png").as_dict()).encode() + b"\n"]
    run(out, ["a.png", "b.png", "c.png"], resume=True, jsonl=True)
    assert [row["file"] for row in json_rows(out)] == ["a.png", "b.png", "c.png"]


def test_on_a_disk_that_is_full_at_the_end_the_rows_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "results.csv"
    expected = run_killed(out, NAMES, jsonl=True)
    with monkeypatch.context() as context:
        context.setattr(results.rows, "record_cells", _raise_disk_full)
        with pytest.raises(DiskFull, match=r"stay in .*results.jsonl.part.*--resume"):
            run(out, resume=True, jsonl=True)
    assert results.partial_path(out).read_bytes() == expected
    assert not out.exists()
    run(out, resume=True, jsonl=True)
    assert [row["file"] for row in json_rows(out)] == NAMES
    assert len(table(out)) == len(NAMES)


def _raise_disk_full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_folder_that_cannot_be_written_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file, not a folder")
    with pytest.raises(UsageError, match="cannot be written"):
        run(tmp_path / "file" / "results.csv")


def test_two_films_of_one_name_are_two_rows_after_every_kill(tmp_path: Path) -> None:
    """A ZIP may contain a name twice; a resumed run counts the rows of a name."""
    names = ["z.zip/a.png", "z.zip/b.png", "z.zip/a.png", "z.zip/=.png", "z.zip/a.png"]
    whole = tmp_path / "whole.csv"
    partial_bytes = run_killed(whole, names, jsonl=True)
    run(whole, names, resume=True, jsonl=True)
    assert [row["file"] for row in json_rows(whole)] == names
    for cut in range(0, len(partial_bytes) + 1, 41):
        out = tmp_path / f"{cut}.csv"
        results.partial_path(out).write_bytes(partial_bytes[:cut])
        run(out, names, resume=True, jsonl=True)
        assert [row["file"] for row in json_rows(out)] == [row["file"] for row in table(out)] == names, cut
    assert run(whole, names, resume=True, jsonl=True).counts == {"Normal": 5}
    assert [row["file"] for row in json_rows(whole)] == names


def test_a_second_film_of_one_name_that_is_added_later_survives_a_kill(tmp_path: Path) -> None:
    out = tmp_path / "results.csv"
    run(out, ["a.png"], jsonl=True)
    old_csv, old_lines = out.read_bytes(), out.with_suffix(".jsonl").read_bytes()
    partial_bytes = run_killed(out, ["a.png", "a.png"], resume=True, jsonl=True)
    run(out, ["a.png", "a.png"], resume=True, jsonl=True)
    new_csv, new_lines = out.read_bytes(), out.with_suffix(".jsonl").read_bytes()
    for csv_bytes, line_bytes in [(old_csv, old_lines), (old_csv, new_lines), (new_csv, new_lines)]:
        out.write_bytes(csv_bytes)
        out.with_suffix(".jsonl").write_bytes(line_bytes)
        results.partial_path(out).write_bytes(partial_bytes)
        assert run(out, ["a.png", "a.png"], resume=True, jsonl=True).counts == {"Normal": 2}
        assert (out.read_bytes(), out.with_suffix(".jsonl").read_bytes()) == (new_csv, new_lines)


def test_the_partial_file_of_the_previous_version_is_continued(tmp_path: Path) -> None:
    """It does not state how many rows the finished table has."""
    out = tmp_path / "results.csv"
    run(out, NAMES[:2])
    old = out.read_bytes()
    partial_bytes = run_killed(out, NAMES[:4], resume=True)
    header, rest = partial_bytes.split(b"\n", 1)
    old_header = {key: value for key, value in json.loads(header).items() if key != "finished_rows"}
    run(out, NAMES[:4], resume=True)
    for table_bytes in (old, out.read_bytes()):
        out.write_bytes(table_bytes)
        results.partial_path(out).write_bytes(json.dumps(old_header).encode() + b"\n" + rest)
        assert run(out, resume=True).counts == {"Normal": 4, "failed": 1}
        assert len(table(out)) == len(NAMES)


def test_a_finished_table_that_lost_rows_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "results.csv"
    run(out, NAMES[:3])
    expected = run_killed(out, NAMES, resume=True)
    short = b"".join(out.read_bytes().splitlines(keepends=True)[:2])
    out.write_bytes(short)
    with pytest.raises(UsageError, match="contain different films"):
        run(out, resume=True)
    assert (out.read_bytes(), results.partial_path(out).read_bytes()) == (short, expected)


@pytest.mark.parametrize("for_excel", [False, True])
def test_only_a_table_for_excel_begins_with_a_byte_order_mark(tmp_path: Path, for_excel: bool) -> None:
    """A resumed run leaves the beginning as it is, whatever it asks for."""
    out = tmp_path / "results.csv"
    run(out, NAMES[:2], for_excel=for_excel)
    run(out, resume=True, for_excel=not for_excel)
    assert out.read_bytes().startswith(b"\xef\xbb\xbffile,label," if for_excel else b"file,label,")
    assert out.read_bytes().count(b"\xef\xbb\xbf") == for_excel
    assert len(table(out)) == len(NAMES)


def saved_by_spreadsheet(out: Path, encoding: str, delimiter: str = ",") -> bytes:
    """Save a table as Excel does: other quotes, CR LF, and numbers without trailing zeros."""
    rows = [list(row.values()) for row in table(out)]
    with out.open("w", encoding=encoding, newline="", errors="replace") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(COLUMNS)
        writer.writerows([[cell.rstrip("0") if cell.startswith("0.") else cell for cell in row] for row in rows])
    return out.read_bytes()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_table_that_a_spreadsheet_saved_with_commas_in_utf8_is_continued(tmp_path: Path, encoding: str) -> None:
    out = tmp_path / "results.csv"
    run(out)
    saved = saved_by_spreadsheet(out, encoding)
    run(out, [*NAMES, "new.png"], resume=True)
    assert out.read_bytes().startswith(saved)
    assert len(table(out)) == len(NAMES) + 1


@pytest.mark.parametrize(
    ("encoding", "delimiter", "message"),
    [
        ("utf-8-sig", ";", "with semicolons between the cells"),
        ("utf-8", "\t", "with tabs between the cells"),
        ("cp1250", ",", "is not UTF-8; another program saved it"),
        ("cp1250", ";", "is not UTF-8; another program saved it"),
        ("utf-16", "\t", "is not UTF-8; another program saved it"),
    ],
)
def test_a_table_that_a_spreadsheet_saved_otherwise_is_refused_with_the_reason(
    tmp_path: Path, encoding: str, delimiter: str, message: str
) -> None:
    out = tmp_path / "results.csv"
    run(out)
    saved = saved_by_spreadsheet(out, encoding, delimiter)
    with pytest.raises(UsageError, match=message):
        run(out, resume=True)
    assert out.read_bytes() == saved


def test_a_small_prevalence_that_a_spreadsheet_wrote_its_own_way_is_the_same(tmp_path: Path) -> None:
    out = tmp_path / "results.csv"
    options = TableOptions(MODEL, "balanced", 0.00001)
    with open_table(out, options) as result_table:
        result_table.add(result("a.png"))
        result_table.finish()
    assert b",1e-05," in out.read_bytes()
    out.write_bytes(out.read_bytes().replace(b",1e-05,", b",1.00E-05,"))
    with open_table(out, options, resume=True) as result_table:
        assert result_table.has("a.png")
        result_table.finish()


def test_a_name_that_is_not_utf8_is_found_again(tmp_path: Path) -> None:
    names = ["bad\udcff.png", "bad\\udcff.png", "=\udcff.png", "\\\udcff", "'\udcff"]
    out = tmp_path / "results.csv"
    run(out, names[:3], jsonl=True)
    assert run(out, names, resume=True, jsonl=True).counts.total() == 5
    assert [row["file"] for row in json_rows(out)] == names
    assert [results.rows.unescape(row["file"]) for row in table(out)] == names
    assert len({row["file"] for row in table(out)}) == len(names)


def test_a_table_of_windows_is_continued_on_another_system_and_the_reverse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run(Path("windows.csv"), ["films\\a.png", "films\\sub\\b.png"])
    names = ["films/a.png", "films/sub/b.png", "films/c.png"]
    assert len(run(Path("windows.csv"), names, resume=True)) == 3
    run(Path("linux.csv"), names)
    monkeypatch.setattr(os, "sep", "\\")
    assert len(run(Path("linux.csv"), [name.replace("/", "\\") for name in names], resume=True)) == 3


@pytest.mark.skipif(os.sep != "/", reason="Windows allows no backslash in a name")
def test_a_file_with_a_backslash_in_its_name_is_another_film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a\\b.png").touch()
    run(Path("results.csv"), ["a\\b.png"])
    assert len(run(Path("results.csv"), ["a\\b.png", "a/b.png"], resume=True)) == 2
