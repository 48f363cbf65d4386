"""The worker processes: each gets the oldest film that waits; a film that ends its worker is tried a few times."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from ..errors import InternalError, PneumoniaError
from .configuration import Configuration
from .events import Events, FilmEvent
from .film_processing import RETRY_S
from .queue import Instance, Queue
from .worker import WorkerProcess

log = logging.getLogger("pneumonia.pacs")

CRASHED = "crashed"
"""Code of a film whose worker ended or was killed while it read the film."""

_POLL_S = 1.0
"""Seconds between two queries of the queue without a wake-up: for films that are tried again, and for `pacs retry`."""

_MAX_RESTART_DELAY_S = 30.0

_ERROR_PAUSE_S = 5.0
"""Seconds until the next film after the queue could not be written, for example because its disk is full."""

_MAX_RETRY_S = 3_600.0
"""Maximum seconds until a film is tried again; `[queue] max_attempts` may be large."""


class WorkerPool:
    """Runs `[service] workers` processes. `on_results` is called after the results of a film are in the queue."""

    def __init__(
        self, configuration: Configuration, queue: Queue, events: Events, on_results: Callable[[], None]
    ) -> None:
        self._configuration, self._queue, self._events, self._on_results = configuration, queue, events, on_results
        self._condition = threading.Condition()
        self._in_work: set[int] = set()
        self._is_stopping = threading.Event()
        self._is_ready = threading.Event()
        self._start_error: PneumoniaError | None = None
        self._workers: dict[int, WorkerProcess] = {}
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the processes; returns when the first one is ready. Raises the error of a worker that cannot start."""
        for number in range(self._configuration.service.workers):
            thread = threading.Thread(target=self._run, args=(number,), name=f"worker-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._is_ready.wait()
        if self._start_error is not None and not self._queue.fingerprint:
            self.stop(0)
            raise self._start_error

    def wake(self) -> None:
        """A film was added to the queue."""
        with self._condition:
            self._condition.notify()

    @property
    def is_alive(self) -> bool:
        """True if at least one worker process is ready."""
        return bool(self._workers)

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that are ready."""
        return [worker.pid for worker in list(self._workers.values())]

    def stop(self, timeout_s: float) -> None:
        """End the workers after their present films, or kill them after `timeout_s` seconds."""
        self._is_stopping.set()
        with self._condition:
            self._condition.notify_all()
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        for worker in list(self._workers.values()):
            worker.kill()  # its film stays in the queue
        for thread in self._threads:
            thread.join(5)

    # ------------------------------------------------------------------ threads

    def _run(self, number: int) -> None:
        delay_s = 1.0
        while not self._is_stopping.is_set():
            worker = None
            try:
                # May fail while the memory of the machine is used up; this thread must then try again.
                worker = WorkerProcess(self._configuration, number)
                self._queue.fingerprint = worker.start()
                self._start_error, delay_s = None, 1.0
                self._workers[number] = worker
                self._is_ready.set()
                self._serve(worker)
            except PneumoniaError as error:
                log.error("worker number=%d outcome=not_started code=%s", number, error.code)
                self._start_error = error
                self._is_ready.set()
            except Exception as error:
                self._start_error = InternalError.from_exception(error)
                self._is_ready.set()
            finally:
                self._workers.pop(number, None)
                if worker is not None:
                    worker.stop(5)
            if not self._is_stopping.wait(delay_s if self._start_error else 0):
                delay_s = min(2 * delay_s, _MAX_RESTART_DELAY_S)

    def _serve(self, worker: WorkerProcess) -> None:
        """Give films to a worker until it ends or the service stops."""
        while (instance := self._take()) is not None:
            try:
                if not worker.is_running:  # it was killed while it waited: the film is not to blame
                    return
                started_at = time.monotonic()
                response = worker.process(instance.id)
                if response is None and self._is_stopping.is_set():
                    return  # killed by `stop`
                if response is not None or not self._is_completed(instance):
                    self._record_or_wait(instance, response, time.monotonic() - started_at)
            finally:
                self._give_back(instance)
            if response is None:
                log.error("worker outcome=crashed film=%d", instance.id)
                return

    def _is_completed(self, instance: Instance) -> bool:
        """Whether a worker that ended had stored the results of its film; then they are delivered."""
        if not self._queue.delete_completed(instance):
            return False
        with suppress(Exception):
            self._on_results()
        return True

    def _record_or_wait(self, instance: Instance, response: dict[str, object] | None, seconds: float) -> None:
        """Record what became of a film. If the queue cannot be written, the film stays in it, and is tried again."""
        try:
            self._record(instance, response, seconds)
        except (PneumoniaError, sqlite3.Error) as error:
            code = error.code if isinstance(error, PneumoniaError) else InternalError.from_exception(error).code
            log.error("film id=%d outcome=not_recorded code=%s", instance.id, code)
            self._is_stopping.wait(_ERROR_PAUSE_S)

    def _take(self) -> Instance | None:
        """The next film; waits for one. None if the service stops."""
        while not self._is_stopping.is_set():
            with self._condition:
                waiting = self._queue.waiting_instances(1, self._in_work)
                if waiting:
                    self._in_work.add(waiting[0].id)
                    return waiting[0]
                self._condition.wait(_POLL_S)
        return None

    def _give_back(self, instance: Instance) -> None:
        with self._condition:
            self._in_work.discard(instance.id)

    def _record(self, instance: Instance, response: dict[str, object] | None, seconds: float) -> None:
        response = response or {"error": CRASHED}
        error = str(response.get("error") or "")
        outcome = self._record_error(instance, error, response) if error else ""
        self._events.film(
            FilmEvent(
                instance.id,
                instance.calling_ae,
                outcome or str(response.get("outcome") or "none"),
                str(response.get("population") or ""),
                max(0.0, time.time() - instance.received_at),
                seconds,
            )
        )
        if not error:
            with suppress(Exception):
                self._on_results()

    def _record_error(self, instance: Instance, code: str, response: dict[str, object]) -> str:
        if response.get("is_temporary"):
            self._queue.postpone(instance.id, code, RETRY_S, counts=False)
            return f"retry:{code}"
        if not response.get("is_permanent") and instance.attempts + 1 < self._configuration.queue.max_attempts:
            self._queue.postpone(instance.id, code, min(RETRY_S * 2**instance.attempts, _MAX_RETRY_S))
            return f"retry:{code}"
        self._queue.fail(instance.id, code)
        return f"failed:{code}"
