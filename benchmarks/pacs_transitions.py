"""A kill at each transition of the PACS service's queue: `python -m benchmarks.pacs_transitions [--only TEXT]`.

The transitions are the commits of the queue's database, and the renames and deletions of its files. They are recorded
while one film passes through. Then, for each of them, a film is sent, and the service with its workers is killed
(SIGKILL) before the transition, and with another film after it; transitions of a worker kill the worker alone, too;
and some kills are followed by one at the first transition of the next start. The sender repeats a film until it is
acknowledged, as a modality does. Each film must have exactly one structured report and one secondary capture in the
destination (DCMTK's `storescp`), and the queue must be empty. Prints a Markdown table.

The hook that kills is not in the product: `fault_points/sitecustomize.py`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from pydicom import Dataset, dcmread
from pynetdicom import AE

from pneumonia.inference.predictor import load_predictor
from pneumonia.pacs.response_queue import KEEP_RESPONSES

from . import pacs_peers
from .pacs_kills import FILM_SIZE, RESULTS, referenced_instances
from .pacs_peers import Process
from .service_process import ROOT
from .table import machine

HOOK = Path(__file__).parent / "fault_points"
TIMEOUT_S = 300
MOMENTS = ("before", "after")

WORKER = ("rename into results", "commit: update instance (predicted)", "delete from films")
"""Beginnings of the names of the transitions that a worker makes."""


@dataclass
class Row:
    """What became of the films of one transition."""

    kills: Counter[str] = field(default_factory=Counter)
    """"before" or "after", and "all" or "one" process -> number."""

    lost: int = 0
    doubled: int = 0
    left: int = 0
    """Files that were left in the queue."""


@dataclass
class Plan:
    """A kill, and perhaps one at the first transition of the next start."""

    name: str
    moment: str
    processes: str = "all"
    then: str = ""

    def lines(self) -> str:
        """The contents of the file `plan`."""
        first = f"{self.moment} {self.processes} {self.name}"
        return f"{first}\n{self.then} all *" if self.then else first


class Rig:
    """The service with the hook, its destination, and a sender. `folder` has all files."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.points = folder, folder / "points"
        self.points.mkdir(parents=True)
        self.destination = pacs_peers.archive(folder / "archive")
        self.service = pacs_peers.service(folder / "service", [self.destination.port], service="workers = 1")
        self.service.variables = {
            "PYTHONPATH": os.pathsep.join((str(HOOK), str(ROOT))),
            "FAULT_POINTS": str(self.points),
        }
        self.film = pacs_peers.radiograph(load_predictor("", threads=1), FILM_SIZE)
        self.entity = AE(pacs_peers.MODALITY_AET)
        self.entity.add_requested_context(self.film.SOPClassUID, self.film.file_meta.TransferSyntaxUID)
        self.entity.connection_timeout = self.entity.acse_timeout = self.entity.dimse_timeout = 20

    def events(self) -> list[str]:
        """The transitions so far."""
        path = self.points / "events"
        return path.read_text().splitlines() if path.exists() else []

    def kills(self) -> list[str]:
        """The kills so far."""
        path = self.points / "kills"
        return path.read_text().splitlines() if path.exists() else []

    def pass_film(self, plan: Plan | None = None) -> str:
        """Send a film, start the service again after each kill, wait for the results; returns its SOP Instance UID."""
        name, kills = pacs_peers.renew(self.film), len(self.kills())
        (self.points / "plan").write_text("" if plan is None else plan.lines())
        deadline, is_acknowledged = time.monotonic() + TIMEOUT_S, False
        while time.monotonic() < deadline:
            self._restart_if_killed()
            is_acknowledged = is_acknowledged or self._is_stored()
            is_killed = plan is None or len(self.kills()) > kills
            if is_acknowledged and is_killed and self._is_empty(name):
                break
            time.sleep(0.1)
        (self.points / "plan").write_text("")  # a start without a transition leaves the second kill
        return name

    def _restart_if_killed(self) -> None:
        process: Process = self.service
        assert process.process is not None
        if process.process.poll() is not None:
            process.start()

    def _is_stored(self) -> bool:
        association = self.entity.associate(
            "127.0.0.1", self.service.port, ae_title=pacs_peers.SERVICE_AET, evt_handlers=KEEP_RESPONSES
        )
        if not association.is_established:
            return False
        status = association.send_c_store(self.film)
        association.release()
        return "Status" in status and status.Status == 0

    def _is_empty(self, name: str) -> bool:
        return not self.files() and len(self.results(name)) >= len(RESULTS)

    def files(self) -> list[Path]:
        """DICOM files in the queue."""
        return list((self.folder / "service" / "queue").rglob("*.dcm"))

    def results(self, film: str) -> list[tuple[str, str]]:
        """(SOP class, SOP instance) of the objects in the destination that refer to a film."""
        found = []
        for path in pacs_peers.stored_objects(self.destination):
            dataset: Dataset = dcmread(path)
            if film in referenced_instances(dataset):
                found.append((str(dataset.SOPClassUID), str(dataset.SOPInstanceUID)))
        return found


