"""A queue that an earlier version of the service left is opened with everything in it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from pneumonia.pacs import queue_schema, queue_upkeep
from pneumonia.pacs.queue import Queue, Reception

VERSION_1 = """
CREATE TABLE instance (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  state TEXT NOT NULL CHECK (state IN ('received', 'predicted', 'failed')),
  file TEXT NOT NULL UNIQUE, digest BLOB NOT NULL UNIQUE, uid_digest BLOB NOT NULL,
  fingerprint TEXT NOT NULL DEFAULT '', calling_ae TEXT NOT NULL, sop_class TEXT NOT NULL,
  transfer_syntax TEXT NOT NULL, size INTEGER NOT NULL, received_at REAL NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, next_attempt_at REAL NOT NULL DEFAULT 0,
  error TEXT NOT NULL DEFAULT '', failed_at REAL
);
CREATE INDEX instance_state ON instance (state, id);
CREATE INDEX instance_uid ON instance (uid_digest);
CREATE TABLE delivery (
  id INTEGER PRIMARY KEY AUTOINCREMENT, instance_id INTEGER NOT NULL REFERENCES instance (id),
  destination TEXT NOT NULL, kind TEXT NOT NULL, file TEXT NOT NULL, sop_class TEXT NOT NULL,
  sop_instance TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
  waiting_since REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, next_attempt_at REAL NOT NULL DEFAULT 0,
  error TEXT NOT NULL DEFAULT '', failed_at REAL, UNIQUE (instance_id, destination, kind)
);
CREATE INDEX delivery_due ON delivery (destination, state, next_attempt_at);
CREATE INDEX delivery_state ON delivery (state);
CREATE TABLE remembered (digest BLOB PRIMARY KEY, fingerprint TEXT NOT NULL, until REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX remembered_until ON remembered (until);
PRAGMA user_version=1;
PRAGMA application_id=1;
"""

ROWS = """
INSERT INTO instance VALUES (3, 'received', 'a.dcm', x'0a', x'ff', '', 'CR_1', '1.2', '1.2.1', 10, 5.5, 1, 0, '', NULL);
INSERT INTO instance VALUES (4, 'failed', 'b.dcm', x'0b', x'fe', '', 'CR_1', '1.2', '1.2.1', 20, 6, 3, 0, 'crashed', 7);
INSERT INTO instance VALUES (7, 'predicted', 'c.dcm', x'0c', x'fd', 'm', 'CR_2', '1.2', '1.2.1', 30, 8, 0, 0, '', NULL);
INSERT INTO instance VALUES (9, 'received', 'd.dcm', x'0d', x'fc', '', 'CR_2', '1.2', '1.2.1', 40, 9, 0, 0, '', NULL);
INSERT INTO delivery VALUES (2, 7, 'archive', 'dicom-sr', 'c.sr.dcm', '1.3', '1.4', 'waiting', 8, 0, 0, '', NULL);
INSERT INTO remembered VALUES (x'0e', 'm', 1e12);
DELETE FROM instance WHERE id = 9;
"""


def folder_of_version_1(folder: Path, rows: str = ROWS) -> Path:
    connection = sqlite3.connect(folder / "queue.sqlite")
    connection.executescript(VERSION_1 + rows)
    connection.close()
    return folder


def test_a_queue_of_version_1_keeps_films_dead_letters_deliveries_and_digests(tmp_path: Path) -> None:
    queue = Queue(folder_of_version_1(tmp_path))
    [film] = queue.waiting_instances(10)
    assert (film.id, film.path.name, film.calling_ae, film.size, film.received_at, film.attempts) == (
        3,
        "a.dcm",
        "CR_1",
        10,
        5.5,
        1,
    )
    assert [(letter.id, letter.error) for letter in queue_upkeep.dead_letters(queue)] == [("film-4", "crashed")]
    assert [(each.id, each.instance_id, each.calling_ae) for each in queue.due_deliveries("archive", 10)] == [
        (2, 7, "CR_2")
    ]
    assert queue.database.count("SELECT COUNT(*) FROM remembered") == 1
    assert queue.database.is_recovered
    assert queue.database.query("PRAGMA foreign_keys")[0][0] == 1
    queue.close()


def tables(folder: Path) -> list[tuple[str, list[tuple[object, ...]]]]:
    """(name, columns or indexed columns) of each table and index."""
    with sqlite3.connect(folder / "queue.sqlite") as connection:
        names = connection.execute("SELECT name, type FROM sqlite_master ORDER BY name").fetchall()
        infos = [(name, "index_info" if kind == "index" else "table_info") for name, kind in names]
        return [(name, connection.execute(f"PRAGMA {info}({name})").fetchall()) for name, info in infos]


@pytest.mark.parametrize("rows", ["", ROWS], ids=["empty", "with films"])
def test_a_queue_of_version_1_gets_the_tables_of_a_new_one(tmp_path: Path, rows: str) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    folder_of_version_1(tmp_path / "old", rows)
    for name in ("old", "new", "old"):
        Queue(tmp_path / name).close()
    assert tables(tmp_path / "old") == tables(tmp_path / "new")


def test_ids_are_not_used_again_and_new_films_are_added(tmp_path: Path) -> None:
    queue = Queue(folder_of_version_1(tmp_path))
    film = tmp_path / "film"
    film.write_bytes(b"film")
    assert queue.add(film, Reception("CR_1", "1.2", "1.2.3", "1.2.1")) == 10
    queue.close()


def test_an_interrupted_change_leaves_the_queue_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_of_version_1(tmp_path)
    before = tables(folder)
    changes = {1: queue_schema._MIGRATIONS[1] + "; SELECT * FROM missing"}
    with monkeypatch.context() as context:
        context.setattr(queue_schema, "_MIGRATIONS", changes)
        with pytest.raises(Exception, match="missing"):
            Queue(folder)
    assert tables(folder) == before
    queue = Queue(folder)
    assert len(queue.waiting_instances(10)) == 1
    queue.close()
