"""What an earlier run left of a table: the films that have a row, and whether they may be continued."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..messages import message
from .append_only_file import complete_lines
from .finished_csv import edited_error, foreign_error, incomplete_error, read_rows
from .rows import TableOptions, record_cells, unescape
from .table_paths import TablePaths

FORMAT = 4
"""Version of the partial file, in its first line."""

Labels = list[tuple[str, str]]
"""(film, label) of each row, in order; the label is "" for a film that failed. Two films may have the same name."""

_FIXED_COLUMNS = ("operating_point", "prevalence", "age_stated", "model_sha256", "model_site")
"""Columns that are the same in all rows of a table."""


@dataclass(frozen=True)
class EarlierRun:
    """The rows in each file. `partial_end` is the size of the complete lines of the partial file; 0 without a header.

    Until the finished files are written, rows are in the partial file only. `finished_rows` is the number of rows that
    the finished files had when the partial file was created; they may have rows of the partial file after these, if a
    run was killed while it wrote them.
    """

    csv: Labels = field(default_factory=list)
    json_lines: Labels = field(default_factory=list)
    partial: Labels = field(default_factory=list)
    partial_end: int = 0
    finished_rows: int = 0

    def labels(self) -> Labels:
        """(film, label) of each film that has a row."""
        return self.csv[: self.finished_rows] + self.partial

    def counts(self) -> Counter[str]:
        return Counter(label for _, label in self.labels())


def run_header(options: TableOptions, *, jsonl: bool, finished_rows: int = 0) -> bytes:
    """First line of the partial file: version of the format, the options that all rows share, and `finished_rows`."""
    header = {"batch_format": FORMAT, "jsonl": jsonl, **options.cells(), "finished_rows": finished_rows}
    return json.dumps(header).encode() + b"\n"


def check_absent(paths: TablePaths, *, jsonl: bool) -> None:
    """Raise `UsageError` if a file of the table exists."""
    _refuse_old_partial(paths)
    for path in [paths.partial, *([paths.json_lines] if jsonl else []), paths.csv]:
        if path.exists():
            raise UsageError(
                message(
                    "The table exists and is not overwritten. Allowed: --resume to continue it, or another --out. "
                    "Received: {path}.",
                    path=path,
                )
            )


def read_earlier_run(paths: TablePaths, options: TableOptions, *, jsonl: bool) -> EarlierRun:
    """Read the rows of an earlier run with the same options; changes no file.

    Raises `UsageError` if a file is not from this version of the command, was edited, or belongs to another model,
    operating point, prevalence or stated age, or if `jsonl` differs.
    """
    _refuse_old_partial(paths)
    if paths.csv.exists() and paths.json_lines.exists() != jsonl:
        raise _jsonl_error(paths.csv.name, created_with_jsonl=not jsonl)
    if paths.json_lines.exists() and not paths.csv.exists() and not paths.partial.exists():
        raise UsageError(
            message("{name} exists without its table; move it to another folder.", name=paths.json_lines.name)
        )
    csv_labels = _read_csv(paths, options)
    partial, end, finished_rows = _read_partial(paths, options, jsonl, csv_labels)
    json_lines = _read_json_lines(paths, options) if jsonl else []
    earlier = EarlierRun(csv_labels, json_lines, partial, end, finished_rows)
    _check_finished_rows(paths.csv, csv_labels, earlier)
    if jsonl:
        _check_finished_rows(paths.json_lines, json_lines, earlier)
        if _names(csv_labels[:finished_rows]) != _names(json_lines[:finished_rows]):
            raise _different_films_error(paths)
    return earlier


def _refuse_old_partial(paths: TablePaths) -> None:
    if paths.old_partial_csv.exists():
        raise UsageError(
            message(
                "{name} is the table of an incomplete run of an older version; it is left unchanged. Allowed: "
                "complete it with the version that created it, or choose another --out.",
                name=paths.old_partial_csv.name,
            )
        )


def _check_finished_rows(path: Path, labels: Labels, earlier: EarlierRun) -> None:
    """Check that a finished file has the rows from which the partial file continues, and then rows of that file."""
    added = labels[earlier.finished_rows :]
    if len(labels) < earlier.finished_rows or _names(added) != _names(earlier.partial[: len(added)]):
        raise UsageError(
            message(
                "{name} and the rows of the incomplete run contain different films; they are left unchanged. "
                "Allowed: {name} as the command wrote it, or another --out.",
                name=path.name,
            )
        )


def _names(labels: Labels) -> list[str]:
    return [name for name, _ in labels]


def _read_csv(paths: TablePaths, options: TableOptions) -> Labels:
    if not paths.csv.exists():
        return []
    labels: Labels = []
    for cells in read_rows(paths.csv):
        _check_options(cells, options, paths.csv.name)
        labels.append((unescape(cells["file"]), cells["label"]))
    return labels


def _read_json_lines(paths: TablePaths, options: TableOptions) -> Labels:
    if not paths.json_lines.exists():
        return []
    with paths.json_lines.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - 1, 0))
        if file.read() != b"\n" and size:
            raise incomplete_error(paths.json_lines.name)
    return _read_labels(complete_lines(paths.json_lines), options, paths.json_lines.name)


def _read_partial(paths: TablePaths, options: TableOptions, jsonl: bool, finished: Labels) -> tuple[Labels, int, int]:
    """(labels, size of the complete lines, number of finished rows) of the partial file."""
    if not paths.partial.exists():
        return [], 0, len(finished)
    name = paths.partial.name
    line = next(complete_lines(paths.partial), None)
    if line is None:  # the run was killed before its first line was complete
        if not run_header(options, jsonl=jsonl, finished_rows=len(finished)).startswith(paths.partial.read_bytes()):
            raise foreign_error(name)
        return [], 0, len(finished)
    header = _read_header(line, options, jsonl, name)
    labels = _read_labels(islice(complete_lines(paths.partial), 1, None), options, name, first_number=2)
    finished_rows = header.get("finished_rows")
    if finished_rows is None:  # a version without this key, in which no two films of a table have the same name
        partial_names = set(_names(labels))
        finished_rows = sum(film not in partial_names for film in _names(finished))
    return labels, sum(map(len, complete_lines(paths.partial))), finished_rows


def _read_labels(lines: Iterable[bytes], options: TableOptions, name: str, *, first_number: int = 1) -> Labels:
    labels: Labels = []
    for number, line in enumerate(lines, start=first_number):
        try:
            cells = record_cells(json.loads(line), options)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise edited_error(message("Line {number} of {name}", number=number, name=name)) from None
        labels.append((unescape(cells["file"]), cells["label"]))
    return labels


def _read_header(line: bytes, options: TableOptions, jsonl: bool, name: str) -> dict[str, Any]:
    expected = set(json.loads(run_header(options, jsonl=jsonl)))
    try:
        header: dict[str, Any] = json.loads(line)
        is_ours = set(header) | {"finished_rows"} == expected and header["batch_format"] == FORMAT
        is_ours = is_ours and isinstance(header.get("finished_rows", 0), int)
    except (ValueError, TypeError):
        is_ours = False
    if not is_ours:
        raise foreign_error(name)
    _check_options(header, options, name)
    if header["jsonl"] != jsonl:
        raise _jsonl_error(name, created_with_jsonl=header["jsonl"])
    return header


def _check_options(cells: Mapping[str, str], options: TableOptions, name: str) -> None:
    expected = options.cells()
    for column in _FIXED_COLUMNS:
        if not _is_equal(cells[column], expected[column]):
            raise UsageError(
                message(
                    "{name} was created with a different {column}. Allowed: {cells}, or another --out. Received: "
                    "{expected}.",
                    name=name,
                    column=column,
                    cells=cells[column] or "none",
                    expected=expected[column] or "none",
                )
            )


def _is_equal(cell: str, expected: str) -> bool:
    """Compare as numbers too, because a spreadsheet saves `1e-05` as `1.00E-05`."""
    try:
        return cell == expected or float(cell) == float(expected)
    except ValueError:
        return False


def _different_films_error(paths: TablePaths) -> UsageError:
    return UsageError(
        message("{name} and its JSON lines contain different films; they are left unchanged.", name=paths.csv.name)
    )


def _jsonl_error(name: str, *, created_with_jsonl: bool) -> UsageError:
    if created_with_jsonl:
        return UsageError(message("{name} was created with --jsonl; resume it the same way.", name=name))
    return UsageError(message("{name} was created without --jsonl; resume it the same way.", name=name))
