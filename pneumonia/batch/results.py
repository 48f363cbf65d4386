"""A table of answers on the disk that grows film by film: no kill at any moment loses or doubles a row.

While a run goes on the rows stand in `results.csv.part`, each written as soon as its film is judged; at the end the
file takes its name. With JSON lines the same holds for `results.jsonl.part`, which is written first. Whoever resumes
takes the rows that are whole in every file, cuts off a torn one, and goes on behind them.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ..errors import DiskFull, UsageError
from ..files import exclusive_lock, is_disk_full
from ..inference.decision import Failure, Prediction
from . import rows
from .growing_file import GrowingFile, partial_path
from .rows import COLUMNS, TableOptions

FAILED = "failed"
_HEADER = rows.csv_line(COLUMNS)


class ResultTable:
    """The rows so far, and where the next one goes. Made by `open_table`; one thread at a time."""

    def __init__(self, tables: list[GrowingFile], asked: TableOptions) -> None:
        self.counts: Counter[str] = Counter()
        self._tables = tables
        self._asked = asked
        self._taken_up: set[str] = set()

    def __len__(self) -> int:
        return self.counts.total()

    def has(self, name: str) -> bool:
        """Whether the film of that name had its row when this run began: no film is found twice in one run."""
        return rows.escape_formula(name) in self._taken_up

    def add(self, result: Prediction | Failure) -> None:
        """Write the film's row, in every file or in none; raises `DiskFull`."""
        cells = rows.result_cells(result, self._asked)
        told = json.dumps(result.as_dict()).encode() + b"\n"
        starts = [table.end for table in self._tables]
        try:
            for table in self._tables:
                table.append(rows.csv_line(cells.values()) if table is self._tables[-1] else told)
        except OSError as error:
            for table, start in zip(self._tables, starts, strict=True):
                table.truncate(start)
            raise _explained(error, self._tables[-1].path) from None
        self._count(cells)

    def complete(self) -> None:
        """The run is over: the files get their names."""
        for table in self._tables:
            table.finish()

    def take_up(self) -> None:
        """Take the rows of a run that was ended, check that they answer the same question, and cut off a torn one."""
        *others, table = self._tables
        records = table.records(quoted=True)
        told = [other.records(quoted=False) for other in others]
        if not _HEADER.startswith(table.head(len(_HEADER))):
            raise UsageError(f"{table.path.name} is not a table of this version of the command; it stays as it is.")
        header_end, _ = next(records, (0, b""))
        ends = [*(0 for _ in others), header_end]
        for number, ((end, record), *beside) in enumerate(zip(records, *told, strict=False), start=2):
            cells = self._checked(record, number)
            if any(_name(each) != cells["file"] for _, each in beside):
                raise UsageError(f"{table.path.name} and its JSON lines do not tell of the same films; they stay.")
            ends = [*(end for end, _ in beside), end]
            self._count(cells)
            self._taken_up.add(cells["file"])
        for each, end in zip(self._tables, ends, strict=True):
            each.truncate(end)
        if not header_end:
            self.begin()

    def begin(self) -> None:
        """Write the table's first line."""
        try:
            self._tables[-1].append(_HEADER)
        except OSError as error:
            raise _explained(error, self._tables[-1].path) from None

    def _checked(self, record: bytes, number: int) -> dict[str, str]:
        (found,) = csv.reader(io.StringIO(record.decode("utf-8", "replace"), newline=""))
        name = self._tables[-1].path.name
        if len(found) != len(COLUMNS):
            raise UsageError(f"Row {number} of {name} is not a row of this command; the file was changed. It stays.")
        cells = dict(zip(COLUMNS, found, strict=True))
        for column, asked in self._asked.cells().items():
            if cells[column] != asked and column in {"operating_point", "prevalence", "model_sha256"}:
                raise UsageError(
                    f"{name} was begun with another {column}. Allowed: {cells[column] or 'none'}, or another --out. "
                    f"Received: {asked or 'none'}."
                )
        return cells

    def _count(self, cells: dict[str, str]) -> None:
        self.counts[cells["label"] or FAILED] += 1


@contextmanager
def open_table(out: Path, asked: TableOptions, *, jsonl: bool = False, resume: bool = False) -> Iterator[ResultTable]:
    """The table `out`, and beside it the JSON lines, for one run; nothing that is there is ever overwritten.

    Raises `Busy` where another run writes it, and `UsageError` where it exists and is not to be resumed, or holds
    answers of another model, operating point or prevalence.
    """
    paths = [out.with_suffix(".jsonl"), out] if jsonl else [out]
    with ExitStack() as stack:
        stack.enter_context(_exclusive_run(out))
        taken_up = _check_files(out, paths, resume)
        try:
            tables = [GrowingFile(path) for path in paths]
        except OSError as error:
            raise _explained(error, out) from None
        for table in tables:
            stack.callback(table.file.close)
        results = ResultTable(tables, asked)
        try:
            results.take_up() if resume else results.begin()
        except UsageError:
            for path in taken_up:
                partial_path(path).replace(path)
            raise
        yield results


def table_files(out: Path) -> set[Path]:
    """The files that a run may write: no film is looked for in them."""
    tables = [out, out.with_suffix(".jsonl")]
    return {path.absolute() for path in [*tables, *map(partial_path, tables), _lock(out)]}


def _check_files(out: Path, paths: list[Path], resume: bool) -> list[Path]:
    """The tables of a finished run that this one goes on with: they are parts again."""
    present = [path for path in paths for path in (path, partial_path(path)) if path.exists()]
    if present and not resume:
        raise UsageError(
            f"There is a table already; it is not overwritten. Allowed: --resume to go on, or another --out. "
            f"Received: {present[-1]}."
        )
    if not present:
        return []
    beside = out.with_suffix(".jsonl")
    has_json = beside.exists() or partial_path(beside).exists()
    if has_json != (len(paths) == 2):
        raise UsageError(f"{out.name} was begun {'with' if has_json else 'without'} --jsonl; go on in the same way.")
    if not out.exists() and not partial_path(out).exists():
        raise UsageError(f"{beside.name} stands without its table; move it away.")
    finished = [path for path in paths if path.exists()]
    for path in finished:
        if partial_path(path).exists():
            raise UsageError(
                f"There are {path.name} and {partial_path(path).name}; move away the one that is not to be used."
            )
    for path in finished:
        path.replace(partial_path(path))
    return finished


def _exclusive_run(out: Path) -> AbstractContextManager[None]:
    message = f"Another run writes {out}. Allowed: one run per table. Wait for it, or choose another --out."
    return exclusive_lock(_lock(out), message)


def _name(told: bytes) -> str:
    try:
        known: dict[str, Any] = json.loads(told)
        return rows.escape_formula(known["file"] or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError("The JSON lines beside the table were changed; they stay as they are.") from None


def _explained(error: OSError, path: Path) -> DiskFull | UsageError:
    if is_disk_full(error):
        return DiskFull(
            f"The disk is full; the rows so far stay in {partial_path(path)}. Free space and go on with --resume."
        )
    return UsageError(f"The table cannot be written: {error.strerror}. Received: {path}.")


def _lock(path: Path) -> Path:
    return path.with_name(f".{path.name}.lock")
