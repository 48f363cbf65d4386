"""Read the rows of a finished CSV. A spreadsheet may have saved it in the meantime.

A table that Excel or LibreOffice saved with commas and in UTF-8 can be continued: only line ends, quotes and numbers of
digits change. With another separator or encoding it is refused, because rows of both kinds would be mixed, and because
characters of file names may be lost.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from pathlib import Path

from ..errors import UsageError
from ..messages import message
from .rows import COLUMNS

_OTHER_SEPARATORS = {";": message("semicolons"), "\t": message("tabs")}


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """Yield the cells of each row by column, as they are in the file.

    Raises `UsageError` if the file is not a table of this command, or if another program saved it in a way that does
    not allow new rows.
    """
    _check_encoding(path)
    lines = _csv_rows(path)
    header = next(lines, [])
    if header != list(COLUMNS):
        raise _header_error(path.name, header)
    for number, values in enumerate(lines, start=2):
        if len(values) != len(COLUMNS):
            raise edited_error(message("Row {number} of {name}", number=number, name=path.name))
        yield dict(zip(COLUMNS, values, strict=True))


def edited_error(position: str) -> UsageError:
    """The error for a row that another program changed."""
    return UsageError(
        message("{position} is invalid; another program edited it. The file is left unchanged.", position=position)
    )


def foreign_error(name: str) -> UsageError:
    """The error for a file that this command did not write."""
    return UsageError(message("{name} is not a table of this version of the command; it is left unchanged.", name=name))


def incomplete_error(name: str) -> UsageError:
    """The error for a file whose last row a new row would become a part of."""
    return UsageError(
        message(
            "{name} is not a table as this command writes it: its last line has no line feed. Another program "
            "saved or cut it; it is left unchanged. Allowed: add a line feed to its end, or choose another "
            "--out.",
            name=name,
        )
    )


def _check_encoding(path: Path) -> None:
    """Check that the file is UTF-8 and ends in a line feed."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    last = b""
    try:
        with path.open("rb") as file:
            while block := file.read(1_000_000):
                decoder.decode(block)
                last = block[-1:]
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise UsageError(
            message(
                "{name} is not UTF-8; another program saved it, and names of films may be lost. It is left "
                "unchanged. Allowed: the table as the command wrote it, or saved as CSV UTF-8, or another --out.",
                name=path.name,
            )
        ) from None
    if last not in {b"", b"\n"}:
        raise incomplete_error(path.name)


def _csv_rows(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            yield from csv.reader(file)
        except csv.Error:
            raise foreign_error(path.name) from None


def _header_error(name: str, header: list[str]) -> UsageError:
    for separator, separators in _OTHER_SEPARATORS.items():
        if separator.join(header).split(separator) == list(COLUMNS):
            return UsageError(
                message(
                    "Another program saved {name} with {separators} between the cells; it is left unchanged. Allowed: "
                    "commas, as the command wrote it, or another --out.",
                    name=name,
                    separators=separators,
                )
            )
    return foreign_error(name)
