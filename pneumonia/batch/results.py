"""The result table of a batch. A process that is killed at any moment neither loses nor duplicates a row.

During a run, a JSON object per film is appended to `results.jsonl.part` as soon as the film is scored. At the end, the
CSV and, on request, the JSON lines are written from it, each atomically. A resumed run keeps the complete lines,
truncates a partial last line, and appends.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from .. import operating_system
from ..errors import DiskFull, UsageError
from ..files import atomic_path, exclusive_lock, is_disk_full
from ..inference.decision import CLASSES, LABEL_NAMES, UNKNOWN, Failure, Prediction
from ..messages import Message, join, message
from . import rows
from .append_only_file import AppendOnlyFile, complete_lines
from .earlier_names import EarlierNames
from .earlier_run import EarlierRun, check_absent, read_earlier_run, run_header
from .rows import TableOptions
from .table_paths import TablePaths

FAILED = "failed"
"""Key in `ResultTable.counts` for the films that could not be read or scored."""


def format_counts(counts: Mapping[str, int]) -> Message:
    """Counts per label as text, without zeros: `120 Normal, 70 Pneumonia, 3 failed`; `none` if all are zero."""
    labels = (*CLASSES, UNKNOWN, FAILED)
    names = {**LABEL_NAMES, FAILED: message("failed")}
    parts = [
        message("{count:,} {label}", count=counts[label], label=names[label]) for label in labels if counts.get(label)
    ]
    return join(parts, ", ") or message("none")


class ResultTable:
    """The table of a run; created by `open_table`. Not thread-safe. `counts` has the number of rows per label."""

    def __init__(
        self, paths: TablePaths, options: TableOptions, earlier: EarlierRun, *, jsonl: bool, for_excel: bool
    ) -> None:
        self.counts = Counter({label or FAILED: count for label, count in earlier.counts().items()})
        self._paths = paths
        self._options = options
        self._jsonl = jsonl
        self._for_excel = for_excel
        self._earlier = earlier
        self._earlier_names = EarlierNames(name for name, _ in earlier.labels())
        self._lines = AppendOnlyFile(paths.partial, earlier.partial_end)

    def __len__(self) -> int:
        return self.counts.total()

    def has(self, name: str) -> bool:
        """True if the film had a row when this run started. Call it once for each film, in their order.

        Two films may have the same name: the second call with a name asks for the second row.
        """
        return self._earlier_names.take(name)

    def write_header(self) -> None:
        """Write the options of the run as the first line, unless an earlier run did; raises like `add`."""
        if not self._earlier.partial_end:
            finished_rows = self._earlier.finished_rows
            self._append(run_header(self._options, jsonl=self._jsonl, finished_rows=finished_rows))

    def add(self, result: Prediction | Failure) -> None:
        """Append the result of a film completely or not at all.

        Raises `DiskFull`, and `UsageError` if the table cannot be written.
        """
        self._append(json.dumps(result.as_dict()).encode() + b"\n")
        self.counts[FAILED if isinstance(result, Failure) else result.label] += 1

    def recount(self) -> None:
        """Set `counts` from the rows on the disk. Ctrl+C may come after a row is written and before it is counted."""
        finished = [label for _, label in self._earlier.csv[: self._earlier.finished_rows]]
        records = map(json.loads, islice(complete_lines(self._paths.partial), 1, None))
        added = [rows.record_cells(record, self._options)["label"] for record in records]
        self.counts = Counter(label or FAILED for label in finished + added)

    def finish(self) -> None:
        """Write the finished files at the end of a run, then delete the partial one.

        They are streamed, so memory does not grow with the number of films. Rows of earlier, completed runs come first.
        Raises `DiskFull` or `UsageError` if they cannot be written; the partial file then stays and can be resumed.
        """
        self.close()
        with _write_errors(self._paths):
            if self._jsonl:
                _extend(self._paths.json_lines, b"", self._new_lines(len(self._earlier.json_lines)))
            csv_lines = map(self._csv_line, self._new_lines(len(self._earlier.csv)))
            _extend(self._paths.csv, rows.csv_header(for_excel=self._for_excel), csv_lines)
            self._paths.partial.unlink()

    def close(self) -> None:
        """Close the partial file; it keeps its rows."""
        self._lines.file.close()

    def _append(self, line: bytes) -> None:
        with _write_errors(self._paths):
            self._lines.append(line)

    def _new_lines(self, finished_rows: int) -> Iterator[bytes]:
        """The rows of the partial file that a finished file with `finished_rows` rows lacks.

        A run that was killed between the finished files has written rows to one of them already.
        """
        first = 1 + finished_rows - self._earlier.finished_rows  # after the options of the run
        return islice(complete_lines(self._paths.partial), first, None)

    def _csv_line(self, line: bytes) -> bytes:
        record: dict[str, Any] = json.loads(line)
        return rows.csv_line(rows.record_cells(record, self._options).values())


@contextmanager
def open_table(
    out: Path, options: TableOptions, *, jsonl: bool = False, for_excel: bool = False, resume: bool = False
) -> Iterator[ResultTable]:
    """Open the table `out` for one run, with `jsonl` also a file of JSON lines next to it; overwrites no existing file.

    With `for_excel`, a new table begins with a byte-order mark. The name of `out` must not end in `.jsonl`, the name of
    the JSON lines; the command line checks it. Raises `Busy` if another run writes the table, `DiskFull`, and
    `UsageError` if the table exists and `resume` is not set, or if it was created with another model, operating point,
    prevalence or stated age.
    """
    paths = TablePaths(out)
    with ExitStack() as stack:
        text = message(
            "Another run writes {out}. Allowed: one run per table. Wait for it to end, or choose another --out.",
            out=out,
        )
        stack.enter_context(exclusive_lock(paths.lock, text))
        earlier = EarlierRun()
        if resume:
            earlier = read_earlier_run(paths, options, jsonl=jsonl)
        else:
            check_absent(paths, jsonl=jsonl)
        with _write_errors(paths):
            table = ResultTable(paths, options, earlier, jsonl=jsonl, for_excel=for_excel)
        stack.callback(table.close)
        table.write_header()
        yield table


def table_files(out: Path) -> set[Path]:
    """Absolute paths of all files that a run may write, to be excluded from its films."""
    return TablePaths(out).all()


def partial_path(out: Path) -> Path:
    """The path of the rows while the table is incomplete."""
    return TablePaths(out).partial


def _extend(path: Path, header: bytes, lines: Iterable[bytes]) -> None:
    """Append `lines` to a file atomically; a new file begins with `header`."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        if path.exists():
            with path.open("rb") as existing_file:
                shutil.copyfileobj(existing_file, file)
        else:
            file.write(header)
        file.writelines(lines)


@contextmanager
def _write_errors(paths: TablePaths) -> Iterator[None]:
    """Replace errors of the file system by messages that name the file and how to continue."""
    try:
        yield
    except DiskFull:
        raise _disk_full(paths) from None
    except OSError as error:
        if is_disk_full(error):
            raise _disk_full(paths) from None
        if operating_system.is_out_of_files(error):
            raise operating_system.out_of_files_error() from None
        raise UsageError(
            message(
                "The table cannot be written: {strerror}. If another program has it open, close it there. The rows "
                "so far stay in {name}; continue with --resume. Received: {csv}.",
                strerror=error.strerror,
                name=paths.partial.name,
                csv=paths.csv,
            )
        ) from None


def _disk_full(paths: TablePaths) -> DiskFull:
    return DiskFull(
        message(
            "The disk is full; the rows so far stay in {partial}. Free space and continue with --resume.",
            partial=paths.partial,
        )
    )
