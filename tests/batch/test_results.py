"""The result table: it holds complete rows only, however the previous run ended."""

from __future__ import annotations

import errno
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from pneumonia.batch import results
from pneumonia.batch.results import open_table
from pneumonia.errors import Busy, DiskFull, UsageError

from .made_tables import NAMES, OPTIONS, json_rows, result, run, run_killed, table


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


def test_a_finished_table_takes_new_films(tmp_path: Path) -> None:
    out = tmp_path / "results.csv"
    run(out, NAMES[:3])
    run(out, NAMES, resume=True)
    assert len(table(out)) == len(NAMES)


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


@pytest.mark.parametrize("for_excel", [False, True])
def test_only_a_table_for_excel_begins_with_a_byte_order_mark(tmp_path: Path, for_excel: bool) -> None:
    """A resumed run leaves the beginning as it is, whatever it asks for."""
    out = tmp_path / "results.csv"
    run(out, NAMES[:2], for_excel=for_excel)
    run(out, resume=True, for_excel=not for_excel)
    assert out.read_bytes().startswith(b"\xef\xbb\xbffile,label," if for_excel else b"file,label,")
    assert out.read_bytes().count(b"\xef\xbb\xbf") == for_excel
    assert len(table(out)) == len(NAMES)
