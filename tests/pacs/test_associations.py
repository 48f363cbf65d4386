"""Associations with the storage SCP: which peers may open one, how many, and when one is aborted."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from pneumonia.pacs import transfers
from pneumonia.pacs.configuration import Peer

from ..support import upper_layer
from ..support.upper_layer import ABORTED, CLOSED
from ..support.upper_layer import Peer as RawPeer
from ..support.wait import until
from .scp_support import CALLING, associated, await_end, encoded, film, running_scp, send

pytestmark = pytest.mark.usefixtures("no_thread_left")


@pytest.mark.parametrize(
    ("peers", "calling", "called", "outcome"),
    [
        ((Peer("OTHER"),), CALLING, "PNEUMONIA", "calling_ae_title"),
        ((Peer(CALLING, ("10.9.8.7",)),), CALLING, "PNEUMONIA", "calling_ae_title"),
        ((Peer(CALLING),), CALLING, "SOMEBODY", "called_ae_title"),
    ],
)
def test_who_is_not_allowed_is_rejected(
    tmp_path: Path, peers: tuple[Peer, ...], calling: str, called: str, outcome: str
) -> None:
    with running_scp(tmp_path, peers=peers) as running:
        with associated(running.port, film(), calling=calling, called=called) as association:
            assert association.is_rejected
        assert await_end(running) == [outcome]


@pytest.mark.slow
def test_without_peers_any_title_of_this_machine_may_send(tmp_path: Path) -> None:
    with running_scp(tmp_path, peers=()) as running:
        assert send(running.port, film(), calling="WHOEVER") == [0x0000]


def test_associations_are_limited_in_total_and_for_each_peer(tmp_path: Path) -> None:
    one = film()
    with running_scp(tmp_path, limits={"max_associations_per_peer": 2}) as running:
        with associated(running.port, one), associated(running.port, one):
            with associated(running.port, one) as third:
                assert third.is_rejected
            assert await_end(running) == ["too_many_of_peer"]
        await_end(running, 3)
        with associated(running.port, one) as again:
            assert again.is_established


@pytest.mark.slow
def test_associations_are_limited_in_total(tmp_path: Path) -> None:
    one = film()
    with (
        running_scp(tmp_path, limits={"max_associations": 1}) as running,
        associated(running.port, one),
        associated(running.port, one) as second,
    ):
        assert second.is_rejected


@pytest.mark.slow
def test_an_idle_association_is_aborted(tmp_path: Path) -> None:
    with running_scp(tmp_path, limits={"idle_timeout_s": 0.3}) as running, RawPeer(running.port) as peer:
        peer.associate(CALLING)
        assert peer.receive() in {ABORTED, CLOSED}
        assert await_end(running) == ["aborted"]


@pytest.mark.slow
def test_an_object_that_never_ends_is_aborted(tmp_path: Path) -> None:
    with running_scp(tmp_path, limits={"object_timeout_s": 0.3}) as running, RawPeer(running.port) as peer:
        peer.associate(CALLING)
        peer.send(upper_layer.store_command("1.2.3"))
        while peer.send(upper_layer.data(b"x" * 100, 3, command=False, last=False)):
            if running.events.connections:
                break
        assert peer.receive() in {ABORTED, CLOSED}
        assert running.events.connections == ["object_timeout"]


@pytest.mark.slow
def test_a_command_that_never_ends_is_aborted(tmp_path: Path) -> None:
    with running_scp(tmp_path) as running, RawPeer(running.port) as peer:
        peer.associate(CALLING)
        for _ in range(transfers.MAX_COMMAND_BYTES // 10_000 + 1):
            peer.send(upper_layer.data(b"x" * 10_000, 1, command=True, last=False))
        assert peer.receive() in {ABORTED, CLOSED}
        assert running.events.connections == ["command_too_long"]


@pytest.mark.slow
def test_messages_that_are_not_awaited_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one object is stored, a peer sends many others without a wait for its answers."""
    with running_scp(tmp_path) as running, RawPeer(running.port) as peer:
        is_stored = threading.Event()
        monkeypatch.setattr(running.queue, "add", lambda *_: is_stored.wait(60) and None)
        peer.associate(CALLING)
        sent = film()
        for _ in range(transfers.MAX_UNANSWERED + 2):
            peer.send(upper_layer.store_command(sent.SOPInstanceUID))
            for fragment in upper_layer.fragments(encoded(sent), 3):
                peer.send(fragment)
        assert until(lambda: running.events.connections == ["too_many_messages"])
        is_stored.set()


@pytest.mark.slow
def test_an_aborted_transfer_leaves_a_file_that_upkeep_deletes(tmp_path: Path) -> None:
    with running_scp(tmp_path) as running:
        with RawPeer(running.port) as peer:
            peer.associate(CALLING)
            peer.send(upper_layer.store_command("1.2.3"))
            peer.send(upper_layer.data(b"x" * 100, 3, command=False, last=False))
            peer.send(upper_layer.ABORT)
        assert await_end(running) == ["aborted"]
        assert until(lambda: running.queue.spool.delete_incoming(older_than_s=0) == 1)
        assert running.queue.waiting_instances(1) == []


@pytest.mark.slow
def test_a_stop_lets_an_open_association_end(tmp_path: Path) -> None:
    with running_scp(tmp_path) as running:
        with associated(running.port, film(), film(side=80)) as association:
            assert association.send_c_store(film()).Status == 0
            stopping = threading.Thread(target=running.scp.stop, args=(60,))
            stopping.start()
            assert until(lambda: not running.scp.is_listening)
            assert association.send_c_store(film(side=80)).Status == 0
        stopping.join()
        assert await_end(running) == ["released"]
