"""Worker processes: results in the queue, films without an answer, films that end their worker, graceful end."""

from __future__ import annotations

import dataclasses
import errno
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydicom import dcmread

from pneumonia.errors import DiskFull, PneumoniaError
from pneumonia.pacs import queue as queue_module
from pneumonia.pacs import queue_upkeep, worker_pool
from pneumonia.pacs.configuration import Configuration, Results, Retention, Service
from pneumonia.pacs.destinations import Destination
from pneumonia.pacs.queue import Queue, Reception
from pneumonia.pacs.worker_pool import WorkerPool

from ..support.source_films import hospital_film
from ..support.wait import until
from .queue_support import results
from .scp_support import RecordedEvents

DX = "1.2.840.10008.5.1.4.1.1.1.1"
ARCHIVE = Destination("archive", "ARCHIVE", "127.0.0.1")


def configured(folder: Path, **service: object) -> Configuration:
    return Configuration(
        service=dataclasses.replace(Service(folder="queue", workers=1), **service),  # type: ignore[arg-type]
        queue=Retention(max_attempts=2),
        results=Results(kinds=("dicom-sr",)),
        destinations=(ARCHIVE,),
        base=folder,
    )


@contextmanager
def pool(configuration: Configuration, queue: Queue) -> Iterator[tuple[WorkerPool, RecordedEvents]]:
    events = RecordedEvents()
    workers = WorkerPool(configuration, queue, events, lambda: None)
    workers.start()
    try:
        yield workers, events
    finally:
        workers.stop(60)


def add(queue: Queue, data: bytes) -> int:
    path = queue.spool.incoming / "film.dcm"
    path.write_bytes(data)
    return queue.add(path, Reception("MODALITY", DX, "1.2.3", "1.2.840.10008.1.2.1")) or 0


def damaged_film() -> bytes:
    """A film without the end of its pixels."""
    data = hospital_film("Pneumonia")
    return data[: len(data) - 100_000]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/wchan").exists(), reason="shows only on Linux that a process waits for a pipe")
def test_films_get_results_also_those_that_cannot_be_read_and_a_crash_costs_only_its_film(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_pool, "RETRY_S", 0.0)
    configuration = configured(tmp_path)
    queue = Queue(configuration.folder)
    with pool(configuration, queue) as (workers, events):
        assert "dicom-sr" in queue.fingerprint
        add(queue, hospital_film("Pneumonia"))
        add(queue, damaged_film())
        workers.wake()
        assert until(lambda: len(events.films) == 2)
        assert [event.outcome for event in events.films] == ["Pneumonia", "unreadable_image"]
        reports = [dcmread(delivery.path) for delivery in queue.due_deliveries("archive", 10)]
        assert [report.Modality for report in reports] == ["SR", "SR"]
        assert "unreadable_image" in str(reports[1])
        assert not list(queue.spool.films.iterdir())

        # Results cannot refer to invalid identifiers, however often this is tried.
        add(queue, hospital_film("Normal", StudyInstanceUID="1..2"))
        workers.wake()
        assert until(lambda: events.films[-1].outcome == "failed:unsupported_dicom")
        queue_upkeep.discard(queue, queue_upkeep.dead_letters(queue)[0].id)

        # A film that ends its worker: the file is a pipe, so that the worker waits until it is killed.
        poison = queue.instance(add(queue, hospital_film("Normal")))
        assert poison is not None
        poison.path.unlink()
        os.mkfifo(poison.path)
        other = add(queue, hospital_film("Normal", bits=12))
        for _ in range(2):
            assert until(lambda: bool(workers.pids))
            workers.wake()
            (pid,) = workers.pids
            assert until(lambda: is_waiting_for_pipe(pid))  # noqa: B023
            os.kill(pid, signal.SIGKILL)
            assert until(lambda: pid not in workers.pids)  # noqa: B023
        assert until(lambda: any(event.id == other for event in events.films))
        letters = queue_upkeep.dead_letters(queue)
        assert [(letter.id, letter.error) for letter in letters] == [(f"film-{poison.id}", "crashed")]


