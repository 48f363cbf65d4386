"""An archive's answers on the storage: one Parquet file a part, with the columns of `batch`, each written at once.

Which part a film belongs to follows from its name, and a part's file has one name. So whoever judges a part again,
since a worker or a run was lost, writes the same rows to the same place; what is done is read from what is there.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..batch import rows
from ..batch.results import FAILED
from ..batch.rows import COLUMNS, NUMERIC_COLUMNS, TableOptions
from ..errors import Busy, UsageError
from ..files import exclusive_lock
from ..inference.decision import Failure, Prediction
from .storage import ResultFolder

FORMAT = 1
HEADER_FILE = "archive.json"
"""What every part has in common; a run that goes on must ask the same."""

FILMS_PER_PART = 1_000
"""What a lost worker costs at most; a minute or two of one core. Ten million films make 10,000 files of some 50 kB."""

MIN_PARTS = 32
"""So that a small archive gives work to several workers, too."""

RETRIED_CODES = frozenset({Busy.code, "internal"})
"""Errors that may pass: films with them are judged again by the next run."""

SCHEMA = pa.schema([(name, pa.float64() if name in NUMERIC_COLUMNS else pa.string()) for name in COLUMNS])


@dataclass(frozen=True)
class Parts:
    """The parts of one archive: how many there are, and where their rows lie."""

    folder: ResultFolder
    count: int

    def rows(self, part: int) -> pa.Table:
        """The rows that stand, without those that are to be judged again."""
        name = self._name(part)
        data = self.folder.read(name)
        if data is None:
            return SCHEMA.empty_table()
        try:
            table = pq.read_table(io.BytesIO(data))
            if not table.schema.equals(SCHEMA):
                raise pa.ArrowInvalid("other columns")
        except pa.ArrowException:
            raise UsageError(f"{name} is not a part of this archive; move it away. It stays.") from None
        return table.filter([code not in RETRIED_CODES for code in table["error_code"].to_pylist()])

    def write(self, part: int, table: pa.Table) -> None:
        """Put a part's rows in the place of those that may stand there."""
        buffer = io.BytesIO()
        pq.write_table(table, buffer, compression="zstd")
        self.folder.write(self._name(part), buffer.getvalue())

    def _name(self, part: int) -> str:
        return f"rows/part-{part:0{len(str(self.count - 1))}}.parquet"


def open_parts(folder: ResultFolder, options: TableOptions, films: int) -> Parts:
    """The archive that is there, or a new one for so many films; raises `UsageError` where it asks something else."""
    data = folder.read(HEADER_FILE)
    if data is None:
        count = max(MIN_PARTS, -(-films // FILMS_PER_PART))
        header = {"format": FORMAT, "parts": count, **options.cells()}
        folder.write(HEADER_FILE, json.dumps(header, indent=1).encode() + b"\n")
        return Parts(folder, count)
    try:
        header = json.loads(data)
        count = int(header["parts"])
        if header["format"] != FORMAT or count < 1:
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise UsageError(
            f"{HEADER_FILE} is not of this version of the command; it stays. Received: {folder.address}."
        ) from None
    _check_header(header, options)
    return Parts(folder, count)


def _check_header(header: dict[str, Any], options: TableOptions) -> None:
    for column in ("operating_point", "prevalence", "model_sha256"):
        recorded, received = header.get(column), options.cells()[column]
        if recorded != received:
            raise UsageError(
                f"The archive was begun with another {column}. Allowed: {recorded or 'none'}, or another --out. "
                f"Received: {received or 'none'}."
            )


def to_table(results: Iterable[Prediction | Failure], options: TableOptions) -> pa.Table:
    """The rows of `batch`, with numbers as numbers, and null where a cell is empty."""
    table_rows = [
        {name: _typed_value(name, cell) for name, cell in rows.result_cells(result, options).items()}
        for result in results
    ]
    return pa.Table.from_pylist(table_rows, SCHEMA)


def _typed_value(column: str, cell: str) -> float | str | None:
    if not cell:
        return None
    return float(cell) if column in NUMERIC_COLUMNS else cell


def count_labels(table: pa.Table) -> Counter[str]:
    """How many films have which label, or failed."""
    return Counter(label or FAILED for label in table["label"].to_pylist())


@contextmanager
def exclusive_archive(folder: ResultFolder) -> Iterator[None]:
    """One run an archive, where the folder lies on this machine; object storage has no lock."""
    if folder.local is None:
        yield
        return
    message = f"Another run writes {folder.address}. Allowed: one run per archive."
    with exclusive_lock(folder.local / ".lock", message):
        for partial in (folder.local / "rows").glob(".part-*"):  # of a killed run
            partial.unlink(missing_ok=True)
        yield
