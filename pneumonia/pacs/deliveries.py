"""The deliveries to all destinations of a configuration."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import queue_upkeep
from .configuration import Configuration
from .delivery import DestinationQueue, Observer
from .destinations import DICOM, Destination
from .queue import Queue
from .store_scu import StoreScu

if TYPE_CHECKING:
    from .stow_client import StowClient


def create_sender(destination: Destination, configuration: Configuration) -> StoreScu | StowClient:
    """The client of a destination; raises `UsageError` if a file of TLS or a secret is missing."""
    files = configuration.tls_files
    if destination.type == DICOM:
        return StoreScu(destination, configuration.service.ae_title, files if destination.tls else None)
    from .stow_client import StowClient  # most services have no DICOMweb destination

    return StowClient(destination, files)


class Deliveries:
    """The queues of all destinations."""

    def __init__(self, queues: Sequence[DestinationQueue]) -> None:
        self.queues = tuple(queues)

    @classmethod
    def create(cls, configuration: Configuration, queue: Queue, observer: Observer) -> Deliveries:
        """The queues of the destinations in the configuration; raises `UsageError` as `create_sender`."""
        return cls(
            [
                DestinationQueue(queue, destination, create_sender(destination, configuration), observer)
                for destination in configuration.destinations
            ]
        )

    def start(self) -> None:
        """Begin to deliver."""
        for queue in self.queues:
            queue.start()

    def waiting_for_unknown(self, queue: Queue) -> dict[str, int]:
        """Names of destinations that the configuration lacks -> number of objects that wait for them."""
        known = {each.destination.name for each in self.queues}
        counts = queue_upkeep.delivery_counts(queue)
        return {name: number for (name, state), number in counts.items() if state == "waiting" and name not in known}

    def wake(self) -> None:
        """Query the queue now; called when results were added."""
        for queue in self.queues:
            queue.wake()

    def stop(self, timeout_s: float = 10.0) -> None:
        """End all threads after the objects that are being sent, at the latest after `timeout_s` seconds."""
        for queue in self.queues:
            queue.stop()
        deadline = time.monotonic() + timeout_s
        for queue in self.queues:
            queue.join(max(0.0, deadline - time.monotonic()))
