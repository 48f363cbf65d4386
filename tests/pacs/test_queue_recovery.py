"""Recovery of the queue at the start: files without rows, a lost database, what associations left behind."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from pneumonia.pacs import queue_upkeep, spool
from pneumonia.pacs.queue import Queue, Reception

from .queue_support import add, files, no_meta, results, write_incoming


def test_a_film_that_the_disk_does_not_return_is_not_deleted(tmp_path: Path) -> None:
    def fail(path: Path) -> Reception | None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    queue = Queue(tmp_path)
    film = queue.spool.films / "a.dcm"
    film.write_bytes(b"film")
    assert queue_upkeep.recover(queue, fail) == queue_upkeep.RecoveryCounts(adopted=0, deleted=0)
    assert film.exists()
    assert queue_upkeep.recover(queue, no_meta).adopted == 1


def test_a_film_that_is_left_over_from_a_finished_instance_is_not_delivered_again(tmp_path: Path) -> None:
    """A worker was killed behind the transaction of its results and before it deleted the film."""
    queue = Queue(tmp_path)
    queue.fingerprint = "model"
    add(queue)
    (film,) = queue.waiting_instances(1)
    queue.complete(film, results("archive"))
    film.path.write_bytes(b"film")
    for delivery in queue.due_deliveries("archive", 10):
        queue.deliver(delivery)
    queue.close()
    queue = Queue(tmp_path)
    assert queue_upkeep.recover(queue, no_meta) == queue_upkeep.RecoveryCounts(adopted=0, deleted=0)
    assert files(queue) == []


def test_a_lost_database_loses_neither_film_nor_result(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    add(queue, b"predicted")
    queue.complete(queue.waiting_instances(1)[0], results("archive"))
    add(queue)
    queue.close()
    for path in tmp_path.glob("queue.sqlite*"):
        path.unlink()
    queue = Queue(tmp_path)
    assert queue_upkeep.recover(queue, no_meta) == queue_upkeep.RecoveryCounts(adopted=1, deleted=0, undelivered=2)
    assert queue.waiting_instances(1)[0].calling_ae == "CR1"
    assert {path.read_bytes() for path in (tmp_path / "undelivered").iterdir()} == {b"report", b"picture"}


def test_a_kill_during_the_recovery_of_a_lost_database_loses_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = Queue(tmp_path)
    add(queue)
    queue.complete(queue.waiting_instances(1)[0], results("archive"))
    queue.close()
    for path in tmp_path.glob("queue.sqlite*"):
        path.unlink()
    queue = Queue(tmp_path)
    rename_file = spool.rename_file

    def rename_one(source: Path, target: Path) -> None:
        rename_file(source, target)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(spool, "rename_file", rename_one)
        queue_upkeep.recover(queue, no_meta)
    queue.close()
    queue = Queue(tmp_path)
    assert queue_upkeep.recover(queue, no_meta).undelivered == 1
    assert {path.read_bytes() for path in (tmp_path / "undelivered").iterdir()} == {b"report", b"picture"}


def test_what_associations_left_behind_is_deleted(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    queue_upkeep.recover(queue, no_meta)
    queue.close()
    queue = Queue(tmp_path)
    write_incoming(queue)
    (queue.spool.results / "a.sr.dcm").write_bytes(b"")
    assert queue_upkeep.recover(queue, no_meta).deleted == 2
    assert files(queue) == []
