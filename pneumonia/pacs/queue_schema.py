"""The tables of the queue's database, and how those of an earlier version become the present ones."""

from __future__ import annotations

import sqlite3

VERSION = 2
"""`PRAGMA user_version`; raise it together with an entry of `_MIGRATIONS`."""

_INSTANCE_COLUMNS = """
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  state TEXT NOT NULL CHECK (state IN ('received', 'predicted', 'failed')),
  file TEXT NOT NULL UNIQUE,
  digest BLOB NOT NULL UNIQUE,
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
"""

_SCHEMA = f"""
CREATE TABLE instance ({_INSTANCE_COLUMNS});
CREATE INDEX instance_state ON instance (state, id);
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

_NAMES = (
    "id, state, file, digest, fingerprint, calling_ae, sop_class, transfer_syntax, size, received_at, attempts, "
    "next_attempt_at, error, failed_at"
)

_MIGRATIONS = {
    1: f"""
CREATE TABLE instance_2 ({_INSTANCE_COLUMNS});
INSERT INTO instance_2 ({_NAMES}) SELECT {_NAMES} FROM instance;
DELETE FROM sqlite_sequence WHERE name = 'instance_2';
INSERT INTO sqlite_sequence SELECT 'instance_2', seq FROM sqlite_sequence WHERE name = 'instance';
DROP TABLE instance;
ALTER TABLE instance_2 RENAME TO instance;
CREATE INDEX instance_state ON instance (state, id);
"""
}
"""Version -> statements that lead to the next one. The steps are those of https://www.sqlite.org/lang_altertable.html,
section 7: SQLite before 3.35, which Red Hat Enterprise Linux 9 has, cannot drop a column.

1: `instance` had a digest of the SOP Instance UID. It decided nothing, since the digest of the bytes decides which film
is a duplicate."""


def create_or_migrate(connection: sqlite3.Connection) -> None:
    """Give the database the tables of `VERSION`, in the present transaction, without enforced foreign keys.

    Raises `sqlite3.DatabaseError` for the database of a later version of this program.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise sqlite3.DatabaseError(f"it is of version {version}, and this program reads versions up to {VERSION}")
    scripts = [_SCHEMA] if version == 0 else [_MIGRATIONS[number] for number in range(version, VERSION)]
    for script in scripts:
        for statement in script.split(";"):
            connection.execute(statement)
    if scripts:  # otherwise nothing is written, so that `pacs queue` can open the queue on a full disk
        connection.execute(f"PRAGMA user_version={VERSION}")
