"""The PACS service: storage SCP, queue, workers and deliveries, from start to graceful end.

    start:  lock of the folder -> recovery -> port -> workers load the models -> deliveries -> associations
    end:    the port is closed -> open associations end -> workers finish their films -> deliveries finish their objects

What remains in the queue at the end is processed after the next start.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from ..errors import InternalError, UsageError
from ..files import exclusive_lock
from ..files.locks import try_lock
from ..messages import message
from . import network_library, queue_upkeep
from .configuration import Configuration
from .deliveries import Deliveries
from .delivery import Observer
from .events import Events, InstanceEvent
from .inspection import read_reception
from .metrics import Metrics
from .priors import PriorFetcher
from .queue import Queue
from .reception import Receiver
from .service_state import ServiceState
from .status_server import StatusServer
from .storage_scp import StorageScp
from .worker_pool import WorkerPool
from .worker_process import LOCK_PATTERN, LOCK_WAIT_S

log = logging.getLogger("pneumonia.pacs")

_UPKEEP_S = 60.0
"""Seconds between two rounds of upkeep: expired digests and dead letters, files of associations that were aborted."""


class PacsService:
    """The service of one configuration. `events` and `deliveries` record what it does, for log and metrics."""

    def __init__(self, configuration: Configuration, events: Events, deliveries: Observer) -> None:
        self.configuration, self.events = configuration, events
        self._delivery_observer = deliveries
        self._resources = ExitStack()
        self._is_stopped = threading.Event()
        self.queue: Queue
        self.scp: StorageScp
        self.workers: WorkerPool
        self.deliveries: Deliveries

    def start(self) -> None:
        """Start everything; returns when the service listens. Raises `PneumoniaError`, after which `stop` is due."""
        configuration = self.configuration
        folder = configuration.folder
        in_use = message("Another PACS service uses the folder {path}.", path=folder)
        self._resources.enter_context(exclusive_lock(folder / "service.lock", in_use))
        self._wait_for_earlier_workers()
        self.queue = Queue(
            folder, remember_h=configuration.queue.remember_h, max_instances=configuration.limits.max_queue
        )
        self._resources.callback(self.queue.close)
        self._check_database()
        self._recover()
        network_library.configure(self.queue.spool.incoming, self.events.connection)
        receiver = Receiver(configuration, self.queue, _WakingEvents(self), self._start_priors())
        self.scp = StorageScp(configuration, receiver, self.events)
        self._resources.callback(self.scp.stop, 0)
        self.scp.listen()  # before the models are loaded, so that a port in use is noticed at once
        self.deliveries = Deliveries.create(configuration, self.queue, self._delivery_observer)
        self._report_unknown_destinations()
        self.workers = WorkerPool(configuration, self.queue, self.events, self.deliveries.wake)
        self._resources.callback(self.workers.stop, configuration.limits.drain_s)
        self.workers.start()
        self.deliveries.start()
        self._resources.callback(self.deliveries.stop, configuration.limits.drain_s)
        self.scp.start()
        self._resources.callback(self.scp.stop, configuration.limits.drain_s)
        threading.Thread(target=self._upkeep, name="upkeep", daemon=True).start()

    def stop(self) -> None:
        """End everything in the reverse order of its start. Calling it again has no effect."""
        self._is_stopped.set()
        self._resources.close()

    def _wait_for_earlier_workers(self) -> None:
        """Wait for workers of a service that was killed: each finishes its film and writes its results."""
        for path in self.configuration.folder.glob(LOCK_PATTERN):
            lock = try_lock(path, LOCK_WAIT_S)
            if lock is None:
                raise UsageError(
                    message(
                        "A worker of an earlier PACS service still uses the folder {path}.",
                        path=self.configuration.folder,
                    )
                )
            lock.release()

    def _check_database(self) -> None:
        if not self.queue.database.is_intact():
            raise UsageError(
                message(
                    "The queue {path} is damaged. Move this file away and start again: films that wait are added to "
                    "a new queue, and results that wait are moved to the folder undelivered, as DICOM files.",
                    path=self.configuration.folder / "queue.sqlite",
                )
            )

    def _recover(self) -> None:
        recovered = queue_upkeep.recover(self.queue, read_reception)
        waiting = queue_upkeep.counts(self.queue)
        log.info(
            "queue received=%d predicted=%d failed=%d adopted=%d deleted=%d undelivered=%d",
            *(waiting[state] for state in ("received", "predicted", "failed")),
            recovered.adopted,
            recovered.deleted,
            recovered.undelivered,
        )

    def _start_priors(self) -> Callable[[Path], None]:
        """What to call for each film: the request for its priors, if the configuration has a PACS for them."""
        if not self.configuration.priors.host:
            return lambda film: None
        fetcher = PriorFetcher(self.configuration)
        fetcher.start()
        self._resources.callback(fetcher.stop)
        return fetcher.request

    def _report_unknown_destinations(self) -> None:
        for name, number in self.deliveries.waiting_for_unknown(self.queue).items():
            log.warning("destination name=%s state=not_configured waiting=%d", name, number)

    def _upkeep(self) -> None:
        limits = self.configuration.limits
        # An object that arrives changes its file with each fragment.
        unused_s = limits.idle_timeout_s + limits.pdu_timeout_s + 60
        while not self._is_stopped.wait(_UPKEEP_S):
            try:
                self.queue.spool.delete_incoming(unused_s)
                self.scp.forget_ended()
                self.scp.renew_certificate()
                expired = queue_upkeep.expire(self.queue, self.configuration.queue.keep_failed_days)
                if expired:
                    log.warning("queue expired_dead_letters=%d", expired)
            except Exception as error:
                InternalError.from_exception(error)  # logs the location; the next round may succeed


class _WakingEvents(Events):
    """Passes the events of reception on, and wakes a worker for each film."""

    def __init__(self, service: PacsService) -> None:
        self._service = service

    def instance(self, event: InstanceEvent) -> None:
        self._service.events.instance(event)
        if event.id is not None:
            self._service.workers.wake()


def create_service(configuration: Configuration) -> PacsService:
    """The service with everything that observes it."""
    metrics = Metrics(configuration)
    return MonitoredService(configuration, metrics)


class MonitoredService(PacsService):
    """The service with `/health` and `/metrics`, if the configuration has a port for them."""

    def __init__(self, configuration: Configuration, metrics: Metrics) -> None:
        super().__init__(configuration, metrics, metrics)
        self._metrics = metrics
        self.status_server: StatusServer | None = None

    def start(self) -> None:
        """Start everything; `/health` answers when the service listens."""
        super().start()
        address = self.configuration.metrics
        if not address.port:
            return
        state = ServiceState(self)
        self._metrics.registry.register(state)
        self.status_server = StatusServer(address.host, address.port, state.health, self._metrics.registry)
        self.status_server.start()
        self._resources.callback(self.status_server.stop)


def serve_until_signal(service: PacsService) -> None:
    """Run the service until SIGTERM or SIGINT, then end it gracefully; a second signal ends the process at once."""
    stop_requested = threading.Event()

    def request_stop(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop_requested.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, request_stop)
    try:
        service.start()
        address, port = service.configuration.service, service.scp.port
        log.info("service state=listening ae_title=%s host=%s port=%d", address.ae_title, address.host, port)
        while not stop_requested.wait(1):  # a wait without end would not be interrupted on Windows
            pass
        log.info("service state=stopping")
    finally:
        service.stop()
    log.info("service state=stopped")
