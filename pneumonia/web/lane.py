"""A lane: a concurrency limit with one queue for each caller, which are served in turn (fair queueing).

There are two lanes: one for single films and one for batches. Page and REST API share both, so that there is one bound
on the films in progress, and they take turns, so that many calls of one side do not delay the other.
"""

from __future__ import annotations

import asyncio
import functools
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from typing import Any

from .. import settings
from ..errors import Busy
from ..messages import message

BATCHES = 2
"""Batches that run at a time, of page and API together. Single films have a lane of their own, so they never wait for a
batch."""

MAX_RETRY_AFTER_S = 60
"""Maximum seconds after which a caller is asked to try again."""

_MEAN_WEIGHT = 0.1
"""Weight of the last task in the running mean of durations."""


class Caller(Enum):
    """The side that a task comes from. Each has its own queue of waiting tasks."""

    PAGE = "page, Gradio endpoints and MCP"
    REST = "REST API"


class Ticket:
    """The place of one task in the lane: it waits, runs, or has ended."""

    def __init__(self, caller: Caller = Caller.PAGE) -> None:
        self.caller = caller
        self.is_running = False
        self.started_at = 0.0
        self.on_start: Callable[[], object] = lambda: None


class Lane:
    """Lets `width` tasks run at a time. Of the tasks that wait, the next is that of the other caller, if it has one.

    The tasks of one caller run in the order in which they joined. `busy` makes the error for a caller whose queue is
    full, from the number of tasks that may wait. The queue of a caller in `unbounded` is never full. Thread-safe: tasks
    may wait on a thread or on an event loop.
    """

    def __init__(
        self,
        width: int = BATCHES,
        busy: Callable[[int], Busy] | None = None,
        unbounded: Collection[Caller] = (),
    ) -> None:
        self._width = width
        self._unbounded = unbounded
        self._busy = busy or _too_many_batches
        self._waiting: dict[Caller, deque[Ticket]] = {caller: deque() for caller in Caller}
        self._last_caller = Caller.REST
        self._running = 0
        self._mean_s = 0.0
        self._changed = threading.Condition()

    def join(self, caller: Caller = Caller.PAGE) -> Ticket:
        """Join the end of the caller's queue. Raises `Busy` if `PNEUMONIA_QUEUE_SIZE` of its tasks wait."""
        with self._changed:
            self.check(caller)
            ticket = Ticket(caller)
            self._waiting[caller].append(ticket)
            self._advance()
            return ticket

    def check(self, caller: Caller) -> None:
        """Raise `Busy` if the caller's queue is full now."""
        limit = settings.QUEUE_SIZE.read()
        if caller not in self._unbounded and len(self._waiting[caller]) >= limit:
            raise self._busy(limit)

    def count_ahead(self, ticket: Ticket) -> int:
        """Number of tasks that run before this one; 0 if it runs or has ended.

        As far as is known: a task of the other caller that joins later may come before it.
        """
        with self._changed:
            queue = self._waiting[ticket.caller]
            if ticket not in queue:
                return 0
            position = queue.index(ticket)
            others = sum(len(each) for caller, each in self._waiting.items() if caller is not ticket.caller)
            return position + min(others, position + (self._last_caller is ticket.caller))

    def retry_after_s(self, caller: Caller) -> int:
        """Seconds until the queue of the caller is probably served, from the mean duration of tasks; 1 to 60."""
        with self._changed:
            sides = sum(bool(queue) for queue in self._waiting.values())
            seconds = len(self._waiting[caller]) * max(sides, 1) * self._mean_s / self._width
        return min(max(math.ceil(seconds), 1), MAX_RETRY_AFTER_S)

    @contextmanager
    def turn(self, ticket: Ticket, is_cancelled: Callable[[], bool] = lambda: False) -> Iterator[None]:
        """Context of the run of a task: waits for its turn. A cancelled task does not wait; `wake` tells it."""
        with self._changed:
            self._changed.wait_for(lambda: is_cancelled() or ticket.is_running)
            if not ticket.is_running:
                self._waiting[ticket.caller].remove(ticket)
                self._start(ticket)
        try:
            yield
        finally:
            self.leave(ticket)

    async def started(self, ticket: Ticket) -> None:
        """Wait on an event loop for the turn of a task. The caller calls `leave` in any case."""
        loop, started = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(started.set)

        with self._changed:
            if ticket.is_running:
                return
            ticket.on_start = wake
        await started.wait()

    def leave(self, ticket: Ticket) -> None:
        """End a task that runs, or take one that waits out of its queue."""
        with self._changed:
            if ticket.is_running:
                ticket.is_running = False
                self._running -= 1
                self._mean_s += _MEAN_WEIGHT * (time.monotonic() - ticket.started_at - self._mean_s)
            with suppress(ValueError):
                self._waiting[ticket.caller].remove(ticket)
            self._advance()

    def wake(self) -> None:
        """Let the waiting tasks check whether they were cancelled."""
        with self._changed:
            self._changed.notify_all()

    def wrap(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        """The handler of an endpoint of Gradio, each call of which waits on its thread for its turn in this lane."""

        @functools.wraps(handler)
        def in_turn(*args: Any, **kwargs: Any) -> Any:
            with self.turn(self.join()):
                return handler(*args, **kwargs)

        return in_turn

    def _advance(self) -> None:
        """Start the next tasks while there is space. Called with the lock."""
        while self._running < self._width:
            order = [caller for caller in Caller if caller is not self._last_caller] + [self._last_caller]
            queue = next((self._waiting[caller] for caller in order if self._waiting[caller]), None)
            if queue is None:
                return
            self._start(queue.popleft())

    def _start(self, ticket: Ticket) -> None:
        self._running += 1
        self._last_caller = ticket.caller
        ticket.is_running, ticket.started_at = True, time.monotonic()
        ticket.on_start()
        self._changed.notify_all()


def film_lane(busy: Callable[[int], Busy]) -> Lane:
    """The lane of single films: as many run at a time as there are inference threads.

    The queue of the page is unbounded here, because Gradio's queue has refused the calls beyond `PNEUMONIA_QUEUE_SIZE`
    before, and lets only as many through as the lane is wide.
    """
    return Lane(settings.THREADS.read(), busy, unbounded={Caller.PAGE})


def _too_many_batches(limit: int) -> Busy:
    return Busy(
        message("Too many batches are waiting. Allowed: {limit:,} at a time. Try again in a minute.", limit=limit)
    )
