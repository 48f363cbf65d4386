"""Prometheus metrics of the PACS service. docs/pacs.md lists them; nothing of a patient is in a name, label or value.

Labels have few values: calling AE titles are those of the configuration, else `other`, since any peer can send any.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram
from pydicom.uid import UID
from pynetdicom import AllStoragePresentationContexts

from .configuration import Configuration
from .events import AssociationEvent, Events, FilmEvent, InstanceEvent
from .outcome import Outcome
from .queue import Delivery

OTHER = "other"
PREFIX = "pneumonia_pacs"

SECONDS = (0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200, 43200, 259200)
"""Limits of the histograms: from an idle service to a destination that was down for three days."""

_STORAGE_CLASSES = frozenset(str(context.abstract_syntax) for context in AllStoragePresentationContexts)


class Metrics(Events):
    """Counts the events of the service and of its deliveries, besides the log."""

    def __init__(self, configuration: Configuration) -> None:
        self.registry = CollectorRegistry()
        self._titles = {peer.ae_title for peer in configuration.peers}
        self._associations = self._counter(
            "associations", "Associations that ended or were rejected", "calling outcome"
        )
        self._connections = self._counter(
            "connections_closed", "Connections closed for a violation of a limit", "reason"
        )
        self._instances = self._counter("instances", "Received objects", "calling sop_class outcome")
        self._bytes = self._counter("received_bytes", "Bytes of received objects", "calling")
        self._films = self._counter("films", "Films that were read", "calling label reason population")
        self._result_seconds = self._histogram("result_seconds", "From reception to results in the queue")
        self._work_seconds = self._histogram("work_seconds", "Time of a worker for a film")
        self._attempts = self._counter(
            "delivery_attempts", "Attempts to deliver an object", "destination outcome reason"
        )
        self._failures = self._counter("deliveries_failed", "Deliveries that became dead letters", "destination reason")
        self._delivery_seconds = self._histogram(
            "delivery_seconds", "From reception of a film to delivery of an object", "destination"
        )
        for destination in configuration.destinations:  # so that a rate of 0 is shown before the first event
            self._delivery_seconds.labels(destination.name)

    def _counter(self, name: str, help: str, labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", help, labels.split(), registry=self.registry)

    def _histogram(self, name: str, help: str, labels: str = "") -> Histogram:
        return Histogram(f"{PREFIX}_{name}", help, labels.split(), registry=self.registry, buckets=SECONDS)

    def _title(self, calling_ae: str) -> str:
        return calling_ae if calling_ae in self._titles else OTHER

    # ------------------------------------------------------------------ events

    def association(self, event: AssociationEvent) -> None:
        """An association ended or was rejected."""
        super().association(event)
        self._associations.labels(self._title(event.calling_ae), event.outcome).inc()

    def connection(self, reason: str) -> None:
        """A connection was closed for a violation of a limit or of the protocol."""
        super().connection(reason)
        self._connections.labels(reason).inc()

    def instance(self, event: InstanceEvent) -> None:
        """An object was received."""
        super().instance(event)
        title = self._title(event.calling_ae)
        self._instances.labels(title, sop_class_label(event.sop_class), event.outcome).inc()
        self._bytes.labels(title).inc(event.size)

    def film(self, event: FilmEvent) -> None:
        """A film was read, or an attempt to read it failed."""
        super().film(event)
        label, _, reason = event.outcome.partition(":")
        if label not in {"Normal", "Pneumonia", "Unknown", "retry", "failed"}:
            label, reason = "error", label
        self._films.labels(self._title(event.calling_ae), label, reason, event.population).inc()
        self._work_seconds.observe(event.work_seconds)
        if label not in {"retry", "failed"}:
            self._result_seconds.observe(event.seconds)

    # ------------------------------------------------------------------ deliveries

    def attempted(self, delivery: Delivery, outcome: Outcome) -> None:
        """An attempt to deliver has ended."""
        self._attempts.labels(delivery.destination, outcome.verdict.value, outcome.reason).inc()

    def delivered(self, delivery: Delivery, seconds: float) -> None:
        """The destination has the object, `seconds` after its film was received."""
        self._delivery_seconds.labels(delivery.destination).observe(max(0.0, seconds))

    def gave_up(self, delivery: Delivery, reason: str) -> None:
        """The delivery has become a dead letter."""
        self._failures.labels(delivery.destination, reason).inc()


def sop_class_label(sop_class: str) -> str:
    """The keyword of a storage SOP class of the standard, e.g. `DigitalXRayImageStorageForPresentation`, or `other`."""
    return (UID(sop_class).keyword or OTHER) if sop_class in _STORAGE_CLASSES else OTHER
