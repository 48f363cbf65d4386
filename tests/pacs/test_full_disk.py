"""A disk that is full: what is acknowledged stays in the queue, senders are told to try again, and deliveries go on."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from pneumonia.errors import DiskFull
from pneumonia.pacs import database, spool
from pneumonia.pacs.disk_space import SMALLEST_MB, DiskSpace
from pneumonia.pacs.queue import Queue

from .queue_support import add, files, results
from .scp_support import associated, film, running_scp, send

FULL = OSError(28, "No space left on device")


def test_results_that_do_not_fit_leave_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue(tmp_path)
    add(queue)
    (instance,) = queue.waiting_instances(1)

    def write(path: Path) -> None:
        if path.name.endswith(".sc.dcm.partial"):
            raise FULL

    monkeypatch.setattr(spool, "sync_to_disk", write)
    with pytest.raises(DiskFull):
        queue.complete(instance, results("archive"))
    assert files(queue) == [instance.path.name]
    monkeypatch.undo()
    assert queue.complete(instance, results("archive")) and len(files(queue)) == 2


def error_of(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(("code", "kept"), [(sqlite3.SQLITE_FULL, 1), (sqlite3.SQLITE_IOERR, 3)])
def test_results_of_a_transaction_that_may_count_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, kept: int
) -> None:
    queue = Queue(tmp_path)
    add(queue)
    (instance,) = queue.waiting_instances(1)

    def fail(*_: Any) -> None:
        with database._translate_full_disk():
            raise error_of(code)

    monkeypatch.setattr(queue, "finish_if_delivered", fail)
    with pytest.raises(DiskFull):
        queue.complete(instance, results("archive"))
    assert len(files(queue)) == kept


def test_results_that_another_worker_has_stored_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue(tmp_path)
    add(queue)
    (instance,) = queue.waiting_instances(1)
    queue.complete(instance, results("archive"))

    def write(_: Path) -> None:
        raise FULL

    monkeypatch.setattr(spool, "sync_to_disk", write)
    with pytest.raises(DiskFull):
        queue.complete(instance, results("archive"))
    assert len(files(queue)) == 2


def test_a_queue_is_opened_without_a_write(tmp_path: Path) -> None:
    Queue(tmp_path).close()
    reader = Queue(tmp_path)
    assert reader.database.query("PRAGMA data_version") and not (tmp_path / "queue.sqlite-wal").stat().st_size


def use_free_bytes(monkeypatch: pytest.MonkeyPatch, *values: int) -> None:
    """The free bytes of the disk, one value for each query; the last one for all further ones."""
    remaining = list(values)

    class Usage:
        @property
        def free(self) -> int:
            return remaining.pop(0) if len(remaining) > 1 else remaining[0]

    monkeypatch.setattr("pneumonia.pacs.disk_space.shutil.disk_usage", lambda folder: Usage())


def test_some_space_is_kept_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    use_free_bytes(monkeypatch, SMALLEST_MB * 1_000_000 - 1)
    assert DiskSpace(Path(), 0).is_low() and not DiskSpace(Path(), 0).is_full()
    use_free_bytes(monkeypatch, 999_999)
    assert DiskSpace(Path(), 0).is_full()


def test_an_object_that_began_on_a_full_disk_is_out_of_resources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if there is space again at its end: it was not stored, and must not look like a damaged one."""
    with running_scp(tmp_path) as running:
        use_free_bytes(monkeypatch, 2_000_000, 2_000_000, 10**12)  # request, beginning of the object, its end
        assert send(running.port, film(), film()) == [0xA700, 0x0000]
        assert running.events.outcomes == ["refused:disk_low", "stored"]


def test_without_any_space_associations_are_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_scp(tmp_path) as running:
        use_free_bytes(monkeypatch, 0)
        with associated(running.port, film()) as association:
            assert association.is_rejected
