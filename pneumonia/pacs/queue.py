"""The persistent queue between reception and delivery.

    add -> received --complete--> predicted --deliver, for each delivery--> finished: no row, no file
              |                       |
              fail                    fail_delivery
              v                       v
           failed (dead letter)    delivery failed (dead letter)

A step changes the database in one transaction. Files are written before the transaction that refers to them, and
deleted after the one that removes the last reference, so that a kill between any two steps loses nothing; `recover`
of `queue_upkeep` deletes what is left over. All methods may be called from any thread, and from several processes.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from ..errors import Busy, DiskFull
from ..files import sync_folder
from ..messages import message
from .database import Database, is_undone
from .queue_records import Delivery, Instance, Reception, Result
from .spool import Spool, delete_quietly, digest_of

__all__ = ["Delivery", "Instance", "Queue", "Reception", "Result"]

MAX_PAUSE_S = 86_400.0
"""Longest pause in seconds between two attempts. A next attempt that lies further ahead was dated before the clock was
set back, and counts as due: otherwise the film would wait until then, for years if the clock was that wrong."""


class Queue:
    """The queue in a folder, which is created if it is missing. Raises `UsageError` if it cannot be opened.

    `remember_h`: hours for which the digest of a finished instance is kept. `fingerprint` names model and options: an
    instance that was finished with others is read again. It is empty until the models are loaded; then an instance that
    was finished with any is a duplicate, so that `recover` does not deliver its results twice.
    """

    def __init__(
        self,
        folder: Path,
        *,
        remember_h: float = 24,
        max_instances: int = 1_000_000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.spool = Spool(folder)
        self.fingerprint = ""
        self.database = Database(folder / "queue.sqlite")
        self._remember_s = remember_h * 3_600
        self._max_instances = max_instances
        self.now = clock

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    # ------------------------------------------------------------------ reception

    def add(self, file: Path, reception: Reception) -> int | None:
        """Move a received file into the queue; returns its id, None for a duplicate. Afterwards it is on the disk.

        A duplicate has the same bytes as an instance in the queue, or as one that was finished in the last
        `remember_h` hours with the same fingerprint; its file is deleted. If the instance or its deliveries are dead
        letters, they are tried again. Raises `Busy` if the queue is full, and `DiskFull`.
        """
        digest = digest_of(file)
        if self._is_duplicate(digest):
            self._retry_failed(digest)
            delete_quietly(file)
            return None
        if self.database.count("SELECT COUNT(*) FROM instance") >= self._max_instances:
            raise Busy(message("The queue is full."))
        size = file.stat().st_size
        name = self.spool.store_film(file, reception.calling_ae)
        return self._insert(name, digest, size, reception)

    def _insert(self, name: str, digest: bytes, size: int, reception: Reception) -> int | None:
        columns = {
            "state": "received",
            "file": name,
            "digest": digest,
            "calling_ae": reception.calling_ae,
            "sop_class": reception.sop_class,
            "transfer_syntax": reception.transfer_syntax,
            "size": size,
            "received_at": self.now(),
        }
        statement = f"INSERT INTO instance ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        try:
            with self.database.transaction() as connection:
                return connection.execute(statement, tuple(columns.values())).lastrowid
        except BaseException as error:
            delete_quietly(self.spool.films / name)
            # Another association was faster with the same bytes. Any other violation is an error: the film is not here.
            if isinstance(error, sqlite3.IntegrityError) and self._is_duplicate(digest):
                return None
            raise

    def _is_duplicate(self, digest: bytes) -> bool:
        return bool(
            self.database.query("SELECT 1 FROM instance WHERE digest = ?", digest)
            or self.database.query(
                "SELECT 1 FROM remembered WHERE digest = ? AND ? IN ('', fingerprint) AND until > ?",
                digest,
                self.fingerprint,
                self.now(),
            )
        )

    def _retry_failed(self, digest: bytes) -> None:
        """Put the dead letters of these bytes back into the queue: their sender repeats the film."""
        rows = self.database.query(
            "SELECT id FROM instance WHERE digest = ? AND (state = 'failed' OR EXISTS "
            "(SELECT 1 FROM delivery WHERE instance_id = instance.id AND delivery.state = 'failed'))",
            digest,
        )
        for row in rows:
            with self.database.transaction() as connection:
                connection.execute(
                    "UPDATE instance SET state = 'received', attempts = 0, next_attempt_at = 0, failed_at = NULL "
                    "WHERE id = ? AND state = 'failed'",
                    (row["id"],),
                )
                connection.execute(
                    "UPDATE delivery SET state = 'waiting', attempts = 0, next_attempt_at = 0, waiting_since = ?, "
                    "failed_at = NULL WHERE instance_id = ? AND state = 'failed'",
                    (self.now(), row["id"]),
                )

    # ------------------------------------------------------------------ prediction

    def waiting_instances(self, limit: int, without: Collection[int] = ()) -> list[Instance]:
        """The oldest films that wait for their results and may be tried now, except those with the ids `without`."""
        now = self.now()
        rows = self.database.query(
            "SELECT * FROM instance WHERE state = 'received' AND (next_attempt_at <= ? OR next_attempt_at > ?) "
            "ORDER BY id LIMIT ?",
            now,
            now + MAX_PAUSE_S,
            limit + len(without),
        )
        return [self._instance(row) for row in rows if row["id"] not in without][:limit]

    def instance(self, instance_id: int) -> Instance | None:
        """The film with this id, if it waits for its results."""
        rows = self.database.query("SELECT * FROM instance WHERE id = ? AND state = 'received'", instance_id)
        return self._instance(rows[0]) if rows else None

    def complete(self, instance: Instance, results: Sequence[Result]) -> bool:
        """Store the results of a film and their deliveries in one transaction; then the film itself is deleted.

        False, without effect, if the film has results already. Without a delivery the instance is finished. Raises
        `DiskFull`; then the files of the results are deleted: they would keep the space that deliveries need to be
        recorded, and only recorded deliveries free space.
        """
        try:
            changed = self._complete(instance, results)
        except DiskFull as error:
            if is_undone(error) and self.instance(instance.id) is not None:
                for result in results:
                    delete_quietly(self.spool.results / _name_of(instance, result))
            raise
        if changed:
            delete_quietly(instance.path)
        return changed

    def _complete(self, instance: Instance, results: Sequence[Result]) -> bool:
        rows = []
        for result in results:
            name = _name_of(instance, result)
            if result.destinations:
                self.spool.store_result(name, result.data)
            values = (result.kind, name, result.sop_class, result.sop_instance, self.now())
            rows += [(instance.id, destination, *values) for destination in result.destinations]
        if rows:
            sync_folder(self.spool.results)
        with self.database.transaction() as connection:
            changed = connection.execute(
                "UPDATE instance SET state = 'predicted', fingerprint = ?, error = '' "
                "WHERE id = ? AND state = 'received'",
                (self.fingerprint, instance.id),
            ).rowcount
            if changed:
                connection.executemany(
                    "INSERT INTO delivery (instance_id, destination, kind, file, sop_class, sop_instance, "
                    "waiting_since, state) VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting')",
                    rows,
                )
                self.finish_if_delivered(connection, instance.id)
        return bool(changed)

    def delete_completed(self, instance: Instance) -> bool:
        """Delete the file of a film that has results, as `complete` does; False if it has none.

        For a worker that ended after its transaction: the file would stay until the next start of the service.
        """
        if self.database.query("SELECT 1 FROM instance WHERE id = ? AND state IN ('received', 'failed')", instance.id):
            return False
        delete_quietly(instance.path)
        return True

    def postpone(self, instance_id: int, error: str, delay_s: float, *, counts: bool = True) -> None:
        """Try a film again in `delay_s` seconds; `error` is a code. `counts`: whether this was one of its attempts."""
        with self.database.transaction() as connection:
            connection.execute(
                "UPDATE instance SET attempts = attempts + ?, error = ?, next_attempt_at = ? "
                "WHERE id = ? AND state = 'received'",
                (int(counts), error, self.now() + delay_s, instance_id),
            )

    def fail(self, instance_id: int, error: str) -> None:
        """Make a film a dead letter; `error` is a code."""
        with self.database.transaction() as connection:
            connection.execute(
                "UPDATE instance SET state = 'failed', attempts = attempts + 1, error = ?, failed_at = ? "
                "WHERE id = ? AND state = 'received'",
                (error, self.now(), instance_id),
            )

    # ------------------------------------------------------------------ delivery

    def due_deliveries(self, destination: str, limit: int) -> list[Delivery]:
        """The oldest deliveries for a destination that may be tried now."""
        now = self.now()
        rows = self.database.query(
            "SELECT delivery.*, received_at, calling_ae FROM delivery JOIN instance ON instance.id = instance_id "
            "WHERE destination = ? AND delivery.state = 'waiting' "
            "AND (delivery.next_attempt_at <= ? OR delivery.next_attempt_at > ?) ORDER BY delivery.id LIMIT ?",
            destination,
            now,
            now + MAX_PAUSE_S,
            limit,
        )
        return [self._delivery(row) for row in rows]

    def next_delivery_at(self, destination: str) -> float | None:
        """Time at which the next delivery for a destination may be tried; None if none waits."""
        rows = self.database.query(
            "SELECT MIN(next_attempt_at) FROM delivery WHERE destination = ? AND state = 'waiting'", destination
        )
        return None if rows[0][0] is None else float(rows[0][0])

    def deliver(self, delivery: Delivery) -> bool:
        """Record that the destination has the object; True if this was the last delivery of its film.

        Then the instance is finished: its rows and files are deleted, and its digest is remembered.
        """
        with self.database.transaction() as connection:
            connection.execute(
                "UPDATE delivery SET state = 'delivered', error = '' WHERE id = ? AND state <> 'delivered'",
                (delivery.id,),
            )
            files = self.finish_if_delivered(connection, delivery.instance_id)
        for name in files:
            delete_quietly(self.spool.results / name)
        return bool(files)

    def postpone_delivery(self, delivery_id: int, error: str, delay_s: float, *, counts: bool = True) -> None:
        """Try a delivery again in `delay_s` seconds; `error` says why, without data of the object.

        `counts`: whether this was one of its attempts.
        """
        with self.database.transaction() as connection:
            connection.execute(
                "UPDATE delivery SET attempts = attempts + ?, error = ?, next_attempt_at = ? "
                "WHERE id = ? AND state = 'waiting'",
                (int(counts), error, self.now() + delay_s, delivery_id),
            )

    def fail_delivery(self, delivery_id: int, error: str) -> None:
        """Make a delivery a dead letter; `error` says why, without data of the object."""
        with self.database.transaction() as connection:
            connection.execute(
                "UPDATE delivery SET state = 'failed', attempts = attempts + 1, error = ?, failed_at = ? "
                "WHERE id = ? AND state = 'waiting'",
                (error, self.now(), delivery_id),
            )

    def finish_if_delivered(self, connection: sqlite3.Connection, instance_id: int) -> list[str]:
        """Delete the rows of an instance whose deliveries are all done; returns the names of their files."""
        rows = connection.execute("SELECT state, file FROM delivery WHERE instance_id = ?", (instance_id,)).fetchall()
        if any(row["state"] != "delivered" for row in rows):
            return []
        if self._remember_s:
            connection.execute(
                "INSERT OR REPLACE INTO remembered SELECT digest, fingerprint, ? FROM instance WHERE id = ?",
                (self.now() + self._remember_s, instance_id),
            )
        connection.execute("DELETE FROM delivery WHERE instance_id = ?", (instance_id,))
        connection.execute("DELETE FROM instance WHERE id = ?", (instance_id,))
        return list(dict.fromkeys(row["file"] for row in rows))

    def _instance(self, row: sqlite3.Row) -> Instance:
        fields = {name: row[name] for name in Instance.__dataclass_fields__ if name != "path"}
        return Instance(path=self.spool.films / row["file"], **fields)

    def _delivery(self, row: sqlite3.Row) -> Delivery:
        fields = {name: row[name] for name in Delivery.__dataclass_fields__ if name != "path"}
        return Delivery(path=self.spool.results / row["file"], **fields)


def _name_of(instance: Instance, result: Result) -> str:
    return f"{instance.path.stem}{result.suffix}"
