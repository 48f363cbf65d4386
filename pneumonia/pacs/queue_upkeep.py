"""Upkeep of the queue: recovery at the start, expiry, dead letters and counts. For the service and for its commands."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from ..messages import message
from .queue import Queue, Reception
from .spool import delete_quietly

_DAY_S = 86_400
_FILM, _DELIVERY = "film", "delivery"


@dataclass(frozen=True)
class DeadLetter:
    """A film that could not be read, or a result that could not be delivered. `id` is that of `retry`."""

    id: str
    what: str
    destination: str
    attempts: int
    error: str
    failed_at: float


@dataclass(frozen=True)
class RecoveryCounts:
    """What `recover` did: numbers of films that it added to the queue, of files that it deleted, and of results that it
    moved to `undelivered`.
    """

    adopted: int
    deleted: int
    undelivered: int = 0


def recover(queue: Queue, read_reception: Callable[[Path], Reception | None]) -> RecoveryCounts:
    """Delete what a killed service left behind; call it before the first association, with no other service running.

    A film without a row was not acknowledged, or the database is lost: it is added to the queue, where it is a
    duplicate if the sender repeats it. `read_reception` reads what its file says about it; None deletes the file, and
    one for which it raises `OSError` stays. Results without rows are made again from their film, unless the database is
    lost: then they are moved to `undelivered`.
    """
    # The mark outlasts a kill, after which the next start would otherwise delete the results that were not moved yet.
    is_lost = not queue.database.is_recovered
    undelivered = queue.spool.move_results(except_for=_result_files(queue)) if is_lost else 0
    deleted = queue.spool.delete_incoming()
    rows = queue.database.query("SELECT file, state FROM instance")
    deleted += sum(delete_quietly(queue.spool.films / row["file"]) for row in rows if row["state"] == "predicted")
    adopted = 0
    for film in queue.spool.unknown_films(row["file"] for row in rows):
        try:
            reception = read_reception(film)
        except OSError:  # the next start may be able to read it
            continue
        if reception is not None and queue.add(film, reception) is not None:
            adopted += 1
        else:
            deleted += delete_quietly(film)
    deleted += queue.spool.delete_unknown_results(_result_files(queue))
    if is_lost:
        queue.database.mark_recovered()
    return RecoveryCounts(adopted, deleted, undelivered)


def expire(queue: Queue, keep_failed_days: float) -> int:
    """Delete remembered digests and dead letters whose time is over; 0 days: dead letters are kept.

    Returns the number of dead letters deleted.
    """
    now = queue.now()
    with queue.database.transaction() as connection:
        connection.execute("DELETE FROM remembered WHERE until <= ?", (now,))
    if not keep_failed_days:
        return 0
    return sum(
        discard(queue, letter.id)
        for letter in dead_letters(queue)
        if letter.failed_at <= now - keep_failed_days * _DAY_S
    )


def counts(queue: Queue) -> dict[str, int]:
    """Number of films by state: `received`, `predicted`, `failed`."""
    rows = queue.database.query("SELECT state, COUNT(*) FROM instance GROUP BY state")
    return {"received": 0, "predicted": 0, "failed": 0, **{row[0]: row[1] for row in rows}}


def delivery_counts(queue: Queue) -> dict[tuple[str, str], int]:
    """Number of deliveries by (destination, state); the state is `waiting`, `delivered` or `failed`.

    Delivered ones are counted until all deliveries of their film are done.
    """
    rows = queue.database.query("SELECT destination, state, COUNT(*) FROM delivery GROUP BY destination, state")
    return {(row[0], row[1]): row[2] for row in rows}


def oldest_received_at(queue: Queue) -> float | None:
    """Time at which the oldest film that is not a dead letter was received; None if the queue is empty."""
    rows = queue.database.query("SELECT MIN(received_at) FROM instance WHERE state <> 'failed'")
    return None if rows[0][0] is None else float(rows[0][0])


def dead_letters(queue: Queue) -> list[DeadLetter]:
    """Films that could not be read and results that could not be delivered, oldest first."""
    films = queue.database.query("SELECT * FROM instance WHERE state = 'failed'")
    deliveries = queue.database.query("SELECT * FROM delivery WHERE state = 'failed'")
    letters = [_letter(_FILM, row, "", "film") for row in films]
    letters += [_letter(_DELIVERY, row, row["destination"], row["kind"]) for row in deliveries]
    return sorted(letters, key=lambda letter: letter.failed_at)


def retry(queue: Queue, letter_id: str | None) -> int:
    """Put a dead letter back into the queue, or all; returns the number. Raises `UsageError` for an unknown id."""
    now = queue.now()
    with queue.database.transaction() as connection:
        return _change_letters(
            connection,
            letter_id,
            "UPDATE instance SET state = 'received', attempts = 0, next_attempt_at = 0, failed_at = NULL",
            f"UPDATE delivery SET state = 'waiting', attempts = 0, next_attempt_at = 0, waiting_since = {now}, "
            "failed_at = NULL",
        )


def discard(queue: Queue, letter_id: str) -> int:
    """Delete a dead letter with its files: nobody gets this result. Raises `UsageError` for an unknown id."""
    film = queue.database.query("SELECT file FROM instance WHERE 'film-' || id = ? AND state = 'failed'", letter_id)
    with queue.database.transaction() as connection:
        # The other deliveries of the film continue; the last one finishes it.
        number = _change_letters(
            connection, letter_id, "DELETE FROM instance", "UPDATE delivery SET state = 'delivered', failed_at = NULL"
        )
        owners = connection.execute("SELECT instance_id FROM delivery WHERE 'delivery-' || id = ?", (letter_id,))
        files = [name for row in owners.fetchall() for name in queue.finish_if_delivered(connection, row[0])]
    for row in film:
        delete_quietly(queue.spool.films / row["file"])
    for name in files:
        delete_quietly(queue.spool.results / name)
    return number


def _change_letters(
    connection: sqlite3.Connection, letter_id: str | None, film_change: str, delivery_change: str
) -> int:
    changed = 0
    for prefix, change in ((_FILM, film_change), (_DELIVERY, delivery_change)):
        changed += connection.execute(
            f"{change} WHERE state = 'failed' AND (? IS NULL OR '{prefix}-' || id = ?)", (letter_id, letter_id)
        ).rowcount
    if letter_id is not None and not changed:
        raise UsageError(
            message(
                "No such dead letter. Allowed: an id of `pacs failed`, e.g. film-12. Received: {received}.",
                received=letter_id,
            )
        )
    return changed


def _letter(prefix: str, row: sqlite3.Row, destination: str, what: str) -> DeadLetter:
    return DeadLetter(f"{prefix}-{row['id']}", what, destination, row["attempts"], row["error"], row["failed_at"] or 0)


def _result_files(queue: Queue) -> list[str]:
    return [row["file"] for row in queue.database.query("SELECT DISTINCT file FROM delivery")]
