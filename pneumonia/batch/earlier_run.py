"""What an earlier run left of a table: the films that have a row, and whether they may be continued."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from ..errors import UsageError
from .growing_file import complete_lines
from .rows import COLUMNS, TableOptions, record_cells
from .table_paths import TablePaths

FORMAT = 1
"""Version of the partial file, in its first line."""

Labels = dict[str, str]
"""Label by film, in the order of the rows; "" for a film that failed. The names are escaped as in the CSV."""

_FIXED_COLUMNS = ("operating_point", "prevalence", "model_sha256")
"""Columns that are the same in all rows of a table."""


@dataclass(frozen=True)
class EarlierRun:
    """The rows in each file. `partial_end` is the size of the complete lines of the partial file; 0 without a header.

    Until the finished files are written, rows are in the partial file only. A run that was killed while it wrote them
    has left rows in several files.
    """

    csv: Labels = field(default_factory=dict)
    json_lines: Labels = field(default_factory=dict)
    partial: Labels = field(default_factory=dict)
    partial_end: int = 0

    def labels(self) -> Labels:
        """Label of each film that has a row."""
        return self.csv | self.partial

    def counts(self) -> Counter[str]:
        return Counter(self.labels().values())


def run_header(options: TableOptions, *, jsonl: bool) -> bytes:
    """First line of the partial file: version of the format, and the options that all rows share."""
    return json.dumps({"batch_format": FORMAT, "jsonl": jsonl, **options.cells()}).encode() + b"\n"


def check_absent(paths: TablePaths, *, jsonl: bool) -> None:
    """Raise `UsageError` if a file of the table exists."""
    _refuse_old_partial(paths)
    for path in [paths.partial, *([paths.json_lines] if jsonl else []), paths.csv]:
        if path.exists():
            raise UsageError(
                "The table exists and is not overwritten. Allowed: --resume to continue it, or another --out. "
                f"Received: {path}."
            )


def read_earlier_run(paths: TablePaths, options: TableOptions, *, jsonl: bool) -> EarlierRun:
    """Read the rows of an earlier run with the same options; changes no file.

    Raises `UsageError` if a file is not from this version of the command, was edited, or belongs to another model,
    operating point or prevalence, or if `jsonl` differs.
    """
    _refuse_old_partial(paths)
    if paths.csv.exists() and paths.json_lines.exists() != jsonl:
        raise _jsonl_error(paths.csv.name, created_with_jsonl=not jsonl)
    if paths.json_lines.exists() and not paths.csv.exists() and not paths.partial.exists():
        raise UsageError(f"{paths.json_lines.name} exists without its table; move it to another folder.")
    partial, end = _read_partial(paths, options, jsonl)
    json_lines = _read_json_lines(paths, options) if jsonl else {}
    earlier = EarlierRun(_read_csv(paths, options), json_lines, partial, end)
    if jsonl and list(earlier.labels()) != list(earlier.json_lines | earlier.partial):
        raise UsageError(f"{paths.csv.name} and its JSON lines contain different films; they are left unchanged.")
    return earlier


def _refuse_old_partial(paths: TablePaths) -> None:
    if paths.old_partial_csv.exists():
        raise UsageError(
            f"{paths.old_partial_csv.name} is the table of an incomplete run of an older version; it is left "
            "unchanged. Allowed: complete it with the version that created it, or choose another --out."
        )


def _read_csv(paths: TablePaths, options: TableOptions) -> Labels:
    if not paths.csv.exists():
        return {}
    _check_last_line(paths.csv)
    labels: Labels = {}
    csv_rows = _csv_rows(paths.csv)
    if next(csv_rows, None) != list(COLUMNS):
        raise _foreign_error(paths.csv.name)
    for number, values in enumerate(csv_rows, start=2):
        if len(values) != len(COLUMNS):
            raise _edited_error(f"Row {number} of {paths.csv.name}")
        cells = dict(zip(COLUMNS, values, strict=True))
        _check_options(cells, options, paths.csv.name)
        labels[cells["file"]] = cells["label"]
    return labels


def _csv_rows(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        try:
            yield from csv.reader(file)
        except csv.Error:
            raise _foreign_error(path.name) from None


def _read_json_lines(paths: TablePaths, options: TableOptions) -> Labels:
    if not paths.json_lines.exists():
        return {}
    _check_last_line(paths.json_lines)
    return _read_labels(complete_lines(paths.json_lines), options, paths.json_lines.name)


def _read_partial(paths: TablePaths, options: TableOptions, jsonl: bool) -> tuple[Labels, int]:
    if not paths.partial.exists():
        return {}, 0
    name = paths.partial.name
    header = next(complete_lines(paths.partial), None)
    if header is None:  # the run was killed before its first line was complete
        if not run_header(options, jsonl=jsonl).startswith(paths.partial.read_bytes()):
            raise _foreign_error(name)
        return {}, 0
    _check_header(header, options, jsonl, name)
    labels = _read_labels(islice(complete_lines(paths.partial), 1, None), options, name, first_number=2)
    return labels, sum(map(len, complete_lines(paths.partial)))


def _read_labels(lines: Iterable[bytes], options: TableOptions, name: str, *, first_number: int = 1) -> Labels:
    labels: Labels = {}
    for number, line in enumerate(lines, start=first_number):
        try:
            cells = record_cells(json.loads(line), options)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise _edited_error(f"Line {number} of {name}") from None
        labels[cells["file"]] = cells["label"]
    return labels


def _check_header(line: bytes, options: TableOptions, jsonl: bool, name: str) -> None:
    try:
        header = json.loads(line)
        is_ours = set(header) == set(json.loads(run_header(options, jsonl=jsonl))) and header["batch_format"] == FORMAT
    except (ValueError, TypeError):
        is_ours = False
    if not is_ours:
        raise _foreign_error(name)
    _check_options(header, options, name)
    if header["jsonl"] != jsonl:
        raise _jsonl_error(name, created_with_jsonl=header["jsonl"])


def _check_options(cells: Mapping[str, str], options: TableOptions, name: str) -> None:
    expected = options.cells()
    for column in _FIXED_COLUMNS:
        if cells[column] != expected[column]:
            raise UsageError(
                f"{name} was created with a different {column}. "
                f"Allowed: {cells[column] or 'none'}, or another --out. "
                f"Received: {expected[column] or 'none'}."
            )


def _check_last_line(path: Path) -> None:
    """A finished file ends in a line feed; otherwise a row that is appended would become part of its last row."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - 1, 0))
        if file.read() != b"\n" and size:
            raise _foreign_error(path.name)


def _edited_error(position: str) -> UsageError:
    return UsageError(f"{position} is invalid; another program edited it. The file is left unchanged.")


def _foreign_error(name: str) -> UsageError:
    return UsageError(f"{name} is not a table of this version of the command; it is left unchanged.")


def _jsonl_error(name: str, *, created_with_jsonl: bool) -> UsageError:
    created = "with" if created_with_jsonl else "without"
    return UsageError(f"{name} was created {created} --jsonl; resume it the same way.")
