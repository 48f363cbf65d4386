"""Mutated associations: `python -m benchmarks.pacs_hostile --count N [--seed N] [--workers N]`.

Hostile peers send recorded associations of DCMTK with seeded faults (`pacs_mutations`) to the PACS service, several at
a time. Meanwhile a correct peer with another address stores a film every half second. Printed as Markdown: what became
of the associations, memory, threads and open files of the service after shares of them, and how the correct peer was
served. The exit code is 1 if the service ended or had an internal error, refused or lost a film of the correct peer, or
if its log names a patient. Needs Debian's package `dcmtk`.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pynetdicom import AE

from pneumonia.inference.predictor import load_predictor
from pneumonia.pacs.response_queue import KEEP_RESPONSES
from tests.support.upper_layer import CLOSED, Peer

from . import pacs_peers
from .pacs_mutations import Script, mutate
from .pacs_peers import Process
from .pacs_recording import Recording, record
from .stalls import StallWatch
from .table import machine

IDLE_TIMEOUT_S = 3
LIMITS = f"""
max_associations = 60
max_associations_per_peer = 40
max_object_mb = 2
association_timeout_s = 2
idle_timeout_s = {IDLE_TIMEOUT_S}
pdu_timeout_s = 2
object_timeout_s = 10
drain_s = 1
"""
"""Short, so that peers that stop in the middle are ended while the next ones come."""

CORRECT_ADDRESS = "127.0.0.2"
ANSWER_S = 0.3
"""Longest wait for an answer; a fault often means that none comes."""

END_S = 0.2
"""Longest wait for the end of the connection, if the peer does not end it."""

DRIP_PAUSE_S = 0.005
CORRECT_PAUSE_S = 0.5
SETTLE_S = 60
STEPS = (0, 0.1, 0.25, 0.5, 0.75, 1.0)
"""Shares of the associations after which the service is measured."""

_LEAKS = ("Traceback", "internal error", "Benchmark^Film", "BENCHMARK-")


@dataclass
class Outcome:
    """What the service did. `sizes`: (associations so far, memory in MB, threads, open files)."""

    sizes: list[tuple[int, float, int, int]] = field(default_factory=list)
    served_ms: list[float] = field(default_factory=list)
    """Of each film of the correct peer: from the connection to the release."""

    not_served: int = 0
    is_alive: bool = True
    leaks: list[str] = field(default_factory=list)
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    """Kind of event -> outcome -> number, from the log."""

    lost: int = 0
    """Films of the correct peer that were acknowledged and not read."""

    seconds: float = 0

    @property
    def is_met(self) -> bool:
        """Whether all peers of good will were served, and nothing broke."""
        return self.is_alive and not (self.leaks or self.not_served or self.lost) and bool(self.served_ms)


def run(folder: Path, count: int, seed: int = 0, workers: int = 8) -> Outcome:
    """Send `count` mutated associations, `workers` at a time; the files of the service are below `folder`."""
    outcome, start = Outcome(), time.monotonic()
    predictor = load_predictor("", threads=1)
    folder.mkdir(parents=True, exist_ok=True)
    # Without a destination, films are read and leave the queue.
    service = pacs_peers.service(folder / "service", [], limits=LIMITS, service="workers = 1")
    with pacs_peers.running(service):
        recordings = list(record(folder, service.port, predictor).values())
        _settle(service)
        correct = CorrectPeer(service.port, outcome, pacs_peers.radiograph(predictor, (160, 120), 1))
        correct.start()
        with ThreadPoolExecutor(workers) as threads:
            _send_all(service, correct, threads, recordings, range(seed, seed + count))
        correct.ended.set()
        correct.join(SETTLE_S)
        _settle(service)
        assert service.process is not None
        outcome.is_alive = service.process.poll() is None
    _read_log(service.log.read_text(), outcome)
    outcome.seconds = time.monotonic() - start
    return outcome


def _send_all(
    service: Process, correct: CorrectPeer, threads: ThreadPoolExecutor, recordings: Sequence[Recording], seeds: range
) -> None:
    sent = 0
    for share in STEPS:
        part = seeds[sent : int(share * len(seeds))]
        for _ in threads.map(lambda seed: play(service.port, mutate(seed, recordings)), part):
            pass
        sent += len(part)
        with correct.between_films:  # its association has threads and files of its own
            threads_and_files = _settle(service, longer_than_s=IDLE_TIMEOUT_S if share in {0, 1} else 1)
            correct.outcome.sizes.append((sent, service.memory_mb(), *threads_and_files))


def play(port: int, script: Script) -> None:
    """Send a script as a peer does, reading the answers; what they are does not matter."""
    with suppress(OSError), Peer(port, timeout_s=ANSWER_S) as peer:
        sent = 0
        for step in script.steps:
            for part in _parts(step.pdu, sent, script.drip):
                if not peer.send(part):
                    return
                if len(part) == 1:
                    time.sleep(DRIP_PAUSE_S)
            sent += len(step.pdu)
            if step.is_answered and peer.receive() == CLOSED:
                return
        _end(peer, script.end)


def _parts(content: bytes, sent: int, drip: range) -> Iterable[bytes]:
    """The content in one part, or in single bytes where the range `drip`, counted from the first step, says so."""
    start = min(max(drip.start - sent, 0), len(content))
    stop = min(max(drip.stop - sent, start), len(content))
    yield from filter(None, [content[:start], *(content[at : at + 1] for at in range(start, stop)), content[stop:]])


def _end(peer: Peer, end: str) -> None:
    if end == "reset":
        peer.reset()
    elif end == "wait":
        peer.socket.settimeout(END_S)
        while peer.receive() != CLOSED:
            pass


class CorrectPeer(threading.Thread):
    """Stores new films, each over an association of its own, until `ended` is set; none while `between_films` is held.

    A film that the service refused while this machine stood still is not counted: the limits of the service are short.
    """

    def __init__(self, port: int, outcome: Outcome, film: pacs_peers.Dataset) -> None:
        super().__init__(name="correct", daemon=True)
        self.port, self.outcome, self.film = port, outcome, film
        self.ended, self.between_films = threading.Event(), threading.Lock()
        self.entity = AE(pacs_peers.MODALITY_AET)
        self.entity.add_requested_context(film.SOPClassUID, film.file_meta.TransferSyntaxUID)

    def run(self) -> None:
        while not self.ended.is_set():
            with self.between_films:
                self._store_film()
            time.sleep(CORRECT_PAUSE_S)

    def _store_film(self) -> None:
        pacs_peers.renew(self.film)
        start = time.monotonic()
        with StallWatch() as stalls:
            if self._is_stored():
                self.outcome.served_ms.append(1000 * (time.monotonic() - start))
            elif not stalls.has_stalled():
                self.outcome.not_served += 1

    def _is_stored(self) -> bool:
        association = self.entity.associate(
            "127.0.0.1",
            self.port,
            ae_title=pacs_peers.SERVICE_AET,
            bind_address=(CORRECT_ADDRESS, 0),
            evt_handlers=KEEP_RESPONSES,
        )
        if not association.is_established:
            return False
        status = association.send_c_store(self.film)
        association.release()
        return "Status" in status and status.Status == 0


def _settle(service: Process, longer_than_s: float = 1) -> tuple[int, int]:
    """Wait until ended associations have released their threads and files, and the queue is empty.

    Returns the numbers of threads and files, which did not change for longer than `longer_than_s` seconds.
    """
    deadline, last, since = time.monotonic() + SETTLE_S, (0, 0), time.monotonic()
    while time.monotonic() - since <= longer_than_s and time.monotonic() < deadline:
        time.sleep(0.5)
        threads_and_files = service.threads_and_files()
        waiting = len(list((service.log.parent / "queue" / "films").iterdir()))
        if threads_and_files != last or waiting:
            last, since = threads_and_files, time.monotonic()
    return last


def _read_log(log: str, outcome: Outcome) -> None:
    events = re.findall(r"\b(association|connection|instance|film) (?:id=\S+ )?(?:calling=\S+ )?outcome=(\S+)", log)
    for kind, result in events:
        outcome.counts.setdefault(kind, Counter())[result] += 1
    outcome.leaks = [text for text in _LEAKS if text in log]
    stored = set(re.findall(r"\binstance id=(\d+) ", log))
    outcome.lost = len(stored - set(re.findall(r"\bfilm id=(\d+) ", log)))


def table(outcome: Outcome, count: int, seed: int) -> str:
    """The outcome as Markdown."""
    names = {
        "connection": "ended by a limit or for a violation of the protocol",
        "association": "associations",
        "instance": "objects",
        "film": "films read",
    }
    p50, p95 = np.percentile(outcome.served_ms or [0], [50, 95])
    lines = [
        f"{count:,} mutated associations, seed {seed}, {outcome.seconds / 60:.1f} minutes. "
        f"The service {'lives' if outcome.is_alive else '**has ended**'}.",
        "",
        *("| what | number |", "|---|---|"),
        *(
            f"| {text} | {', '.join(f'{name} {number:,}' for name, number in outcome.counts[kind].most_common())} |"
            for kind, text in names.items()
            if kind in outcome.counts
        ),
        f"| objects that were stored and not read | **{outcome.lost}** |",
        f"| internal errors, tracebacks, names of patients in the log | **{len(outcome.leaks)}** |",
        f"| films of a correct peer meanwhile: served | {len(outcome.served_ms):,} |",
        f"| not served | **{outcome.not_served}** |",
        f"| milliseconds from connection to release: p50, p95, longest | {p50:.0f}, {p95:.0f}, "
        f"{max(outcome.served_ms, default=0):.0f} |",
        "",
        *("| associations so far | memory of all processes, MB | threads | open files |", "|---|---|---|---|"),
        *(f"| {sent:,} | {memory:.0f} | {threads} | {files} |" for sent, memory, threads, files in outcome.sizes),
        "",
        f"Measured on {machine()}.",
    ]
    return "\n".join(lines)


def main() -> int:
    """Run, print the tables; the exit code is 1 if a peer of good will was not served or anything broke."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=8, help="hostile peers at a time")
    parser.add_argument("--folder", type=Path, help="keeps all files there; by default they are deleted")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        outcome = run(arguments.folder or Path(temporary), arguments.count, arguments.seed, arguments.workers)
    print(table(outcome, arguments.count, arguments.seed))
    return 0 if outcome.is_met else 1


if __name__ == "__main__":
    sys.exit(main())
