"""Reading of a label table: CSV in any common encoding and with any common separator, as spreadsheets write it."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import TooLarge, UsageError
from ..messages import message

MAX_BYTES = 50_000_000
"""Maximum size of a table: a million rows of 50 bytes."""

SEPARATORS = (",", ";", "\t", "|")

FILE, LABEL, AGE, GROUP, SITE, SEX = ROLES = ("file", "label", "age", "group", "site", "sex")
"""What a column contains."""

COLUMN_NAMES = {
    FILE: (
        *("file", "filename", "file name", "path", "film", "image", "image index", "image name", "dicom", "name"),
        *("image id", "image path", "file path", "filepath", "x ray image name"),
    ),
    LABEL: ("label", "class", "diagnosis", "finding", "finding labels", "target", "truth", "reading", "pneumonia"),
    AGE: ("age", "patient age", "age years", "years"),
    GROUP: ("patient", "patient id", "patientid", "group", "subject", "subject id", "case", "study"),
    SITE: ("site", "hospital", "clinic", "centre", "center", "institution", "facility"),
    SEX: ("sex", "gender", "patient sex", "patient gender"),
}
"""Role -> names by which its column is recognised, by preference."""

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True)
class LabelTable:
    """The columns of a table, and its rows with a cell for each column."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def cells(self, column: str) -> list[str]:
        """The cells of a column, without spaces around them."""
        index = self.columns.index(column)
        return [row[index].strip() for row in self.rows]


def read_table(path: Path) -> LabelTable:
    """Read a label table; raises `UsageError` if the file cannot be read, is no table, or has no rows."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise TooLarge(message("The label table is too large. Allowed: {limit:.0f} MB.", limit=MAX_BYTES / 1e6))
        return parse_table(path.read_bytes())
    except OSError as error:
        raise UsageError(
            message(
                "The label table cannot be opened: {reason}. Received: {name}.", reason=error.strerror, name=path.name
            )
        ) from None


def parse_table(data: bytes) -> LabelTable:
    """Parse the bytes of a table; raises `UsageError`."""
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise UsageError(message("The label table is a workbook or a ZIP. Allowed: CSV. Save it as CSV first."))
    text = _decode(data)
    separator, text = _separator(text)
    try:
        lines = [
            row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if any(map(str.strip, row))
        ]
    except csv.Error:
        raise UsageError(
            message("The label table is no valid CSV. Allowed: cells separated by , ; | or tabs.")
        ) from None
    if len(lines) < 2:
        raise UsageError(
            message("The label table has no rows. Allowed: a line with column names, then a row for each film.")
        )
    columns = _column_names(lines[0], max(map(len, lines)))
    return LabelTable(columns, tuple(tuple([*row, *[""] * (len(columns) - len(row))]) for row in lines[1:]))


def choose_columns(table: LabelTable, requested: Mapping[str, str | None]) -> dict[str, str]:
    """The column of each role: that which was requested, else one with a usual name; a role without one is left out.

    Raises `UsageError` if a requested column does not exist, or if there is none for the files or the labels.
    """
    chosen = guess_columns(table)
    for role, name in requested.items():
        if name and name not in table.columns:
            allowed = ", ".join(table.columns)
            raise UsageError(
                message(
                    "The label table has no such column. Allowed: {columns}. Received: {name!r}.",
                    columns=allowed,
                    name=name,
                )
            )
        if name:
            chosen[role] = name
    missing = [role for role in (FILE, LABEL) if role not in chosen]
    if missing:
        raise UsageError(
            message(
                "The label table has no column that is recognised as {roles}. State it; the columns are: {columns}.",
                roles=", ".join(missing),
                columns=", ".join(table.columns),
            )
        )
    return chosen


def guess_columns(table: LabelTable) -> dict[str, str]:
    """Role -> column, by the usual names; each column has one role at most."""
    by_name = {_plain(column): column for column in reversed(table.columns)}
    chosen: dict[str, str] = {}
    for role, names in COLUMN_NAMES.items():
        free = (by_name[name] for name in names if name in by_name and by_name[name] not in chosen.values())
        if column := next(free, None):
            chosen[role] = column
    return chosen


def _plain(name: str) -> str:
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())


def _decode(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decode_as(data, encoding)
    # UTF-16 without a mark: every second byte of a table in Latin letters is 0.
    start = data[:1000]
    if start[1::2].count(0) > len(start) // 4:
        return _decode_as(data, "utf-16-le")
    if start[::2].count(0) > len(start) // 4:
        return _decode_as(data, "utf-16-be")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _decode_as(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise UsageError(
            message("The label table is damaged: its characters do not fit its encoding. Save it again.")
        ) from None


def _separator(text: str) -> tuple[str, str]:
    """The separator, and the text without the line `sep=;`, with which spreadsheets state it."""
    first, _, rest = text.partition("\n")
    if first.lower().startswith("sep=") and len(first.rstrip("\r")) == 5 and first[4] in SEPARATORS:
        return first[4], rest
    header = next((line for line in text.splitlines() if line.strip()), "")
    outside_quotes = "".join(header.split('"')[::2])
    counts = Counter({separator: outside_quotes.count(separator) for separator in SEPARATORS})
    return max(SEPARATORS, key=lambda separator: counts[separator]), text


def _column_names(header: list[str], width: int) -> tuple[str, ...]:
    """Names of the columns; an empty or repeated one gets its number."""
    names: list[str] = []
    for number in range(width):
        name = header[number].strip() if number < len(header) else ""
        names.append(name if name and name not in names else f"{name or 'column'} {number + 1}".strip())
    return tuple(names)
