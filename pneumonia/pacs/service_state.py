"""The present state of the PACS service: for `/health`, and as gauges for Prometheus."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from .. import __version__
from ..errors import InternalError, PneumoniaError
from . import queue_upkeep, tls
from .disk_space import DiskSpace
from .metrics import PREFIX
from .tls_renewal import TlsReloader

if TYPE_CHECKING:
    from .service import PacsService


class ServiceState(Collector):
    """Reads the state of a started service, at each request."""

    def __init__(self, service: PacsService) -> None:
        self._service = service
        configuration = service.configuration
        self._disk = DiskSpace(configuration.folder, configuration.limits.min_free_disk_mb)
        self._expiry = TlsReloader("metrics", configuration.tls_files, tls.expiry_of)

    def health(self) -> tuple[bool, dict[str, Any]]:
        """Whether films can be received and read, and the parts of this answer as JSON.

        A destination that is down does not make the service unhealthy: its objects wait, and a restart would not help.
        """
        service = self._service
        parts = {
            "listening": service.scp.is_listening,
            "workers": service.workers.is_alive,
            "queue_writable": self._is_queue_writable(),
            "disk_space": not self._disk.is_low(),
        }
        is_healthy = all(parts.values())
        status = "ok" if is_healthy else "unavailable"
        return is_healthy, {"status": status, **parts, **self._details(parts["queue_writable"])}

    def _details(self, is_readable: bool) -> dict[str, Any]:
        details: dict[str, Any] = {"version": __version__, "free_disk_mb": self._free_mb()}
        if is_readable:
            details |= {"films": queue_upkeep.counts(self._service.queue), "destinations": self._destinations()}
        return details

    def _destinations(self) -> dict[str, Any]:
        counts = queue_upkeep.delivery_counts(self._service.queue)
        return {
            queue.destination.name: {
                "available": queue.state.is_available,
                "reason": queue.state.reason,
                "detail": queue.state.detail,
                "waiting": counts.get((queue.destination.name, "waiting"), 0),
                "failed": counts.get((queue.destination.name, "failed"), 0),
            }
            for queue in self._service.deliveries.queues
        }

    def _is_queue_writable(self) -> bool:
        try:
            # Takes the lock of a writer; a transaction without a change writes nothing.
            with self._service.queue.database.transaction():
                return os.access(self._service.configuration.folder, os.W_OK)
        except PneumoniaError:
            return False
        except Exception as error:
            InternalError.from_exception(error)
            return False

    def _free_mb(self) -> int:
        try:
            return self._disk.free_mb
        except OSError:
            return 0

    # ------------------------------------------------------------------ Prometheus

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges, read now."""
        service = self._service
        yield _gauge("up", "1: films can be received and read, as /health says", self.health()[0])
        yield _gauge("open_associations", "Established associations", service.scp.open_associations)
        yield _gauge("workers", "Processes that read films and are ready", len(service.workers.pids))
        yield _gauge("free_disk_bytes", "Free space on the disk of the queue", self._free_mb() * 1e6)
        expiry = self._expiry.current()
        if expiry is not None:
            yield _gauge(
                "certificate_expiry_seconds", "When the certificate expires, seconds since 1970", expiry.timestamp()
            )
        try:
            yield from self._queue_gauges()
        except PneumoniaError:
            return  # `up` is 0 then

    def _queue_gauges(self) -> Iterator[GaugeMetricFamily]:
        queue = self._service.queue
        films = GaugeMetricFamily(f"{PREFIX}_queue_films", "Films in the queue", labels=["state"])
        for state, number in queue_upkeep.counts(queue).items():
            films.add_metric([state], number)
        yield films
        oldest = queue_upkeep.oldest_received_at(queue)
        age_s = 0.0 if oldest is None else max(0.0, queue.now() - oldest)
        yield _gauge("oldest_film_seconds", "Age of the oldest film that is no dead letter", age_s)
        yield from self._destination_gauges()

    def _destination_gauges(self) -> Iterator[GaugeMetricFamily]:
        waiting = GaugeMetricFamily(
            f"{PREFIX}_queue_deliveries", "Result objects in the queue", labels=["destination", "state"]
        )
        available = GaugeMetricFamily(
            f"{PREFIX}_destination_available", "1: it took the last object", labels=["destination"]
        )
        counts = queue_upkeep.delivery_counts(self._service.queue)
        states = {queue.destination.name: queue.state for queue in self._service.deliveries.queues}
        # Also objects for destinations that the configuration no longer has.
        for name in dict.fromkeys([*states, *(name for name, _ in counts)]):
            for state in ("waiting", "failed"):
                waiting.add_metric([name, state], counts.get((name, state), 0))
        for name, destination in states.items():
            available.add_metric([name], float(destination.is_available))
        yield waiting
        yield available


def _gauge(name: str, help: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{PREFIX}_{name}", help, value=float(value))
