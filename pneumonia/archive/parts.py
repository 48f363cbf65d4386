"""Result files of an archive: one Parquet file per part, with the columns of `batch`, written atomically.

The name of a film determines its part, and the part determines its file. A part that is processed again, because a
worker or a run was lost, therefore produces the same rows in the same file. The progress of an archive is read from
these files.
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

FORMAT = 4
HEADER_FILE = "archive.json"
"""File with the options that all parts share; a run that continues the archive must have the same options."""

FILMS_PER_PART = 1_000
"""Films per part. A lost worker costs at most one part, that is one or two minutes of one core. Ten million films make
10,000 files of about 50 kB."""

MIN_PARTS = 32
"""Minimum number of parts, so that several workers share a small archive too."""

RETRIED_CODES = frozenset({Busy.code, "internal"})
"""Codes of errors that may be transient: the next run processes films with these codes again."""

SCHEMA = pa.schema([(name, pa.float64() if name in NUMERIC_COLUMNS else pa.string()) for name in COLUMNS])
"""Columns of a result file: those of `batch`, with numbers as float64."""


@dataclass(frozen=True)
class Parts:
    """The parts of an archive: their number `count`, and the `folder` of their files."""

    folder: ResultFolder
    count: int

    def rows(self, part: int) -> pa.Table:
        """The rows of a part, without those with `RETRIED_CODES`; empty for a new part.

        Raises `UsageError` for a file that is not a part.
        """
        name = self._name(part)
        data = self.folder.read(name)
        if data is None:
            return SCHEMA.empty_table()
        try:
            table = pq.read_table(io.BytesIO(data))
            if not table.schema.equals(SCHEMA):
                raise pa.ArrowInvalid("other columns")
        except pa.ArrowException:
            raise UsageError(
                f"{name} is not a part of this archive and is left unchanged. Move it to another folder."
            ) from None
        return table.filter([code not in RETRIED_CODES for code in table["error_code"].to_pylist()])

    def write(self, part: int, table: pa.Table) -> None:
        """Write or replace the file of a part."""
        buffer = io.BytesIO()
        pq.write_table(table, buffer, compression="zstd")
        self.folder.write(self._name(part), buffer.getvalue())

    def _name(self, part: int) -> str:
        return f"rows/part-{part:0{len(str(self.count - 1))}}.parquet"


def open_parts(folder: ResultFolder, options: TableOptions, films: int) -> Parts:
    """Open the archive in `folder`, or create one for `films` films.

    Raises `UsageError` if the existing archive has other options or another format.
    """
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
            f"{HEADER_FILE} is not from this version of the command; it is left unchanged. Received: {folder.address}."
        ) from None
    _check_header(header, options)
    return Parts(folder, count)


def _check_header(header: dict[str, Any], options: TableOptions) -> None:
    for column in ("operating_point", "prevalence", "age_stated", "model_sha256", "model_site"):
        recorded, received = header.get(column), options.cells()[column]
        if recorded != received:
            raise UsageError(
                f"The archive was created with a different {column}. Allowed: {recorded or 'none'}, or another --out. "
                f"Received: {received or 'none'}."
            )


def to_table(results: Iterable[Prediction | Failure], options: TableOptions) -> pa.Table:
    """Convert results to a table with the columns of `batch`: numbers as float64, empty cells as null."""
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
    """Number of films per label, and of failed films, in the rows of a part."""
    return Counter(label or FAILED for label in table["label"].to_pylist())


@contextmanager
def exclusive_archive(folder: ResultFolder) -> Iterator[None]:
    """Lock a local archive; raises `Busy` if another run writes it. Archives on object storage are not locked."""
    if folder.local is None:
        yield
        return
    message = f"Another run writes {folder.address}. Allowed: one run per archive."
    with exclusive_lock(folder.local / ".lock", message):
        for partial_file in (folder.local / "rows").glob(".part-*"):  # left behind by a killed run
            partial_file.unlink(missing_ok=True)
        yield
