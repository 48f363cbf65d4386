"""The SQLite database of the queue: schema, connection and transactions.

WAL with `synchronous=FULL`: a commit waits until the log is on the disk. In WAL mode `NORMAL` would keep the database
consistent, but the last commits could be missing after a power failure; then an acknowledged film would be lost, or a
delivery would refer to a file that was deleted. One commit costs one fsync; docs/pacs.md has the measured time.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import DiskFull, UsageError
from ..messages import message

_VERSION = 1
"""`PRAGMA user_version`; raise it with a statement that changes the tables of the version before."""

_RECOVERED = 1
"""`PRAGMA application_id` after the first recovery."""

_BUSY_S = 60
"""Seconds to wait for the transaction of another process; one takes milliseconds, with a busy disk a second."""

_SCHEMA = """
CREATE TABLE instance (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  state TEXT NOT NULL CHECK (state IN ('received', 'predicted', 'failed')),
  file TEXT NOT NULL UNIQUE,
  digest BLOB NOT NULL UNIQUE,
  uid_digest BLOB NOT NULL,
  fingerprint TEXT NOT NULL DEFAULT '',
  calling_ae TEXT NOT NULL,
  sop_class TEXT NOT NULL,
  transfer_syntax TEXT NOT NULL,
  size INTEGER NOT NULL,
  received_at REAL NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_attempt_at REAL NOT NULL DEFAULT 0,
  error TEXT NOT NULL DEFAULT '',
  failed_at REAL
);
CREATE INDEX instance_state ON instance (state, id);
CREATE INDEX instance_uid ON instance (uid_digest);
CREATE TABLE delivery (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  instance_id INTEGER NOT NULL REFERENCES instance (id),
  destination TEXT NOT NULL,
  kind TEXT NOT NULL,
  file TEXT NOT NULL,
  sop_class TEXT NOT NULL,
  sop_instance TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
  waiting_since REAL NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_attempt_at REAL NOT NULL DEFAULT 0,
  error TEXT NOT NULL DEFAULT '',
  failed_at REAL,
  UNIQUE (instance_id, destination, kind)
);
CREATE INDEX delivery_due ON delivery (destination, state, next_attempt_at);
CREATE INDEX delivery_state ON delivery (state);
CREATE TABLE remembered (
  digest BLOB PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  until REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX remembered_until ON remembered (until);
"""
"""`instance`: one row for each received film until its results are delivered. `delivery`: one row for each result
object and destination. `remembered`: digests of finished instances, nothing else of them. Times are seconds since the
epoch."""


class Database:
    """A connection that the threads of one process share; several processes may open the same file."""

    def __init__(self, path: Path) -> None:
        """Open the database; it is created, readable by its owner only, if it is missing. Raises `UsageError`."""
        self._lock = threading.RLock()
        try:
            # SQLite gives the files of its log the permissions of the database.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
            self._connection.row_factory = sqlite3.Row
            self._connection.executescript(
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON;"
            )
            self._create_tables()
        except (OSError, sqlite3.Error) as error:
            raise UsageError(
                message("The queue {path} cannot be opened: {reason}.", path=path, reason=_reason(error))
            ) from None

    def close(self) -> None:
        """Close the connection; the last process that closes writes the log back into the database."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is durable when the block ends, and undone if it raises. Raises `DiskFull`."""
        with self._lock, _translate_full_disk():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def query(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self._lock, _translate_full_disk():
            return self._connection.execute(statement, values).fetchall()

    def count(self, statement: str, *values: Any) -> int:
        """The number that a query returns; 0 without a row."""
        rows = self.query(statement, *values)
        return int(rows[0][0]) if rows else 0

    @property
    def is_recovered(self) -> bool:
        """False until `mark_recovered` was called: the database is new, or its first recovery did not end."""
        return self.count("PRAGMA application_id") == _RECOVERED

    def mark_recovered(self) -> None:
        """Record that the files which an earlier, lost database left in the folder have been dealt with."""
        with self.transaction() as connection:
            connection.execute(f"PRAGMA application_id={_RECOVERED}")

    def is_intact(self) -> bool:
        """True if SQLite finds no damage; reads the whole file."""
        try:
            return bool(self.query("PRAGMA quick_check(1)")[0][0] == "ok")
        except sqlite3.DatabaseError:
            return False

    def _create_tables(self) -> None:
        with self.transaction() as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version not in {0, _VERSION}:
                raise sqlite3.DatabaseError(f"it is of version {version}, and this program reads version {_VERSION}")
            if version == 0:
                for statement in _SCHEMA.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version={_VERSION}")


@contextmanager
def _translate_full_disk() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
            raise DiskFull(message("The disk of the queue is full or cannot be written.")) from None
        raise


def _reason(error: Exception) -> str:
    return str(error.strerror if isinstance(error, OSError) else error)
