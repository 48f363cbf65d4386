"""Deliveries from a queue in the test process: films with results, destinations, and what an observer sees."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pydicom.uid import ComprehensiveSRStorage, SecondaryCaptureImageStorage

from pneumonia.pacs import queue_upkeep
from pneumonia.pacs.configuration import Configuration, parse_configuration
from pneumonia.pacs.deliveries import Deliveries
from pneumonia.pacs.outcome import Outcome
from pneumonia.pacs.queue import Delivery, Queue, Reception, Result

from .storage_peers import write_object

SOP_CLASSES = {"dicom-sr": ComprehensiveSRStorage, "secondary-capture": SecondaryCaptureImageStorage}


@dataclass
class Observer:
    """Records what metrics would."""

    attempts: list[tuple[str, Outcome]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)

    def attempted(self, delivery: Delivery, outcome: Outcome) -> None:
        self.attempts.append((delivery.destination, outcome))

    def delivered(self, delivery: Delivery, seconds: float) -> None:
        self.seconds.append(seconds)

    def gave_up(self, delivery: Delivery, reason: str) -> None:
        self.given_up.append(reason)


def add_film(queue: Queue, *destinations: str, number: int = 1) -> list[str]:
    """Put a film with an SR and a secondary capture into the queue; returns their SOP Instance UIDs."""
    film = queue.spool.incoming / f"{number}.dcm"
    film.write_bytes(b"film %d" % number)
    instance_id = queue.add(film, Reception("CR1", "1.2.3", f"1.2.3.{number}", "1.2.840.10008.1.2.1"))
    assert instance_id is not None
    instance = queue.instance(instance_id)
    assert instance is not None
    paths = [write_object(queue.spool.incoming, sop_class) for sop_class in SOP_CLASSES.values()]
    results = [
        Result(kind, f".{kind}.dcm", path.read_bytes(), sop_class, path.stem, destinations)
        for path, (kind, sop_class) in zip(paths, SOP_CLASSES.items(), strict=True)
    ]
    assert queue.complete(instance, results)
    return [path.stem for path in paths]


def configuration(**ports: int) -> Configuration:
    """Destinations by name, with short pauses; give up after three refusals."""
    rows = [
        {
            **{"name": name, "ae_title": "PACS", "host": "127.0.0.1", "port": port, "refusals": 3},
            **{"connect_timeout_s": 60, "response_timeout_s": 60, "retry_first_s": 0.05, "retry_maximum_s": 0.2},
        }
        for name, port in ports.items()
    ]
    return parse_configuration({"destination": rows})


@contextmanager
def delivering(queue: Queue, settings: Configuration, observer: Observer | None = None) -> Iterator[Deliveries]:
    deliveries = Deliveries.create(settings, queue, observer or Observer())
    deliveries.start()
    try:
        yield deliveries
    finally:
        deliveries.stop()


def is_empty(queue: Queue) -> bool:
    return queue_upkeep.counts(queue) == {"received": 0, "predicted": 0, "failed": 0}
