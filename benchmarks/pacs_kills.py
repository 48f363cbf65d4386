"""Kills of the PACS service and of its destination: `python -m benchmarks.pacs_kills --kills N [--seed N]`.

A modality sends a few films a second and repeats each one until it is acknowledged. Meanwhile the service, the
destination (DCMTK's `storescp`) or both are killed by SIGKILL at random moments, also while they start, and started
again. At the end the destination must have, for each acknowledged film, exactly one structured report and one secondary
capture: none lost, and none under a second SOP Instance UID. The queue must be empty. Prints a Markdown table. A kill
takes about two seconds.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from pydicom import Dataset, dcmread
from pydicom.uid import ComprehensiveSRStorage, SecondaryCaptureImageStorage
from pynetdicom import AE

from pneumonia.files import walk_bottom_up
from pneumonia.inference.predictor import load_predictor
from pneumonia.pacs.response_queue import KEEP_RESPONSES

from . import pacs_peers
from .pacs_peers import Process
from .table import machine

FILM_SIZE = (500, 400)
"""Small, so that many films are in every state when the processes are killed."""

RESULTS = (ComprehensiveSRStorage, SecondaryCaptureImageStorage)
LIFE_PER_START, LONGEST_LIFE_S = 3.0, 8.0
"""A process lives until it is killed for a random time, from 0 to this multiple of the time that it takes to start, but
at most `LONGEST_LIFE_S`. So at least a third of the kills happen during a start."""

PAUSE_S = 0.2
"""Between two films, so that the service catches up with the modality while it lives."""

DRAIN_TIMEOUT_S = 180
TARGETS = ("service", "destination", "both")


@dataclass
class Outcome:
    """What was done, and what the destination has at the end."""

    kills: Counter[str] = field(default_factory=Counter)
    acknowledged: set[str] = field(default_factory=set)
    repeated: int = 0
    exits: int = 0
    """Ends of the service without a kill."""
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    left_files: list[str] = field(default_factory=list)
    seconds: float = 0


class Modality(threading.Thread):
    """Sends films until `ended` is set. A film whose C-STORE was not acknowledged is sent again."""

    def __init__(self, film: Dataset, port: int, outcome: Outcome) -> None:
        super().__init__(name="modality", daemon=True)
        self.film, self.outcome = film, outcome
        self.port = port
        self.ended = threading.Event()
        self.entity = AE(pacs_peers.MODALITY_AET)
        self.entity.add_requested_context(film.SOPClassUID, film.file_meta.TransferSyntaxUID)
        self.entity.connection_timeout = self.entity.acse_timeout = self.entity.dimse_timeout = 20

    def run(self) -> None:
        while not self.ended.is_set():
            name = pacs_peers.renew(self.film)
            while not self._is_acknowledged():
                self.outcome.repeated += 1
                time.sleep(0.1)
            self.outcome.acknowledged.add(name)
            time.sleep(PAUSE_S)

    def _is_acknowledged(self) -> bool:
        association = self.entity.associate(
            "127.0.0.1", self.port, ae_title=pacs_peers.SERVICE_AET, evt_handlers=KEEP_RESPONSES
        )
        if not association.is_established:
            return False
        status = association.send_c_store(self.film)
        association.release()
        return "Status" in status and status.Status == 0


def run(folder: Path, kills: int, seed: int = 0) -> Outcome:
    """Kill `kills` times; the files of all processes are below `folder`."""
    generator, outcome = random.Random(seed), Outcome()
    destination = pacs_peers.archive(folder / "archive")
    service = pacs_peers.service(folder / "service", [destination.port], limits="max_associations = 20")
    modality = Modality(pacs_peers.radiograph(load_predictor("", threads=1), FILM_SIZE), service.port, outcome)
    start = time.monotonic()
    with pacs_peers.running(destination, service):
        longest_life_s = min(LIFE_PER_START * (time.monotonic() - start), LONGEST_LIFE_S)
        modality.start()
        for _ in range(kills):
            time.sleep(generator.uniform(0, longest_life_s))
            _kill(generator, service, destination, outcome)
        modality.ended.set()
        modality.join(DRAIN_TIMEOUT_S)
        pacs_peers.await_answer(service)
        _await_results(destination, outcome)
        outcome.left_files = _await_empty_queue(folder / "service" / "queue")
    _compare(destination, outcome)
    outcome.seconds = time.monotonic() - start
    return outcome


def _kill(generator: random.Random, service: Process, destination: Process, outcome: Outcome) -> None:
    target = generator.choice(TARGETS)
    outcome.kills[target] += 1
    killed = [each for each in (service, destination) if target in {"both", _name(each, service)}]
    for each in killed:
        assert each.process is not None
        outcome.exits += each.process.poll() is not None
        # Workers of the service survive the first process in half of the cases, as after an out-of-memory kill.
        each.kill(children=generator.random() < 0.5)
    for each in killed:
        each.start()


def _name(process: Process, service: Process) -> str:
    return "service" if process is service else "destination"


def _await_results(destination: Process, outcome: Outcome) -> None:
    """Wait until no result is missing, at most `DRAIN_TIMEOUT_S` after the last one that came."""
    count, deadline = -1, 0.0
    while len(pacs_peers.stored_objects(destination)) < len(RESULTS) * len(outcome.acknowledged):
        stored = len(pacs_peers.stored_objects(destination))
        if stored != count:
            count, deadline = stored, time.monotonic() + DRAIN_TIMEOUT_S
        if time.monotonic() > deadline:
            return
        time.sleep(0.5)
    time.sleep(2)  # a second copy of a result would come now


def _await_empty_queue(folder: Path) -> list[str]:
    """Wait until the queue has no file: the destination has a result before the service has its response and deletes
    it. Returns the names of those that are left after `DRAIN_TIMEOUT_S`."""
    deadline = time.monotonic() + DRAIN_TIMEOUT_S
    while names := [path.name for path in walk_bottom_up(folder) if path.suffix == ".dcm"]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.1)
    return names


def _compare(destination: Process, outcome: Outcome) -> None:
    results: dict[tuple[str, str], set[str]] = defaultdict(set)
    for path in pacs_peers.stored_objects(destination):
        dataset = dcmread(path)
        for film in referenced_instances(dataset):
            results[film, str(dataset.SOPClassUID)].add(str(dataset.SOPInstanceUID))
    for film in sorted(outcome.acknowledged):
        for kind in RESULTS:
            count = len(results.pop((film, kind), ()))
            if count == 0:
                outcome.lost.append(f"{film} {kind.name}")
            elif count > 1:
                outcome.doubled.append(f"{film} {kind.name}")
    # A film can be in the queue without the modality knowing it: killed between the commit and the acknowledgement.
    outcome.doubled += [f"{film} {kind}" for (film, kind), uids in results.items() if len(uids) > 1]


def referenced_instances(dataset: Dataset) -> set[str]:
    """The SOP Instance UIDs to which an object refers, at any depth."""
    return {str(each.value) for each in dataset.iterall() if each.keyword == "ReferencedSOPInstanceUID"}


def table(outcome: Outcome) -> str:
    """The outcome as a Markdown table."""
    kills = ", ".join(f"{target} {outcome.kills[target]}" for target in TARGETS)
    rows = {
        "kills (SIGKILL)": f"{sum(outcome.kills.values())}: {kills}",
        "films acknowledged": f"{len(outcome.acknowledged)}",
        "C-STORE requests that the modality repeated": f"{outcome.repeated}",
        "ends of a process without a kill": f"{outcome.exits}",
        "results lost": f"**{len(outcome.lost)}**",
        "results under two SOP Instance UIDs": f"**{len(outcome.doubled)}**",
        "films left in the queue": f"{len(outcome.left_files)}",
        "duration": f"{outcome.seconds / 60:.1f} min",
    }
    lines = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())]
    return "\n".join([*lines, "", f"Measured on {machine()}."])


def main() -> int:
    """Run the kills, print the table; the exit code is 1 if a result was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="keeps all files there; by default they are deleted")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        outcome = run(arguments.folder or Path(temporary), arguments.kills, arguments.seed)
    print(table(outcome))
    print(*outcome.lost[:10], *outcome.doubled[:10], sep="\n", file=sys.stderr)
    return 1 if outcome.lost or outcome.doubled or outcome.left_files or outcome.exits else 0


if __name__ == "__main__":
    sys.exit(main())
