"""Records valid associations of real peers with the PACS service, as the protocol data units that the peers sent.

The peers are DCMTK's `echoscu`, `storescu` and `findscu`. Each one connects to a relay, which passes both directions
on to the service and keeps what the peer sent.
"""

from __future__ import annotations

import select
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pneumonia.inference.predictor import Predictor

from . import pacs_peers

HEADER_LENGTH = 6
"""Bytes before the content of a PDU: type, a reserved byte, length of the content (PS3.8, section 9.3)."""

FILM_SIZE = (160, 120)
"""(width, height) of the recorded films: small, so that most of a recording is protocol."""

MAX_PDU_BYTES = 8_192
"""Maximum length of the PDUs that `storescu` sends, so that a data set has several."""

PEER_TIMEOUT_S = 60


@dataclass(frozen=True)
class Step:
    """One PDU of a recording. `is_answered`: the peer waited for an answer before it sent the next PDU."""

    pdu: bytes
    is_answered: bool


Recording = list[Step]


def record(folder: Path, port: int, predictor: Predictor) -> dict[str, Recording]:
    """Record each kind of association with the service at `port`; name -> recording.

    Raises `RuntimeError` if a program is missing or a peer is not served.
    """
    plain, lossless = _films(folder, predictor)
    store = [pacs_peers.find_program("storescu"), "--max-send-pdu", str(MAX_PDU_BYTES)]
    peers = {
        "echo": ([pacs_peers.find_program("echoscu"), "--repeat", "3"], []),
        "one film": ([*store, "-xe"], [plain]),
        "film in JPEG Lossless": ([*store, "-xs"], [lossless]),
        "implicit little endian": ([*store, "-xi"], [plain]),
        "three films": ([*store, "-xe", "--repeat", "3", "--invent-instance"], [plain]),
        "all classes proposed": ([*store, "-xf", str(_all_classes(folder)), "All"], [plain]),
        "refused context": ([pacs_peers.find_program("findscu"), "-k", "PatientName=A"], []),
    }
    return {name: _record(port, *command) for name, command in peers.items()}


def _films(folder: Path, predictor: Predictor) -> tuple[Path, Path]:
    film = pacs_peers.radiograph(predictor, FILM_SIZE)
    plain, lossless = folder / "recorded.dcm", folder / "recorded-lossless.dcm"
    film.save_as(plain, enforce_file_format=True)
    pacs_peers.renew(film)
    pacs_peers.compress(film, folder).save_as(lossless)
    return plain, lossless


def _all_classes(folder: Path) -> Path:
    """A configuration of `storescu` that proposes 60 storage classes, as a PACS that sends whole studies does."""
    classes = ["ComputedRadiographyImageStorage", *(f"1.2.840.10008.5.1.4.1.1.{number}" for number in range(60, 119))]
    lines = ["[[TransferSyntaxes]]", "[Plain]", "TransferSyntax1 = LittleEndianExplicit"]
    lines += ["TransferSyntax2 = LittleEndianImplicit", "[[PresentationContexts]]", "[Many]"]
    lines += [f"PresentationContext{number} = {name}\\Plain" for number, name in enumerate(classes, 1)]
    lines += ["[[Profiles]]", "[All]", "PresentationContexts = Many", ""]
    path = folder / "all-classes.cfg"
    path.write_text("\n".join(lines))
    return path


def _record(port: int, command: list[str], files: list[Path]) -> Recording:
    with _relay(port) as (own_port, received):
        titles = ["-aet", pacs_peers.MODALITY_AET, "-aec", pacs_peers.SERVICE_AET]
        address = ["127.0.0.1", str(own_port)]
        # Programs without the context that they need end with an error; that association is valid, too.
        subprocess.run([*command, *titles, *address, *map(str, files)], timeout=PEER_TIMEOUT_S, capture_output=True)
    recording = [step for turn in received() for step in _steps(turn)]
    if not recording:
        raise RuntimeError(f"{command[0]} was not served")
    return recording


def _steps(turn: bytes) -> Iterator[Step]:
    """The PDUs of what a peer sent between two answers."""
    while turn:
        end = HEADER_LENGTH + int.from_bytes(turn[2:HEADER_LENGTH], "big")
        yield Step(turn[:end], is_answered=end >= len(turn))
        turn = turn[end:]


@contextmanager
def _relay(port: int) -> Iterator[tuple[int, Callable[[], list[bytes]]]]:
    """A relay for one connection: its port, and a function that returns the turns of the peer when it has ended."""
    turns: list[bytes] = [b""]
    with socket.create_server(("127.0.0.1", 0)) as server:

        def pass_on() -> None:
            peer, _ = server.accept()
            with peer, socket.create_connection(("127.0.0.1", port)) as service:
                while True:
                    for ready in select.select([peer, service], [], [], PEER_TIMEOUT_S)[0]:
                        data = ready.recv(1 << 16)
                        if not data:
                            return
                        (service if ready is peer else peer).sendall(data)
                        _keep(turns, data, is_answer=ready is service)

        thread = threading.Thread(target=pass_on, name="relay", daemon=True)
        thread.start()

        def ended() -> list[bytes]:
            thread.join(PEER_TIMEOUT_S)
            return turns

        yield int(server.getsockname()[1]), ended


def _keep(turns: list[bytes], data: bytes, *, is_answer: bool) -> None:
    """Append what the peer sent to its present turn; an answer ends the turn."""
    if not is_answer:
        turns[-1] += data
    elif turns[-1]:
        turns.append(b"")