def run(folder: Path, only: str = "") -> dict[str, Row]:
    """Kill at each transition whose name contains `only`; transition -> what became of its films."""
    rig = Rig(folder)
    with pacs_peers.running(rig.destination, rig.service):
        transitions = _record(rig)
        rows = {name: Row() for name in transitions if only in name}
        for plan in _plans(list(rows)):
            _kill(rig, plan, rows)
    return rows


def _record(rig: Rig) -> list[str]:
    """The transitions of one film, in their order."""
    before = len(rig.events())
    rig.pass_film()
    return list(dict.fromkeys(rig.events()[before:]))


def _plans(transitions: list[str]) -> list[Plan]:
    plans = []
    for name in transitions:
        for moment in MOMENTS:
            plans += [Plan(name, moment), Plan(name, moment, then=moment)]
            if name.startswith(WORKER):
                plans.append(Plan(name, moment, "one"))
    return plans


def _kill(rig: Rig, plan: Plan, rows: dict[str, Row]) -> None:
    kills = len(rig.kills())
    film = rig.pass_film(plan)
    for kill in rig.kills()[kills:]:
        moment, processes, name = kill.split(" ", 2)
        rows.setdefault(name, Row()).kills[f"{moment} {processes}"] += 1
    row = rows.setdefault(plan.name, Row())
    results = Counter(sop_class for sop_class, _ in rig.results(film))
    row.lost += sum(results[str(kind)] == 0 for kind in RESULTS)
    row.doubled += sum(results[str(kind)] > 1 for kind in RESULTS)
    row.left += len(rig.files())


def table(rows: dict[str, Row]) -> str:
    """The rows as Markdown."""
    lines = ["| transition | kills before it | after it | of the worker alone | lost | doubled | files left |"]
    lines.append("|---|---|---|---|---|---|---|")
    for name, row in rows.items():
        alone = row.kills["before one"] + row.kills["after one"]
        cells = (name, row.kills["before all"], row.kills["after all"], alone, row.lost, row.doubled, row.left)
        lines.append(f"| {' | '.join(map(str, cells))} |")
    total = sum(sum(row.kills.values()) for row in rows.values())
    return "\n".join([*lines, "", f"{total} kills. Measured on {machine()}."])


def main() -> int:
    """Run the kills, print the table; the exit code is 1 if a result was lost or doubled, or a file was left."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="transitions whose names contain this text")
    parser.add_argument("--folder", type=Path, help="keeps all files there; by default they are deleted")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        rows = run(arguments.folder or Path(temporary), arguments.only)
    print(table(rows))
    return int(not rows or any(row.lost or row.doubled or row.left for row in rows.values()))


if __name__ == "__main__":
    sys.exit(main())
