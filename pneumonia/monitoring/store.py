"""The folder of counts: one SQLite database that several processes write at once (write-ahead log)."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from .counts import OTHER_SOURCE, Item, Series

FILE_NAME = "counts.sqlite3"

MAX_SOURCES = 64
"""Maximum number of sources with counts of their own, so that callers with invented titles cannot fill the disk."""

LOCK_TIMEOUT_S = 5.0
"""Seconds to wait for another process that is writing. A write takes milliseconds."""

FORMAT = 1

_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS series (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL, model TEXT NOT NULL, revision TEXT NOT NULL, sha256 TEXT NOT NULL, site TEXT NOT NULL,
    population TEXT NOT NULL, operating_point TEXT NOT NULL,
    UNIQUE (source, model, revision, sha256, site, population, operating_point)
);
CREATE TABLE IF NOT EXISTS counts (
    day TEXT NOT NULL, series INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, films INTEGER NOT NULL,
    PRIMARY KEY (day, series, name, value)
) WITHOUT ROWID;
PRAGMA user_version = {FORMAT};
"""

_FIELDS = ", ".join(Series._fields)
_MARKS = ", ".join("?" * len(Series._fields))
_ADD = """
INSERT INTO counts (day, series, name, value, films) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (day, series, name, value) DO UPDATE SET films = films + excluded.films
"""

_READ = f"""
SELECT day, {_FIELDS}, name, value, films FROM counts JOIN series ON series.id = counts.series
WHERE day >= ? AND films != 0
"""

Counts = Mapping[tuple[str, Series], Mapping[Item, int]]
"""(day as YYYY-MM-DD, series) -> counts."""


class StoreFormatError(Exception):
    """The database was written by another version of the package."""


ERRORS = (sqlite3.Error, OSError, StoreFormatError)
"""What reading and writing raise if the folder or its database cannot be used."""


@dataclass(frozen=True)
class Row:
    """One count: so many films of a day in a series."""

    day: date
    series: Series
    name: str
    value: str
    films: int


def add(folder: Path, counts: Counts) -> None:
    """Add counts in one transaction. Raises `sqlite3.Error`, `OSError` or `StoreFormatError`; then none is added."""
    with _connection(folder) as connection:
        for (day, series), items in counts.items():
            number = _series_id(connection, series)
            rows = [(day, number, name, value, films) for (name, value), films in items.items() if films]
            connection.executemany(_ADD, rows)


def delete_before(folder: Path, day: date) -> None:
    """Delete the counts of days before `day`; raises as `add`."""
    with _connection(folder) as connection:
        connection.execute("DELETE FROM counts WHERE day < ?", (day.isoformat(),))
        connection.execute("DELETE FROM series WHERE id NOT IN (SELECT series FROM counts)")


def read(folder: Path, since: date | None = None) -> list[Row]:
    """The counts from the day `since` on; empty if there is no database. Raises as `add`."""
    if not (folder / FILE_NAME).is_file():
        return []
    with _connection(folder, "BEGIN") as connection:
        rows = connection.execute(_READ, ((since or date.min).isoformat(),)).fetchall()
    width = len(Series._fields)
    return [Row(date.fromisoformat(row[0]), Series(*row[1 : 1 + width]), *row[1 + width :]) for row in rows]


def first_kept_day(today: date, keep_days: int) -> date:
    """The oldest day whose counts are kept."""
    return today - timedelta(days=min(keep_days, (today - date.min).days))


@contextmanager
def _connection(folder: Path, begin: str = "BEGIN IMMEDIATE") -> Iterator[sqlite3.Connection]:
    """A transaction on the database, which is created if it is missing.

    Opened for each transaction, about once a second: a folder that was deleted or restored meanwhile is used as it is.
    """
    path = folder / FILE_NAME
    if not path.exists():
        _create_file(path)
    with closing(sqlite3.connect(path, timeout=LOCK_TIMEOUT_S, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = NORMAL")  # the write-ahead log stays consistent after a power failure
        _prepare(connection)
        connection.execute(begin)
        try:
            yield connection
        except BaseException:
            connection.rollback()
            raise
        connection.execute("COMMIT")


def _create_file(path: Path) -> None:
    """An empty file that only its owner can read; SQLite gives its companion files the same permissions."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _prepare(connection: sqlite3.Connection) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        _create_tables(connection)
    elif version != FORMAT:
        raise StoreFormatError(f"format {version} of the counts is not known")
    connection.execute("PRAGMA secure_delete = ON")  # deleted counts are overwritten


def _create_tables(connection: sqlite3.Connection) -> None:
    """Create what is missing. Another process may do the same: SQLite does not wait for it in a change to WAL."""
    deadline = time.monotonic() + LOCK_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_SCHEMA)
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _series_id(connection: sqlite3.Connection, series: Series) -> int:
    """The number of a series; a source above `MAX_SOURCES` is counted under `OTHER_SOURCE`."""
    number = _find(connection, series)
    if number is not None:
        return number
    sources = {row[0] for row in connection.execute("SELECT DISTINCT source FROM series")}
    if series.source not in sources and len(sources - {OTHER_SOURCE}) >= MAX_SOURCES:
        series = series._replace(source=OTHER_SOURCE)
        number = _find(connection, series)
        if number is not None:
            return number
    cursor = connection.execute(f"INSERT INTO series ({_FIELDS}) VALUES ({_MARKS})", series)
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def _find(connection: sqlite3.Connection, series: Series) -> int | None:
    condition = " AND ".join(f"{name} = ?" for name in Series._fields)
    row = connection.execute(f"SELECT id FROM series WHERE {condition}", series).fetchone()
    return None if row is None else int(row[0])
