"""C-STORE of one object: inspect it, store it in the queue, answer when it is on the disk."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset

from ..errors import Busy, DiskFull, InternalError
from .configuration import Configuration
from .disk_space import DiskSpace
from .events import Events, InstanceEvent
from .inspection import (
    CANNOT_UNDERSTAND,
    OUT_OF_RESOURCES,
    PROCESSING_FAILURE,
    SOP_CLASS_NOT_SUPPORTED,
    SUCCESS,
    Inspection,
    inspect_file,
)
from .queue import Queue, Reception
from .sop_classes import FILM_CLASSES

_COMMENTS = {
    "too_large": "Object larger than the limit of the service",
    "disk_low": "Disk space of the service is low",
    "queue_full": "Queue of the service is full",
    "class_of_other_context": "SOP class is not that of the presentation context",
    "data_set_mismatch": "SOP class or instance differ from the command",
    "unreadable_data_set": "Data set cannot be read",
    "missing_identifiers": "UID of study, series or instance missing or invalid",
    "internal": "Internal error of the service",
}
"""Reason -> Error Comment of the response (PS3.7, annex C: at most 64 characters)."""


@dataclass(frozen=True)
class ReceivedObject:
    """An object as it arrived. `path` is its file, None without a data set, `size` its number of bytes on the network.

    `abstract_syntax` is the SOP class of its presentation context, `reception` has that of the command. With
    `had_no_space` its data set was not stored, since the disk was low.
    """

    path: Path | None
    reception: Reception
    abstract_syntax: str
    size: int
    is_too_large: bool
    had_no_space: bool = False


class Receiver:
    """Stores received objects in a queue. `on_film` is called with the file of each film, and must not raise."""

    def __init__(
        self,
        configuration: Configuration,
        queue: Queue,
        events: Events,
        on_film: Callable[[Path], None] = lambda path: None,
    ) -> None:
        self._skip_other_body_parts = configuration.service.skip_other_body_parts
        self._queue, self._events, self._on_film = queue, events, on_film
        self._disk = DiskSpace(configuration.folder, configuration.limits.min_free_disk_mb)

    def receive(self, received: ReceivedObject) -> Dataset:
        """Process one object; returns the status elements of the response."""
        started_at = time.monotonic()
        instance_id = None
        try:
            inspection = self._inspect(received)
            if received.path is not None and inspection.status == SUCCESS and not inspection.is_skipped:
                self._on_film(received.path)  # before the queue has the file, which a worker may delete at once
                instance_id = self._queue.add(received.path, received.reception)
        except (DiskFull, Busy) as error:
            reason = "disk_low" if isinstance(error, DiskFull) else "queue_full"
            inspection = Inspection(OUT_OF_RESOURCES, reason)
        except Exception as error:
            InternalError.from_exception(error)  # logs the location
            inspection = Inspection(PROCESSING_FAILURE, "internal")
        self._events.instance(
            InstanceEvent(
                instance_id,
                received.reception.calling_ae,
                _outcome(inspection, instance_id),
                received.reception.sop_class,
                received.reception.transfer_syntax,
                received.size,
                time.monotonic() - started_at,
            )
        )
        return _status(inspection)

    @property
    def disk(self) -> DiskSpace:
        """The space on the disk of the queue."""
        return self._disk

    def _inspect(self, received: ReceivedObject) -> Inspection:
        if received.reception.sop_class != received.abstract_syntax:
            return Inspection(SOP_CLASS_NOT_SUPPORTED, "class_of_other_context")
        if received.reception.sop_class not in FILM_CLASSES:
            return Inspection(reason="other_class", is_skipped=True)
        if received.is_too_large:
            return Inspection(OUT_OF_RESOURCES, "too_large")
        if received.path is None:
            return Inspection(CANNOT_UNDERSTAND, "unreadable_data_set")
        if received.had_no_space or self._disk.is_low():
            return Inspection(OUT_OF_RESOURCES, "disk_low")
        return inspect_file(received.path, received.reception, skip_other_body_parts=self._skip_other_body_parts)


def _outcome(inspection: Inspection, instance_id: int | None) -> str:
    if inspection.status != SUCCESS:
        return f"refused:{inspection.reason}"
    if inspection.is_skipped:
        return f"skipped:{inspection.reason}"
    return "duplicate" if instance_id is None else "stored"


def _status(inspection: Inspection) -> Dataset:
    status = Dataset()
    status.Status = inspection.status
    if inspection.status != SUCCESS:
        status.ErrorComment = _COMMENTS[inspection.reason]
    return status
