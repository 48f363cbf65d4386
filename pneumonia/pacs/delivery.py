"""Delivery of result objects: each destination has its own thread, so that a slow or dead one delays no other.

Delivery is at least once: an object is sent again if the service ends between the response of the destination and the
record of it in the queue. Its UIDs are deterministic, so the destination still has it once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydicom.errors import InvalidDicomError

from ..errors import InternalError, PneumoniaError
from .destinations import Destination
from .outcome import Outcome, Verdict
from .queue import Delivery, Queue

log = logging.getLogger("pneumonia.pacs")

BATCH = 20
"""Deliveries that are read from the queue at a time."""

POLL_S = 1.0
"""Seconds between two queries of the queue, which `pacs retry` changes from another process."""

_OBJECT_REASONS = {"out_of_resources", "server_error"}
"""Reasons for which a destination is unavailable that are answers to one object. Some archives answer so to an object
that they cannot store, so the next attempt is made with another one; otherwise one object would block all."""

ERROR_PAUSE_S = 5.0
"""Seconds to wait after an error of our own, for example a full disk under the queue."""


class Sender(Protocol):
    """Sends objects to one destination; `StoreScu` or `StowClient`. Used by one thread."""

    def send(self, path: Path) -> Outcome:
        """Send the DICOM file at `path`."""

    def close_if_idle(self) -> None:
        """Close a connection that was not used for a while."""

    def close(self) -> None:
        """Close the connection."""


class Observer(Protocol):
    """What metrics record of deliveries."""

    def attempted(self, delivery: Delivery, outcome: Outcome) -> None:
        """An attempt has ended."""

    def delivered(self, delivery: Delivery, seconds: float) -> None:
        """The destination has the object, `seconds` after its film was received."""

    def gave_up(self, delivery: Delivery, reason: str) -> None:
        """The delivery has failed for good."""


@dataclass(frozen=True)
class DestinationState:
    """Whether a destination took the last object; for `/health` and metrics."""

    is_available: bool = True
    reason: str = ""
    detail: str = ""
    since: float = 0.0
    """Seconds since the epoch at which it became available or unavailable; 0: no attempt yet."""


class DestinationQueue:
    """The thread that delivers to one destination."""

    def __init__(self, queue: Queue, destination: Destination, sender: Sender, observer: Observer) -> None:
        self.destination = destination
        self.state = DestinationState()
        self._queue, self._sender, self._observer = queue, sender, observer
        self._work, self._stopping = threading.Event(), threading.Event()
        self._failures = 0
        self._postponed: Counter[int] = Counter()
        """Id of a delivery -> number of its postponements that are no attempts."""
        self._thread = threading.Thread(target=self._run, name=f"delivery {destination.name}", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def wake(self) -> None:
        """Query the queue now; called when results were added."""
        self._work.set()

    def stop(self) -> None:
        """End after the object that is being sent; does not wait."""
        self._stopping.set()
        self._work.set()

    def join(self, timeout_s: float) -> bool:
        """Wait until the thread has ended; False if it still sends after `timeout_s` seconds."""
        if self._thread.ident is not None:  # it was started
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._deliver_due()
            except PneumoniaError as error:
                log.error("delivery destination=%s error=%s", self.destination.name, error.code)
                self._stopping.wait(ERROR_PAUSE_S)
            except Exception as error:
                InternalError.from_exception(error)
                self._stopping.wait(ERROR_PAUSE_S)
        self._sender.close()

    def _deliver_due(self) -> None:
        self._work.clear()
        deliveries = self._queue.due_deliveries(self.destination.name, BATCH)
        for delivery in deliveries:
            if self._stopping.is_set():
                return
            outcome = self._send(delivery)
            self._record(delivery, outcome)
            if outcome.verdict in {Verdict.UNAVAILABLE, Verdict.INTERRUPTED}:
                self._pause(outcome)
                return
            self._mark_available()
        if not deliveries:
            self._sender.close_if_idle()
            self._work.wait(self._idle_s())

    def _idle_s(self) -> float:
        next_at = self._queue.next_delivery_at(self.destination.name)
        return POLL_S if next_at is None else min(POLL_S, max(0.0, next_at - self._queue.now()))

    def _send(self, delivery: Delivery) -> Outcome:
        started = time.perf_counter()
        try:
            outcome = self._sender.send(delivery.path)
        except (FileNotFoundError, InvalidDicomError):
            outcome = Outcome(Verdict.REFUSED, "file_lost", "The result object in the queue is missing or damaged.")
        except Exception as error:  # a bug must not keep later objects waiting
            incident = InternalError.from_exception(error)
            outcome = Outcome(Verdict.REFUSED, "internal", str(incident))
        log.info(
            "delivery id=%d destination=%s kind=%s outcome=%s reason=%s attempt=%d ms=%.0f%s",
            delivery.id,
            self.destination.name,
            delivery.kind,
            outcome.verdict,
            outcome.reason,
            delivery.attempts + 1,
            1000 * (time.perf_counter() - started),
            # That of a destination that is unavailable follows in a line of its own.
            f": {outcome.detail}" if outcome.detail and outcome.verdict is not Verdict.UNAVAILABLE else "",
        )
        self._observer.attempted(delivery, outcome)
        return outcome

    def _record(self, delivery: Delivery, outcome: Outcome) -> None:
        if outcome.is_delivered:
            self._queue.deliver(delivery)
            self._postponed.pop(delivery.id, None)
            self._observer.delivered(delivery, self._queue.now() - delivery.received_at)
        elif outcome.verdict is Verdict.UNAVAILABLE:
            if outcome.reason in _OBJECT_REASONS:
                self._postpone_object(delivery, outcome)
            self._expire(outcome)
        else:
            self._record_refusal(delivery, outcome)

    def _postpone_object(self, delivery: Delivery, outcome: Outcome) -> None:
        """Let other objects pass one for which the destination has no space.

        Its age is checked here: `_expire` looks at the objects that are due, and a postponed one is not.
        """
        if self._is_expired(delivery):
            self._give_up(delivery, outcome)
            return
        self._postponed[delivery.id] += 1
        pause_s = self._pause_s(self._postponed[delivery.id])
        self._queue.postpone_delivery(delivery.id, outcome.detail, pause_s, counts=False)

    def _record_refusal(self, delivery: Delivery, outcome: Outcome) -> None:
        attempts = delivery.attempts + 1
        retry = self.destination.retry
        if attempts >= retry.refusals or self._is_expired(delivery):
            self._give_up(delivery, outcome)
        else:
            self._queue.postpone_delivery(delivery.id, outcome.detail, self._pause_s(attempts))

    def _expire(self, outcome: Outcome) -> None:
        """Give up deliveries that are too old, after an attempt has failed: the service may have been off for days."""
        while expired := [
            delivery
            for delivery in self._queue.due_deliveries(self.destination.name, BATCH)
            if self._is_expired(delivery)
        ]:
            for delivery in expired:
                self._give_up(delivery, outcome)

    def _is_expired(self, delivery: Delivery) -> bool:
        return self._queue.now() - delivery.waiting_since > self.destination.retry.give_up_after_s

    def _give_up(self, delivery: Delivery, outcome: Outcome) -> None:
        self._queue.fail_delivery(delivery.id, outcome.detail)
        self._postponed.pop(delivery.id, None)
        self._observer.gave_up(delivery, outcome.reason)
        log.error(
            "delivery id=%d destination=%s kind=%s failed reason=%s",
            delivery.id,
            self.destination.name,
            delivery.kind,
            outcome.reason,
        )

    def _pause(self, outcome: Outcome) -> None:
        self._failures += 1
        pause_s = self._pause_s(self._failures)
        since = self._queue.now() if self.state.is_available else self.state.since
        self.state = DestinationState(False, outcome.reason, outcome.detail, since)
        log.warning(
            "destination name=%s state=unavailable reason=%s retry_s=%.1f: %s",
            self.destination.name,
            outcome.reason,
            pause_s,
            outcome.detail,
        )
        self._sender.close()
        self._stopping.wait(pause_s)

    def _pause_s(self, failures: int) -> float:
        return self.destination.retry.pause_s(failures)

    def _mark_available(self) -> None:
        if not self.state.is_available:
            log.warning("destination name=%s state=available", self.destination.name)
        if not self.state.is_available or not self.state.since:
            self.state = DestinationState(True, since=self._queue.now())
        self._failures = 0
