"""Tables that are not continued: foreign, edited, or written with other options. They stay unchanged."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from pneumonia.batch import results
from pneumonia.batch.results import open_table
from pneumonia.batch.rows import COLUMNS, TableOptions
from pneumonia.errors import UsageError

from .made_tables import MODEL, NAMES, run, run_killed


def test_the_incomplete_table_of_an_older_version_is_refused_and_unchanged(tmp_path: Path) -> None:
    old_table = tmp_path / "results.csv.part"
    old_table.write_bytes(results.rows.csv_line(COLUMNS))
    for resume in (False, True):
        with pytest.raises(UsageError, match=r"results.csv.part is .* older version.* another --out"):
            run(tmp_path / "results.csv", resume=resume)
    assert [path.name for path in tmp_path.iterdir()] == ["results.csv.part"]
    assert old_table.read_bytes() == results.rows.csv_line(COLUMNS)


@pytest.mark.parametrize("name", ["results.csv", "results.csv.part", "results.jsonl", "results.jsonl.part"])
def test_a_foreign_file_of_one_line_is_refused_and_unchanged(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"no end of the line")
    with pytest.raises(UsageError):
        run(tmp_path / "results.csv", resume=True, jsonl="json" in name)
    assert (tmp_path / name).read_bytes() == b"no end of the line"


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


def test_a_finished_table_that_lost_rows_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "results.csv"
    run(out, NAMES[:3])
    expected = run_killed(out, NAMES, resume=True)
    short = b"".join(out.read_bytes().splitlines(keepends=True)[:2])
    out.write_bytes(short)
    with pytest.raises(UsageError, match="contain different films"):
        run(out, resume=True)
    assert (out.read_bytes(), results.partial_path(out).read_bytes()) == (short, expected)
