"""Delivery from the queue to destinations that are up, down, up again, slow, refusing, or break in the middle."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread

from benchmarks.service_process import free_port
from pneumonia.pacs import queue_upkeep
from pneumonia.pacs.back_off import JITTER, RetryPolicy
from pneumonia.pacs.deliveries import Deliveries
from pneumonia.pacs.delivery import DestinationQueue
from pneumonia.pacs.outcome import DELIVERED, Outcome
from pneumonia.pacs.queue import Queue

from .delivery_support import Observer, add_film, configuration, delivering, is_empty
from .storage_peers import abort, scripted_scp, storescp, wait_until


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    queue = Queue(tmp_path / "queue")
    yield queue
    queue.close()


def test_a_destination_gets_each_object_and_the_queue_is_empty(queue: Queue) -> None:
    observer = Observer()
    with scripted_scp() as peer, delivering(queue, configuration(archive=peer.port), observer) as deliveries:
        uids = [uid for number in range(3) for uid in add_film(queue, "archive", number=number)]
        deliveries.wake()
        wait_until(lambda: is_empty(queue))
        assert peer.stored == uids
        # These follow the transaction that empties the queue.
        wait_until(lambda: len(observer.seconds) == 6)
        wait_until(lambda: not list(queue.spool.results.iterdir()))
        assert deliveries.queues[0].state.is_available


def test_a_dead_destination_delays_no_other(queue: Queue) -> None:
    with scripted_scp() as peer, delivering(queue, configuration(dead=free_port(), archive=peer.port)) as deliveries:
        uids = add_film(queue, "dead", "archive")
        deliveries.wake()
        wait_until(lambda: peer.stored == uids)
        wait_until(lambda: not deliveries.queues[0].state.is_available)
        assert deliveries.queues[0].state.reason == "not_reachable"
        expected = {("archive", "delivered"): 2, ("dead", "waiting"): 2}
        wait_until(lambda: queue_upkeep.delivery_counts(queue) == expected)


def test_a_slow_destination_delays_no_other(queue: Queue) -> None:
    released = threading.Event()

    def slow(event: object) -> int:
        released.wait(60)
        return 0x0000

    with scripted_scp([slow]) as slow_peer, scripted_scp() as peer:
        with delivering(queue, configuration(slow=slow_peer.port, archive=peer.port)) as deliveries:
            uids = add_film(queue, "slow", "archive")
            deliveries.wake()
            wait_until(lambda: peer.stored == uids)
            assert slow_peer.stored == []
            released.set()
            wait_until(lambda: is_empty(queue))
        assert slow_peer.stored == uids


def test_a_destination_that_comes_back_gets_everything_once(queue: Queue) -> None:
    port = free_port()
    uids = [uid for number in range(3) for uid in add_film(queue, "archive", number=number)]
    with delivering(queue, configuration(archive=port)) as deliveries:
        wait_until(lambda: not deliveries.queues[0].state.is_available)
        with scripted_scp(port=port) as peer:
            wait_until(lambda: is_empty(queue))
            assert peer.stored == uids
            wait_until(lambda: deliveries.queues[0].state.is_available)


def test_a_destination_without_space_is_tried_again(queue: Queue) -> None:
    uids = add_film(queue, "archive")
    with scripted_scp([0xA700] * 5) as peer, delivering(queue, configuration(archive=peer.port)):
        wait_until(lambda: is_empty(queue))
        assert sorted(peer.stored) == sorted(uids)  # the pauses of both decide about the order


def test_a_refused_object_becomes_a_dead_letter_and_the_others_arrive(queue: Queue) -> None:
    observer = Observer()
    refused, *others = [uid for number in range(3) for uid in add_film(queue, "archive", number=number)]

    with scripted_scp() as peer:
        peer.refused = {refused: 0xC210}
        with delivering(queue, configuration(archive=peer.port), observer):
            wait_until(lambda: bool(queue_upkeep.dead_letters(queue)))
            wait_until(lambda: sorted(peer.stored) == sorted(others))
            (letter,) = queue_upkeep.dead_letters(queue)
            assert (letter.attempts, letter.what, letter.destination) == (3, "dicom-sr", "archive")
            assert letter.error == "C-STORE response C210H: cannot understand."
            wait_until(lambda: observer.given_up == ["cannot_understand"])
            peer.refused = {}
            assert queue_upkeep.retry(queue, letter.id) == 1
            wait_until(lambda: is_empty(queue))
        assert peer.stored[-1] == refused


def test_an_object_for_which_there_is_never_space_does_not_stop_the_others(queue: Queue) -> None:
    refused, *others = [uid for number in range(2) for uid in add_film(queue, "archive", number=number)]
    with scripted_scp() as peer:
        peer.refused = {refused: 0xA700}
        with delivering(queue, configuration(archive=peer.port)):
            wait_until(lambda: sorted(peer.stored) == sorted(others))
            wait_until(lambda: peer.requests > 7)  # more often than `refusals`
            assert queue_upkeep.dead_letters(queue) == []
            peer.refused = {}
            wait_until(lambda: is_empty(queue))


def test_an_object_for_which_there_is_never_space_is_a_dead_letter_after_the_stated_age(tmp_path: Path) -> None:
    clock = [1_000_000.0]
    queue = Queue(tmp_path / "queue", clock=lambda: clock[0])
    refused, other = add_film(queue, "archive")

    def is_tried_again() -> bool:
        clock[0] += 1
        return peer.requests > 4

    def is_given_up() -> bool:
        clock[0] += 1  # the next attempt may have been postponed after the long time had passed
        return len(queue_upkeep.dead_letters(queue)) == 1

    with scripted_scp() as peer:
        peer.refused = {refused: 0xA700}
        with delivering(queue, configuration(archive=peer.port)):
            wait_until(lambda: peer.stored == [other])
            wait_until(is_tried_again)
            assert queue_upkeep.dead_letters(queue) == []
            clock[0] += 73 * 3_600
            wait_until(is_given_up)
    queue.close()


def test_an_object_that_breaks_each_association_does_not_stop_the_others(queue: Queue) -> None:
    broken, *others = [uid for number in range(2) for uid in add_film(queue, "archive", number=number)]
    with scripted_scp() as peer:
        peer.refused = {broken: abort}
        with delivering(queue, configuration(archive=peer.port)):
            wait_until(lambda: bool(queue_upkeep.dead_letters(queue)))
            wait_until(lambda: sorted(peer.stored) == sorted(others))


def test_an_undelivered_object_is_a_dead_letter_after_the_stated_age(tmp_path: Path) -> None:
    clock = [1_000_000.0]
    queue = Queue(tmp_path / "queue", clock=lambda: clock[0])
    observer = Observer()
    add_film(queue, "archive", number=1)
    clock[0] += 71 * 3_600
    add_film(queue, "archive", number=2)
    with delivering(queue, configuration(archive=free_port()), observer) as deliveries:
        wait_until(lambda: not deliveries.queues[0].state.is_available)
        assert queue_upkeep.dead_letters(queue) == []
        clock[0] += 2 * 3_600
        wait_until(lambda: len(queue_upkeep.dead_letters(queue)) == 2)
        wait_until(lambda: len(observer.given_up) == 2)
    assert queue_upkeep.delivery_counts(queue) == {("archive", "failed"): 2, ("archive", "waiting"): 2}
    assert "refused: nothing listens" in queue_upkeep.dead_letters(queue)[0].error
    queue.close()


def test_a_lost_file_is_a_dead_letter(queue: Queue) -> None:
    add_film(queue, "archive")
    next(queue.spool.results.glob("*sr*")).unlink()
    with scripted_scp() as peer, delivering(queue, configuration(archive=peer.port)):
        wait_until(lambda: bool(queue_upkeep.dead_letters(queue)))
        assert len(peer.stored) == 1


def test_an_object_whose_record_was_lost_is_sent_again_with_the_same_uid(queue: Queue) -> None:
    """As after a kill between the response and the record in the queue. A PACS stores one UID once."""
    uids = add_film(queue, "archive")
    (first, _) = queue.due_deliveries("archive", 2)
    with scripted_scp() as peer:
        settings = configuration(archive=peer.port)
        sender = Deliveries.create(settings, queue, Observer()).queues[0]._sender
        assert sender.send(first.path).is_delivered
        with delivering(queue, settings):
            wait_until(lambda: is_empty(queue))
        sender.close()
    assert peer.stored == [uids[0], *uids]


class FailingSender:
    """A bug in a sender: raises for the first object."""

    def __init__(self) -> None:
        self.calls = 0

    def send(self, path: Path) -> Outcome:
        self.calls += 1
        if self.calls == 1:
            raise KeyError(str(dcmread(path).PatientName))
        return DELIVERED

    def close_if_idle(self) -> None: ...

    def close(self) -> None: ...


def test_an_error_of_our_own_stops_no_queue_and_is_logged_without_its_text(
    queue: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    add_film(queue, "archive")
    caplog.set_level(logging.DEBUG)
    destination = configuration(archive=104).destinations[0]
    thread = DestinationQueue(queue, destination, FailingSender(), Observer())
    thread.start()
    wait_until(lambda: is_empty(queue))
    thread.stop()
    assert thread.join(60)
    assert "internal error" in caplog.text
    assert "DOE" not in caplog.text


def test_the_log_has_no_identifiers(queue: Queue, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    uids = add_film(queue, "archive")
    with scripted_scp([0xB000]) as peer, delivering(queue, configuration(archive=peer.port)):
        wait_until(lambda: is_empty(queue))
    own = "\n".join(record.getMessage() for record in caplog.records if record.name == "pneumonia.pacs")
    assert "destination=archive kind=dicom-sr outcome=delivered reason=warning" in own
    assert "B000H: coercion of data elements." in own
    assert not [text for text in ("DOE", "MRN-4711", *uids) if text in own]


def test_objects_for_a_destination_that_was_removed_are_reported(queue: Queue) -> None:
    add_film(queue, "archive", "former")
    assert Deliveries.create(configuration(archive=104), queue, Observer()).waiting_for_unknown(queue) == {"former": 2}


@pytest.mark.parametrize(("failures", "longest"), [(0, 10), (1, 10), (2, 20), (3, 40), (7, 640), (8, 900), (5000, 900)])
def test_pauses_double_up_to_the_maximum_with_jitter(failures: int, longest: float) -> None:
    pauses = [RetryPolicy().pause_s(failures) for _ in range(50)]
    assert max(pauses) <= longest
    assert min(pauses) >= longest * (1 - JITTER)
    assert len(set(pauses)) > 10


def test_dcmtk_down_and_up_again_gets_each_object_once(queue: Queue, tmp_path: Path) -> None:
    port = free_port()
    folder = tmp_path / "stored"
    with delivering(queue, configuration(archive=port)) as deliveries:
        with storescp(folder, port):
            add_film(queue, "archive", number=1)
            deliveries.wake()
            wait_until(lambda: is_empty(queue))
        uids = add_film(queue, "archive", number=2)
        deliveries.wake()
        wait_until(lambda: not deliveries.queues[0].state.is_available)
        with storescp(folder, port):
            wait_until(lambda: is_empty(queue))
    assert {uid for uid in uids if list(folder.glob(f"*{uid}*"))} == set(uids)
    assert len(list(folder.iterdir())) == 4
