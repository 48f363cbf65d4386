"""What the service reports about its work: to the log, as `key=value` lines, and to the metrics.

No line contains an identifier of a patient, a study or an instance: `id` numbers associations, and the instances of the
queue.

    association id=12 calling=CR_ROOM_1 outcome=released objects=3 bytes=31200412 ms=812
    instance id=7 calling=CR_ROOM_1 outcome=stored class=1.2.840.10008.5.1.4.1.1.1 syntax=… bytes=10400120 ms=41
    film id=7 calling=CR_ROOM_1 outcome=Pneumonia population=adults ms=180 work_ms=140
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass

log = logging.getLogger("pneumonia.pacs")


@dataclass(frozen=True)
class AssociationEvent:
    """The end of an association, or its rejection.

    `outcome`: released, aborted (also by a limit or a lost connection), or the reason of a rejection such as
    calling_ae_title. `association` is its number.
    """

    association: int
    calling_ae: str
    outcome: str
    objects: int = 0
    size: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class InstanceEvent:
    """A received object. `outcome`: stored, duplicate, `skipped:REASON` or `refused:REASON`; then `id` is None."""

    id: int | None
    calling_ae: str
    outcome: str
    sop_class: str
    transfer_syntax: str
    size: int
    seconds: float


@dataclass(frozen=True)
class FilmEvent:
    """A film whose results are in the queue, or an attempt that failed.

    `outcome`: Normal, Pneumonia, `Unknown:REASON`, an error code, `retry:CODE` or `failed:CODE`. `seconds` is the time
    since the reception, `work_seconds` that of the worker.
    """

    id: int
    calling_ae: str
    outcome: str
    population: str
    seconds: float
    work_seconds: float


class Events:
    """Writes the events to the log. Metrics derive from it and extend its methods. Thread-safe."""

    def association(self, event: AssociationEvent) -> None:
        """An association ended or was rejected."""
        log.info(
            "association id=%d calling=%s outcome=%s objects=%d bytes=%d ms=%.0f",
            event.association,
            printable_title(event.calling_ae),
            event.outcome,
            event.objects,
            event.size,
            1000 * event.seconds,
        )

    def connection(self, reason: str) -> None:
        """A connection was closed for a violation of a limit or of the protocol."""
        log.warning("connection outcome=%s", reason)

    def instance(self, event: InstanceEvent) -> None:
        """An object was received."""
        log.info(
            "instance id=%s calling=%s outcome=%s class=%s syntax=%s bytes=%d ms=%.0f",
            "-" if event.id is None else event.id,
            printable_title(event.calling_ae),
            event.outcome,
            printable_uid(event.sop_class),
            printable_uid(event.transfer_syntax),
            event.size,
            1000 * event.seconds,
        )

    def film(self, event: FilmEvent) -> None:
        """A film was read, or an attempt to read it failed."""
        log.info(
            "film id=%d calling=%s outcome=%s population=%s ms=%.0f work_ms=%.0f",
            event.id,
            printable_title(event.calling_ae),
            event.outcome,
            event.population or "-",
            1000 * event.seconds,
            1000 * event.work_seconds,
        )


def printable_title(title: str) -> str:
    """An AE title as one word of a log line; any peer can choose its own."""
    return (
        "".join(
            letter if letter.isascii() and letter.isprintable() and letter not in ' "=' else "_"
            for letter in title[:16]
        )
        or "-"
    )


def printable_uid(uid: str) -> str:
    """A UID as one word of a log line, "invalid" for any other text: a command may contain any in place of a UID."""
    return uid if re.fullmatch(r"[0-9.]{1,64}", uid) else "invalid" if uid else "-"
