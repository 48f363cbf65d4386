"""Tables that a spreadsheet saved, and names of files on other systems: continued, or refused with the reason."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from pneumonia.batch import results
from pneumonia.batch.results import open_table
from pneumonia.batch.rows import COLUMNS, TableOptions
from pneumonia.errors import UsageError

from .made_tables import MODEL, NAMES, json_rows, result, run, table


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
