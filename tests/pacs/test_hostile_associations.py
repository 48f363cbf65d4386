"""The PACS service with peers that violate the protocol: no crash, bounded memory, and others are served meanwhile.

The hostile peers come from 127.0.0.1, the correct one from 127.0.0.2. The long form is `test_hostile_soak.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

pytest.importorskip("pynetdicom", reason="needs requirements-hospital.txt")

from pydicom.uid import generate_uid  # noqa: E402
from pynetdicom.dsutils import encode  # noqa: E402

from benchmarks import pacs_peers  # noqa: E402
from benchmarks.pacs_peers import Process  # noqa: E402
from benchmarks.stalls import StallWatch  # noqa: E402
from pneumonia import Predictor  # noqa: E402

from ..support import upper_layer  # noqa: E402
from ..support.systems import linux  # noqa: E402
from ..support.upper_layer import ABORT, ACCEPT, CLOSED, DATA, RELEASE, Peer, associate, pdu  # noqa: E402
from ..support.wait import until  # noqa: E402

pytestmark = [pytest.mark.slow, linux]

CORRECT = "127.0.0.2"
LIMITS = """
max_associations = 20
max_associations_per_peer = 6
max_object_mb = 2
association_timeout_s = 2
idle_timeout_s = 3
pdu_timeout_s = 2
object_timeout_s = 4
drain_s = 1
"""
MAX_OBJECT_BYTES = 2_000_000
MAX_GROWTH_MB = 60
"""Of the memory of the service, from before the first hostile peer to after the last one."""


@pytest.fixture(scope="module")
def data_set(predictor: Predictor) -> bytes:
    """The data set of a film, in Explicit VR Little Endian."""
    encoded = encode(pacs_peers.radiograph(predictor, (400, 300)), is_implicit_vr=False, is_little_endian=True)
    assert encoded is not None
    return encoded


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, data_set: bytes) -> Iterator[Process]:
    """The service with short limits. Its destination does not exist, so that nothing leaves the queue."""
    folder = tmp_path_factory.mktemp("hostile")
    process = pacs_peers.service(folder, [1], limits=LIMITS, service="workers = 1")
    with pacs_peers.running(process):
        assert store(process, data_set), process.log.read_text()
        assert until(lambda: " film id=" in process.log.read_text()), "the worker has loaded the model"
        started, memory = process.process, process.memory_mb()
        assert started is not None
        yield process
        assert started.poll() is None, "the service has crashed"
        assert process.memory_mb() - memory < MAX_GROWTH_MB
    log = process.log.read_text()
    assert "Traceback" not in log and "internal error" not in log
    assert "connection outcome=protocol_error" in log
    assert "BENCHMARK" not in log and "Benchmark^Film" not in log, "the log has an identifier of a patient"


def unless_stalled(attempt: Callable[[], bool]) -> bool:
    """The outcome of an attempt that the limits of the service do not end because this machine stood still."""
    while True:
        with StallWatch() as stalls:
            if attempt():
                return True
            if not stalls.has_stalled():
                return False


def store(service: Process, data_set: bytes) -> bool:
    """Whether a correct peer can associate, store a film and release."""

    def is_stored() -> bool:
        name = generate_uid()
        # The UID in the data set has the same length as in the film.
        with Peer(service.port, source=CORRECT) as peer:
            served = peer.associate() == ACCEPT and peer.store(name, renamed(data_set, name)) == 0
            return served and peer.send(RELEASE) and peer.receive() == upper_layer.RELEASED

    return unless_stalled(is_stored)


@contextmanager
def associated(service: Process) -> Iterator[Peer]:
    """A hostile peer with an association."""
    with ExitStack() as peers:
        peer: Peer

        def is_associated() -> bool:
            nonlocal peer
            peer = peers.enter_context(Peer(service.port))
            return peer.associate() == ACCEPT

        assert unless_stalled(is_associated)
        yield peer


def renamed(data_set: bytes, name: str) -> bytes:
    """The data set with another SOP Instance UID."""
    tag = bytes.fromhex("0800 1800") + b"UI"
    start = data_set.index(tag)
    length = int.from_bytes(data_set[start + 6 : start + 8], "little")
    value = upper_layer.uid(name)
    return data_set[: start + 6] + len(value).to_bytes(2, "little") + value + data_set[start + 8 + length :]


def films(service: Process) -> int:
    """Number of films that the service has stored since its start, by its log."""
    return service.log.read_text().count(" outcome=stored ")


def test_connections_that_send_nothing_do_not_delay_others(service: Process, data_set: bytes) -> None:
    silent = [Peer(service.port) for _ in range(60)]
    try:
        assert store(service, data_set)
        assert all(closes(peer) for peer in silent), "a silent connection is closed after association_timeout_s"
    finally:
        for peer in silent:
            peer.socket.close()


def closes(peer: Peer) -> bool:
    """Whether the service closes the connection, after an A-ABORT or without one."""
    try:
        while peer.receive() != CLOSED:
            pass
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize("start", [0, 1], ids=["association", "data"])
def test_peers_that_send_a_byte_at_a_time_are_disconnected(service: Process, data_set: bytes, start: int) -> None:
    def drip(_: int) -> bool:
        with Peer(service.port) as peer:
            if start and peer.associate() != ACCEPT:
                return True
            for byte in associate() if not start else upper_layer.store_command("1.2.3"):
                if not peer.send(bytes([byte])):
                    return True
                time.sleep(0.1)
            return closes(peer)

    with ThreadPoolExecutor(5) as threads:
        slow = [threads.submit(drip, number) for number in range(5)]
        assert store(service, data_set)
        assert all(each.result() for each in slow)


WRONG_LENGTHS: dict[str, Callable[[], bytes]] = {
    "data of 4 GiB": lambda: pdu(DATA, b"", 0xFFFFFFFF),
    "association of 1 GiB": lambda: pdu(0x01, b"", 2**30),
    "data longer than announced": lambda: pdu(DATA, bytes(100), 20),
    "data shorter than announced": lambda: pdu(DATA, bytes(100), 120),
    "empty data": lambda: pdu(DATA, b""),
    "fragment longer than its PDU": lambda: pdu(DATA, (0x7FFFFFFF).to_bytes(4, "big") + bytes(8)),
    "fragment without content": lambda: pdu(DATA, (0).to_bytes(4, "big")),
    "unknown type": lambda: pdu(0x2A, bytes(10)),
    "second association": associate,
    "acceptance from a requestor": lambda: pdu(0x02, associate()[6:]),
    "unknown presentation context": lambda: upper_layer.data(bytes(20), 99, command=True),
    "command that is no data set": lambda: upper_layer.data(b"\xff" * 50, 1, command=True),
    "data set without a command": lambda: upper_layer.data(bytes(50), 3, command=False),
}


@pytest.mark.parametrize("name", WRONG_LENGTHS)
def test_a_wrong_pdu_ends_its_association_only(service: Process, data_set: bytes, name: str) -> None:
    with associated(service) as peer:
        peer.send(WRONG_LENGTHS[name]())
        assert store(service, data_set)
        assert closes(peer)


def test_an_end_at_any_step_leaves_no_instance(service: Process, data_set: bytes) -> None:
    """The peer aborts, closes or resets the connection after each PDU of a C-STORE but the last."""
    steps = [associate(), upper_layer.store_command("1.2.3.5"), *upper_layer.fragments(data_set, 3)]
    before = films(service)
    for count in range(len(steps)):
        for end in (abort, close, Peer.reset):
            with Peer(service.port) as peer:
                for number, step in enumerate(steps[:count]):
                    peer.send(step)
                    if number == 0 and peer.receive() != ACCEPT:
                        break
                end(peer)
    assert store(service, data_set)
    assert films(service) == before + 1


def abort(peer: Peer) -> None:
    peer.send(ABORT)


def close(peer: Peer) -> None:
    peer.socket.close()


def test_200_associations_at_once_do_not_keep_others_away(service: Process, data_set: bytes) -> None:
    def ask(_: int) -> int:
        try:
            with Peer(service.port) as peer:
                answer = peer.associate()
                time.sleep(1)
                return answer
        except OSError:
            return CLOSED

    with ThreadPoolExecutor(200) as threads:
        answers = [threads.submit(ask, number) for number in range(200)]
        time.sleep(0.3)
        assert store(service, data_set)
        kinds = [each.result() for each in answers]
    assert set(kinds) <= {ACCEPT, upper_layer.REJECT, CLOSED, upper_layer.ABORTED}
    assert kinds.count(ACCEPT) and kinds.count(upper_layer.REJECT) + kinds.count(CLOSED)
    assert until(lambda: upper_layer.is_served(service.port))


def test_a_data_set_that_never_ends_is_cut_off(service: Process, data_set: bytes) -> None:
    part, before = upper_layer.data(bytes(16_000), 3, command=False, last=False), service.memory_mb()
    with associated(service) as peer:
        peer.send(upper_layer.store_command("1.2.3.6"))
        assert until(lambda: not peer.send(part), 60), "object_timeout_s has passed"
        assert service.memory_mb() - before < MAX_GROWTH_MB
    incoming = service.log.parent / "queue" / "incoming"
    assert sum(path.stat().st_size for path in incoming.iterdir()) < 10 * MAX_OBJECT_BYTES
    assert store(service, data_set)


def test_threads_and_files_of_ended_associations_are_released(service: Process, tmp_path: Path) -> None:
    """Runs last: after all hostile peers, the service is as small as after its start."""
    assert until(lambda: service.threads_and_files()[0] < 60), service.threads_and_files()
    assert until(lambda: service.threads_and_files()[1] < 120), service.threads_and_files()