def is_waiting_for_pipe(pid: int) -> bool:
    return Path(f"/proc/{pid}/wchan").read_text() in {"wait_for_partner", "fifo_open"}


def test_a_model_that_is_missing_stops_the_start(tmp_path: Path) -> None:
    configuration = configured(tmp_path, model=str(tmp_path / "missing"))
    queue = Queue(configuration.folder)
    workers = WorkerPool(configuration, queue, RecordedEvents(), lambda: None)
    with pytest.raises(PneumoniaError):
        workers.start()


@pytest.mark.slow
def test_a_process_that_cannot_be_created_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = configured(tmp_path)
    queue = Queue(configuration.folder)
    processes: list[StandInProcess] = []

    def create(*_: object) -> StandInProcess:
        processes.append(StandInProcess())
        if len(processes) == 2:
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
        return processes[-1]

    monkeypatch.setattr(worker_pool, "WorkerProcess", create)
    with pool(configuration, queue):
        add(queue, b"film")
        assert until(lambda: len(processes) >= 3)


def test_a_film_whose_worker_ended_while_it_waited_is_not_to_blame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = Queue(configured(tmp_path).folder)
    processes: list[StandInProcess] = []

    def create(*_: object) -> StandInProcess:
        processes.append(StandInProcess(is_running=len(processes) > 2))
        return processes[-1]

    monkeypatch.setattr(worker_pool, "WorkerProcess", create)
    with pool(configured(tmp_path), queue) as (_, events):
        add(queue, b"film")
        assert until(lambda: bool(events.films))
    assert [event.outcome for event in events.films] == ["retry:crashed"]
    assert len(processes) >= 4


def test_a_worker_that_ends_after_it_stored_the_results_leaves_no_film(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was killed between its transaction and the deletion of the film."""
    queue = Queue(configured(tmp_path).folder)

    class Completing(StandInProcess):
        def process(self, instance_id: int) -> None:
            (instance,) = queue.waiting_instances(1)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(queue_module, "delete_quietly", lambda path: False)
                queue.complete(instance, results("archive"))

    monkeypatch.setattr(worker_pool, "WorkerProcess", lambda *_: Completing())
    with pool(configured(tmp_path), queue) as (_, events):
        add(queue, b"film")
        assert until(lambda: not list(queue.spool.films.iterdir()))
    assert queue_upkeep.counts(queue)["predicted"] == 1
    assert len(queue.due_deliveries("archive", 10)) == 2
    assert events.films == [], "it is not tried again"


def test_a_full_disk_restarts_no_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue(configured(tmp_path).folder)
    calls: list[int] = []

    def postpone(instance_id: int, *_: object, **__: object) -> None:
        calls.append(instance_id)
        raise DiskFull("The disk is full.")

    monkeypatch.setattr(queue, "postpone", postpone)
    monkeypatch.setattr(worker_pool, "_ERROR_PAUSE_S", 0.01)
    response = {"error": "disk_full", "is_temporary": True}
    monkeypatch.setattr(worker_pool, "WorkerProcess", lambda *_: StandInProcess(response))
    with pool(configured(tmp_path), queue) as (workers, _):
        film = add(queue, b"film")
        assert until(lambda: len(calls) > 2)
        assert workers.is_alive
    assert set(calls) == {film}
    assert [instance.attempts for instance in queue.waiting_instances(1)] == [0]


@dataclasses.dataclass
class StandInProcess:
    """A worker process that answers each film with `response`; None: it ends at its first film."""

    response: dict[str, object] | None = None
    is_running: bool = True
    pid: int = 1

    def start(self) -> str:
        return "fingerprint"

    def process(self, instance_id: int) -> dict[str, object] | None:
        return self.response

    def stop(self, timeout_s: float) -> None: ...

    def kill(self) -> None: ...
