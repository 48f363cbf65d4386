"""The queue: each transition, duplicates, dead letters, expiry."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from pneumonia import operating_system
from pneumonia.errors import Busy, UsageError
from pneumonia.operating_system import IS_WINDOWS
from pneumonia.pacs import queue_schema, queue_upkeep
from pneumonia.pacs.queue import Queue, Reception

from .queue_support import RECEPTION, add, files, results, write_incoming


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_the_file_of_a_film_is_deleted_late_only_if_it_has_results(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    for state, is_deleted in (("received", False), ("failed", False), ("predicted", True)):
        add(queue, state.encode())
        instance = queue.waiting_instances(1)[0]
        if state == "failed":
            queue.fail(instance.id, "crashed")
        if state == "predicted":
            queue.complete(instance, results("archive"))
            instance.path.touch()
        assert queue.delete_completed(instance) is is_deleted, state
        assert instance.path.exists() is not is_deleted, state
        if state == "received":
            queue.fail(instance.id, "crashed")


def test_a_film_is_received_predicted_delivered_and_then_forgotten(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    assert add(queue) is not None
    (instance,) = queue.waiting_instances(10)
    assert (instance.path.read_bytes(), instance.calling_ae, instance.size) == (b"film", "CR1", 4)
    assert queue.complete(instance, results("archive", "ward"))
    assert not instance.path.exists()  # the results have all that is delivered
    assert queue_upkeep.counts(queue) == {"received": 0, "predicted": 1, "failed": 0}

    deliveries = [*queue.due_deliveries("archive", 10), *queue.due_deliveries("ward", 10)]
    assert [delivery.path.read_bytes() for delivery in deliveries] == [b"report", b"picture"] * 2
    assert [queue.deliver(delivery) for delivery in deliveries] == [False, False, False, True]
    assert queue_upkeep.counts(queue) == {"received": 0, "predicted": 0, "failed": 0}
    assert files(queue) == []
    assert queue.deliver(deliveries[-1]) is False


def test_results_are_stored_once(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    add(queue)
    (instance,) = queue.waiting_instances(10)
    assert queue.complete(instance, results("archive"))
    assert not queue.complete(instance, results("archive"))
    assert len(queue.due_deliveries("archive", 10)) == 2


def test_a_film_without_destination_is_finished(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    add(queue)
    assert queue.complete(queue.waiting_instances(1)[0], results())
    assert files(queue) == []
    assert add(queue) is None  # remembered


def test_the_same_bytes_are_a_duplicate_while_they_wait_and_while_they_are_remembered(tmp_path: Path) -> None:
    clock = Clock()
    queue = Queue(tmp_path, remember_h=2, clock=clock)
    queue.fingerprint = "model 1"
    assert add(queue) is not None
    assert add(queue) is None
    queue.complete(queue.waiting_instances(1)[0], results("archive"))
    assert add(queue) is None
    for delivery in queue.due_deliveries("archive", 10):
        queue.deliver(delivery)
    clock.now += 3_600
    assert add(queue) is None
    queue.fingerprint = "model 2"
    assert add(queue) is not None  # another model may answer differently
    (again,) = queue.waiting_instances(1)
    queue.fail(again.id, "crashed")
    queue_upkeep.discard(queue, f"film-{again.id}")
    queue.fingerprint = "model 1"
    clock.now += 3_601
    assert add(queue) is not None
    assert add(queue, b"other content") is not None
    assert len(files(queue)) == 2


def test_nothing_is_remembered_at_0_hours(tmp_path: Path) -> None:
    queue = Queue(tmp_path, remember_h=0)
    for _ in range(2):
        assert add(queue) is not None
        queue.complete(queue.waiting_instances(1)[0], results())


def test_only_a_duplicate_is_acknowledged_without_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue(tmp_path)
    assert add(queue) is not None
    with monkeypatch.context() as patch:  # the same bytes arrive over another association at this moment
        answers = iter([False, True])
        patch.setattr(queue, "_is_duplicate", lambda digest: next(answers))
        assert add(queue) is None
    unknown = Reception("CR1", None, "1.2.3", "1.2.840.10008.1.2.1")  # type: ignore[arg-type]  # violates NOT NULL
    with pytest.raises(sqlite3.IntegrityError):
        queue.add(write_incoming(queue, b"second"), unknown)
    assert len(files(queue)) == 1


def test_a_full_queue_is_busy(tmp_path: Path) -> None:
    queue = Queue(tmp_path, max_instances=1)
    add(queue)
    with pytest.raises(Busy):
        add(queue, b"second")
    assert add(queue) is None  # a duplicate needs no room


def test_a_postponed_film_waits(tmp_path: Path) -> None:
    clock = Clock()
    queue = Queue(tmp_path, clock=clock)
    add(queue)
    (instance,) = queue.waiting_instances(1)
    queue.postpone(instance.id, "internal", 30)
    assert queue.waiting_instances(1) == []
    clock.now += 30
    assert queue.waiting_instances(1)[0].attempts == 1
    assert queue.waiting_instances(1, without=[instance.id]) == []
    queue.postpone(instance.id, "disk_full", 0, counts=False)
    assert queue.waiting_instances(1)[0].attempts == 1


def test_dead_letters_are_listed_retried_and_discarded(tmp_path: Path) -> None:
    clock = Clock()
    queue = Queue(tmp_path, clock=clock)
    add(queue)
    (instance,) = queue.waiting_instances(1)
    queue.fail(instance.id, "crashed")
    (letter,) = queue_upkeep.dead_letters(queue)
    assert (letter.id, letter.what, letter.error, letter.attempts) == ("film-1", "film", "crashed", 1)
    assert queue.waiting_instances(1) == []
    assert queue_upkeep.retry(queue, "film-1") == 1
    queue.complete(queue.waiting_instances(1)[0], results("archive"))

    report, picture = queue.due_deliveries("archive", 10)
    queue.fail_delivery(report.id, "A900")
    queue.fail_delivery(picture.id, "A900")
    letters = queue_upkeep.dead_letters(queue)
    assert [(letter.id, letter.what, letter.destination) for letter in letters] == [
        ("delivery-1", "dicom-sr", "archive"),
        ("delivery-2", "secondary-capture", "archive"),
    ]
    clock.now += 50
    assert queue_upkeep.retry(queue, "delivery-1") == 1
    assert queue.due_deliveries("archive", 10)[0].waiting_since == clock.now
    assert queue_upkeep.discard(queue, "delivery-2") == 1
    assert queue.deliver(queue.due_deliveries("archive", 10)[0])
    assert files(queue) == []
    with pytest.raises(UsageError, match="Received: film-1"):
        queue_upkeep.retry(queue, "film-1")


def test_a_film_among_the_dead_letters_is_tried_again_when_it_is_sent_again(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    queue.fail(add(queue) or 0, "crashed")
    assert add(queue) is None
    (instance,) = queue.waiting_instances(10)
    assert instance.attempts == 0
    queue.complete(instance, results("archive", "ward"))
    queue.fail_delivery(queue.due_deliveries("ward", 1)[0].id, "0122H")
    assert add(queue) is None
    assert queue_upkeep.dead_letters(queue) == []
    assert len(queue.due_deliveries("ward", 10)) == 2


def test_all_dead_letters_are_retried(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    for data in (b"1", b"2"):
        queue.fail(add(queue, data) or 0, "crashed")
    assert queue_upkeep.retry(queue, None) == 2
    assert len(queue.waiting_instances(10)) == 2


def test_a_discarded_film_leaves_nothing(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    queue.fail(add(queue) or 0, "crashed")
    assert queue_upkeep.discard(queue, "film-1") == 1
    assert files(queue) == []


def test_dead_letters_expire(tmp_path: Path) -> None:
    clock = Clock()
    queue = Queue(tmp_path, clock=clock)
    queue.fail(add(queue) or 0, "crashed")
    clock.now += 86_400
    assert queue_upkeep.expire(queue, keep_failed_days=0) == 0
    assert queue_upkeep.expire(queue, keep_failed_days=2) == 0
    assert queue_upkeep.expire(queue, keep_failed_days=1) == 1
    assert files(queue) == []


def test_a_delivery_is_postponed_for_its_destination_only(tmp_path: Path) -> None:
    clock = Clock()
    queue = Queue(tmp_path, clock=clock)
    add(queue)
    queue.complete(queue.waiting_instances(1)[0], results("archive", "ward"))
    for delivery in queue.due_deliveries("archive", 10):
        queue.postpone_delivery(delivery.id, "refused", 60)
    assert queue.due_deliveries("archive", 10) == []
    assert queue.next_delivery_at("archive") == clock.now + 60
    assert len(queue.due_deliveries("ward", 10)) == 2
    assert queue.next_delivery_at("other") is None
    assert queue_upkeep.delivery_counts(queue) == {("archive", "waiting"): 2, ("ward", "waiting"): 2}
    assert queue_upkeep.oldest_received_at(queue) == clock.now


def test_a_clock_that_is_set_back_delays_no_film_and_no_delivery(tmp_path: Path) -> None:
    clock = Clock()
    queue = Queue(tmp_path, clock=clock)
    add(queue)
    add(queue, b"second")
    clock.now += 10 * 365 * 86_400  # the battery of the clock was empty, and the time server was not asked yet
    film, other = queue.waiting_instances(2)
    queue.complete(film, results("archive"))
    queue.postpone(other.id, "internal", 30)
    for delivery in queue.due_deliveries("archive", 10):
        queue.postpone_delivery(delivery.id, "refused", 60)
    clock.now -= 10 * 365 * 86_400
    assert [instance.id for instance in queue.waiting_instances(1)] == [other.id]
    assert len(queue.due_deliveries("archive", 10)) == 2


def test_on_windows_the_received_file_stays_for_the_library_that_has_it_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operating_system, "IS_WINDOWS", True)
    queue = Queue(tmp_path)
    received = write_incoming(queue)
    assert queue.add(received, RECEPTION) is not None
    assert received.exists()
    assert queue.waiting_instances(1)[0].path.read_bytes() == b"film"
    assert len(list(queue.spool.films.iterdir())) == 1


@pytest.mark.skipif(IS_WINDOWS, reason="Windows has no permission bits")
def test_only_the_owner_can_read_the_queue(tmp_path: Path) -> None:
    queue = Queue(tmp_path / "queue")
    add(queue)
    queue.complete(queue.waiting_instances(1)[0], results("archive"))
    add(queue, b"second")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "queue").rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert stat.S_IMODE((tmp_path / "queue").stat().st_mode) == 0o700


def test_a_commit_waits_for_the_disk(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    assert queue.database.count("PRAGMA synchronous") == 2  # FULL
    assert queue.database.query("PRAGMA journal_mode")[0][0] == "wal"


def test_a_database_of_another_kind_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "queue.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(UsageError, match="cannot be opened"):
        Queue(tmp_path)


def test_a_newer_database_is_an_error(tmp_path: Path) -> None:
    Queue(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "queue.sqlite")
    connection.execute(f"PRAGMA user_version={queue_schema.VERSION + 1}")
    connection.close()
    with pytest.raises(UsageError, match="version"):
        Queue(tmp_path)
