"""The TCP server of the storage SCP with peers that send too much, too slowly, or nothing."""

from __future__ import annotations

import select
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("pynetdicom", reason="needs requirements-hospital.txt")

from pneumonia.pacs import guarded_socket  # noqa: E402
from pneumonia.pacs.guarded_socket import MAX_NEGOTIATION_BYTES, GuardedSocket, PduLimits  # noqa: E402

from ..support import upper_layer  # noqa: E402
from ..support.upper_layer import ABORTED, ACCEPT, CLOSED, DATA, Peer, associate, pdu  # noqa: E402
from ..support.wait import until  # noqa: E402
from .served_associations import MAX_PDU, serving  # noqa: E402


@pytest.fixture(autouse=True)
def silence(caplog: pytest.LogCaptureFixture) -> None:
    """pynetdicom logs each broken connection with its traceback."""
    caplog.set_level("CRITICAL", logger="pynetdicom")


def acceptors() -> int:
    return sum("AcceptorThread" in thread.name for thread in threading.enumerate())


def test_a_correct_peer_is_served() -> None:
    with serving() as (port, reasons):
        assert all(upper_layer.is_served(port) for _ in range(5))
    assert reasons == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (pdu(DATA, b"", MAX_PDU + 1), "pdu_too_long"),
        (pdu(DATA, b"", 0xFFFFFFFF), "pdu_too_long"),
        (pdu(0x01, b"", MAX_NEGOTIATION_BYTES + 1), "pdu_too_long"),
        (pdu(0x05, b"", 0xFFFFFFF0), "pdu_too_long"),
    ],
    ids=["data", "4 GiB", "association", "release"],
)
def test_a_pdu_that_announces_too_much_is_aborted_before_it_is_read(content: bytes, reason: str) -> None:
    with serving() as (port, reasons):
        with Peer(port) as peer:
            assert peer.associate() == ACCEPT
            peer.send(content)
            assert peer.receive() in {ABORTED, CLOSED}
        assert reasons == [reason]
        assert upper_layer.is_served(port)


def test_a_pdu_of_the_maximum_length_is_read() -> None:
    with serving() as (port, reasons), Peer(port) as peer:
        assert peer.associate() == ACCEPT
        content = bytes(MAX_PDU - 6)
        peer.send(upper_layer.store_command("1.2.3") + upper_layer.data(content, 3, command=False, last=False))
        peer.send(upper_layer.ABORT)
        assert peer.receive() == CLOSED
    assert reasons == []


@pytest.mark.parametrize("beginning", [b"\x01", associate()[:40], associate() + b"\x04\0\0"], ids=len)
def test_a_peer_that_stops_in_the_middle_of_a_pdu_is_disconnected(beginning: bytes) -> None:
    before = acceptors()
    with serving(pdu_timeout_s=0.3, acse_timeout_s=0.3) as (port, reasons):

        def is_disconnected() -> bool:
            with Peer(port) as peer:
                peer.send(beginning)
                while peer.receive() != CLOSED:
                    pass
            return reasons[-1:] == ["pdu_timeout"]

        assert until(is_disconnected), "on a busy machine, the time for the association may be over first"
        assert until(lambda: upper_layer.is_served(port)), "a busy machine may take longer than the limit"
        assert until(lambda: acceptors() <= before)
        assert set(reasons) == {"pdu_timeout"}


def test_a_slow_peer_is_disconnected_although_it_sends_something() -> None:
    """Each byte arrives long before the limit, the whole PDU does not."""
    with serving(pdu_timeout_s=0.5) as (port, reasons), Peer(port) as peer:
        for byte in associate():
            if not peer.send(bytes([byte])) or until(lambda: bool(reasons), timeout_s=0.05):
                break
        assert reasons == ["pdu_timeout"]


def test_nothing_is_read_beyond_a_pdu() -> None:
    """pynetdicom asks the socket whether a PDU waits, and does not know what was received and not returned."""
    first, second = pdu(DATA, bytes(range(250)) * 40), pdu(DATA, b"second")
    sender, receiver = socket.socketpair()
    with sender, GuardedSocket(fileno=receiver.detach()) as guarded:
        guarded.guard(PduLimits(MAX_PDU, 20, 20, lambda reason: None))
        sender.sendall(first + second)
        received = guarded.recv(6)
        while len(received) < len(first):
            part = guarded.recv(min(4096, len(first) - len(received)))
            assert 0 < len(part) <= 4096
            received += part
        assert received == first
        assert select.select([guarded], [], [], 0)[0] == [guarded]
        assert guarded.recv(6) + guarded.recv(len(second) - 6) == second


def test_an_association_ends_after_its_longest_duration(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(association_timeout_s=3_600) as (port, reasons), Peer(port) as peer:
        assert peer.associate() == ACCEPT
        assert peer.send(upper_layer.echo()) and peer.receive() == DATA
        monkeypatch.setattr(guarded_socket, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + 3_601))
        assert until(lambda: not (peer.send(upper_layer.echo()) and peer.receive() == DATA))
        assert reasons == ["association_timeout"]


def test_more_connections_than_allowed_are_closed() -> None:
    with serving(total=3) as (port, reasons):
        peers = [Peer(port) for _ in range(3)]
        assert [peer.associate() for peer in peers] == [ACCEPT] * 3
        with Peer(port) as more:
            assert more.associate() == CLOSED
        assert reasons == ["too_many_connections"]
        for peer in peers:
            peer.socket.close()
        assert until(lambda: upper_layer.is_served(port)), "closed connections do not count"


def test_one_address_does_not_take_all_connections() -> None:
    with serving(total=50, per_address=2) as (port, reasons), Peer(port) as first, Peer(port) as second:
        assert first.associate() == second.associate() == ACCEPT
        with Peer(port) as third:
            assert third.associate() == CLOSED
    assert reasons == ["too_many_connections"]


def test_a_connection_that_the_peer_resets_leaves_no_open_socket() -> None:
    with serving() as (port, _):
        for _ in range(5):
            with Peer(port) as peer:
                assert peer.associate() == ACCEPT
                # With this option, `close` sends a TCP reset.
                peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert upper_layer.is_served(port)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate and its key in one PEM file."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    options = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run(
        ["openssl", "req", *options, "-keyout", path, "-out", path.with_suffix(".crt")], check=True, capture_output=True
    )
    path.write_text(path.read_text() + path.with_suffix(".crt").read_text())
    return path


def test_a_peer_without_a_tls_handshake_does_not_delay_others(certificate: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with serving(tls=context) as (port, reasons), Peer(port), Peer(port) as plain:
        plain.send(associate())
        trusting = ssl.create_default_context(cafile=str(certificate))
        with Peer(port) as peer:
            peer.socket = trusting.wrap_socket(peer.socket, server_hostname="localhost")
            assert peer.associate() == ACCEPT
            assert peer.send(upper_layer.echo()) and peer.receive() == DATA
            peer.send(pdu(DATA, b"", MAX_PDU + 1))
            assert peer.receive() in {ABORTED, CLOSED}
        # The silent peer is one more that fails if the machine stands still for the time of a handshake.
        assert until(lambda: set(reasons) == {"pdu_too_long", "tls_handshake_failed"})


def test_a_closed_connection_counts_until_its_association_has_ended() -> None:
    """After a second A-ASSOCIATE-RQ, the thread of the association waits for its timeout."""
    with serving(per_address=3, acse_timeout_s=1) as (port, reasons):
        for _ in range(3):
            with Peer(port) as peer:
                peer.send(associate()[:-40] + bytes(40) + associate())
        assert until(lambda: upper_layer.is_served(port)), reasons
