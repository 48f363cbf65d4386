"""The SQLite database of the queue: connection and transactions.

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
from . import queue_schema

_RECOVERED = 1
"""`PRAGMA application_id` after the first recovery."""

_BUSY_S = 60
"""Seconds to wait for the transaction of another process; one takes milliseconds, with a busy disk a second."""


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
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=OFF; PRAGMA secure_delete=ON;"
            )
            with self.transaction() as connection:
                queue_schema.create_or_migrate(connection)
            self._connection.execute("PRAGMA foreign_keys=ON")
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


@contextmanager
def _translate_full_disk() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
            raise DiskFull(message("The disk of the queue is full or cannot be written.")) from None
        raise


def is_undone(error: DiskFull) -> bool:
    """Whether a transaction that raised this has certainly left nothing: its log did not fit on the disk.

    After an error of the disk, its last record may be there in spite of it, and count after a restart.
    """
    cause = error.__context__
    return not isinstance(cause, sqlite3.Error) or cause.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL


def _reason(error: Exception) -> str:
    return str(error.strerror if isinstance(error, OSError) else error)
