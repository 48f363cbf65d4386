"""The result table of a batch. A process that is killed at any moment neither loses nor duplicates a row.

During a run, each row is appended to `results.csv.part` as soon as its film is scored; at the end the file is renamed
to `results.csv`. With JSON lines, `results.jsonl.part` is treated alike, and each record is written to it before its
CSV row. A resumed run keeps the rows that are complete in every file, truncates a partial last row, and appends.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ..errors import DiskFull, UsageError
from ..files import exclusive_lock, is_disk_full
from ..inference.decision import CLASSES, UNKNOWN, Failure, Prediction
from . import rows
from .growing_file import GrowingFile, partial_path
from .rows import COLUMNS, TableOptions

FAILED = "failed"
"""Key in `ResultTable.counts` for the films that could not be read or scored."""

_HEADER = rows.csv_line(COLUMNS)


def format_counts(counts: Mapping[str, int]) -> str:
    """Counts per label as text, without zeros: `120 Normal, 70 Pneumonia, 3 failed`; `none` if all are zero."""
    labels = (*CLASSES, UNKNOWN, FAILED)
    return ", ".join(f"{counts[label]:,} {label}" for label in labels if counts.get(label)) or "none"


class ResultTable:
    """The table of a run; created by `open_table`. Not thread-safe. `counts` has the number of rows per label.

    `files` are the file with JSON lines, if any, and the CSV file last.
    """

    def __init__(self, files: list[GrowingFile], options: TableOptions) -> None:
        self.counts: Counter[str] = Counter()
        self._files = files
        self._options = options
        self._resumed_names: set[str] = set()

    def __len__(self) -> int:
        return self.counts.total()

    def has(self, name: str) -> bool:
        """True if the film had a row when this run started; within one run no film occurs twice."""
        return rows.escape_formula(name) in self._resumed_names

    def add(self, result: Prediction | Failure) -> None:
        """Append the row of a film to all files or to none.

        Raises `DiskFull`, and `UsageError` if the table cannot be written.
        """
        cells = rows.result_cells(result, self._options)
        json_line = json.dumps(result.as_dict()).encode() + b"\n"
        starts = [file.end for file in self._files]
        try:
            for file in self._files:
                file.append(rows.csv_line(cells.values()) if file is self._files[-1] else json_line)
        except OSError as error:
            for file, start in zip(self._files, starts, strict=True):
                file.truncate(start)
            raise _write_error(error, self._files[-1].path) from None
        self._count(cells)

    def finish(self) -> None:
        """Give the files their final names at the end of a run."""
        for file in self._files:
            file.finish()

    def resume(self) -> None:
        """Keep the complete rows of an earlier run with the same options, and truncate a partial last row.

        Raises `UsageError` if the files are not from this version of the command, or differ in model, operating point,
        prevalence or films.
        """
        *json_files, table = self._files
        records = table.records(quoted=True)
        json_records = [file.records(quoted=False) for file in json_files]
        if not _HEADER.startswith(table.head(len(_HEADER))):
            raise UsageError(f"{table.path.name} is not a table of this version of the command; it is left unchanged.")
        header_end, _ = next(records, (0, b""))
        ends = [*(0 for _ in json_files), header_end]
        for row_number, ((end, record), *json_rows) in enumerate(zip(records, *json_records, strict=False), start=2):
            cells = self._parse_row(record, row_number)
            if any(_film_name(line) != cells["file"] for _, line in json_rows):
                raise UsageError(
                    f"{table.path.name} and its JSON lines contain different films; they are left unchanged."
                )
            ends = [*(json_end for json_end, _ in json_rows), end]
            self._count(cells)
            self._resumed_names.add(cells["file"])
        for file, end in zip(self._files, ends, strict=True):
            file.truncate(end)
        if not header_end:
            self.write_header()

    def write_header(self) -> None:
        """Write the column names as the first line of the CSV file."""
        try:
            self._files[-1].append(_HEADER)
        except OSError as error:
            raise _write_error(error, self._files[-1].path) from None

    def _parse_row(self, record: bytes, row_number: int) -> dict[str, str]:
        (values,) = csv.reader(io.StringIO(record.decode("utf-8", "replace"), newline=""))
        name = self._files[-1].path.name
        if len(values) != len(COLUMNS):
            raise UsageError(
                f"Row {row_number} of {name} is invalid; another program edited it. The file is left unchanged."
            )
        cells = dict(zip(COLUMNS, values, strict=True))
        for column, expected in self._options.cells().items():
            if cells[column] != expected and column in {"operating_point", "prevalence", "model_sha256"}:
                raise UsageError(
                    f"{name} was created with a different {column}. "
                    f"Allowed: {cells[column] or 'none'}, or another --out. "
                    f"Received: {expected or 'none'}."
                )
        return cells

    def _count(self, cells: dict[str, str]) -> None:
        self.counts[cells["label"] or FAILED] += 1


@contextmanager
def open_table(out: Path, options: TableOptions, *, jsonl: bool = False, resume: bool = False) -> Iterator[ResultTable]:
    """Open the table `out` for one run, with `jsonl` also a file of JSON lines next to it; overwrites no existing file.

    Raises `Busy` if another run writes the table, `DiskFull`, and `UsageError` if the table exists and `resume` is not
    set, or if it was created with another model, operating point or prevalence.
    """
    paths = [out.with_suffix(".jsonl"), out] if jsonl else [out]
    with ExitStack() as stack:
        stack.enter_context(_exclusive_run(out))
        reopened_files = _prepare_files(out, paths, resume)
        try:
            files = [GrowingFile(path) for path in paths]
        except OSError as error:
            raise _write_error(error, out) from None
        for file in files:
            stack.callback(file.file.close)
        table = ResultTable(files, options)
        try:
            table.resume() if resume else table.write_header()
        except UsageError:
            for path in reopened_files:
                partial_path(path).replace(path)
            raise
        yield table


def table_files(out: Path) -> set[Path]:
    """Absolute paths of all files that a run may write, to be excluded from its films."""
    tables = [out, out.with_suffix(".jsonl")]
    return {path.absolute() for path in [*tables, *map(partial_path, tables), _lock_path(out)]}


def _prepare_files(out: Path, paths: list[Path], resume: bool) -> list[Path]:
    """Check the existing files, and rename those of a finished run back to partial ones; returns the final names."""
    existing_files = [path for path in paths for path in (path, partial_path(path)) if path.exists()]
    if existing_files and not resume:
        raise UsageError(
            f"The table exists and is not overwritten. Allowed: --resume to continue it, or another --out. "
            f"Received: {existing_files[-1]}."
        )
    if not existing_files:
        return []
    json_path = out.with_suffix(".jsonl")
    has_json = json_path.exists() or partial_path(json_path).exists()
    if has_json != (len(paths) == 2):
        raise UsageError(f"{out.name} was created {'with' if has_json else 'without'} --jsonl; resume it the same way.")
    if not out.exists() and not partial_path(out).exists():
        raise UsageError(f"{json_path.name} exists without its table; move it to another folder.")
    finished_files = [path for path in paths if path.exists()]
    for path in finished_files:
        if partial_path(path).exists():
            raise UsageError(
                f"{path.name} and {partial_path(path).name} both exist; move the one that should not be used "
                "to another folder."
            )
    for path in finished_files:
        path.replace(partial_path(path))
    return finished_files


def _exclusive_run(out: Path) -> AbstractContextManager[None]:
    message = f"Another run writes {out}. Allowed: one run per table. Wait for it to end, or choose another --out."
    return exclusive_lock(_lock_path(out), message)


def _film_name(line: bytes) -> str:
    try:
        record: dict[str, Any] = json.loads(line)
        return rows.escape_formula(record["file"] or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(
            "The JSON lines of the table are invalid; another program edited them. They are left unchanged."
        ) from None


def _write_error(error: OSError, path: Path) -> DiskFull | UsageError:
    if is_disk_full(error):
        return DiskFull(
            f"The disk is full; the rows so far stay in {partial_path(path)}. Free space and continue with --resume."
        )
    return UsageError(f"The table cannot be written: {error.strerror}. Received: {path}.")


def _lock_path(path: Path) -> Path:
    return path.with_name(f".{path.name}.lock")
