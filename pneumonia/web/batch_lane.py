"""The lane of batches: how many run at a time, and the order of those that wait."""

from __future__ import annotations

import functools
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from .. import settings
from ..errors import Busy
from ..messages import message

WIDTH = 2
"""Batches that run at a time, on page and API together. Single films do not pass through the lane, so they never wait
for a batch."""


class Ticket:
    """The place of one batch in the lane."""


class Lane:
    """Lets `width` batches run at a time; the others wait in the order in which they joined."""

    def __init__(self, width: int = WIDTH) -> None:
        self._width = width
        self._waiting: deque[Ticket] = deque()
        self._running = 0
        self._changed = threading.Condition()

    def join(self) -> Ticket:
        """Join the end of the lane. Raises `Busy` if `PNEUMONIA_QUEUE_SIZE` batches wait."""
        limit = settings.QUEUE_SIZE.read()
        with self._changed:
            if len(self._waiting) >= limit:
                raise Busy(
                    message(
                        "Too many batches are waiting. Allowed: {limit:,} at a time. Try again in a minute.",
                        limit=limit,
                    )
                )
            ticket = Ticket()
            self._waiting.append(ticket)
            return ticket

    def count_ahead(self, ticket: Ticket) -> int:
        """Number of batches that wait before this one; 0 if it runs or has ended."""
        with self._changed:
            return self._waiting.index(ticket) if ticket in self._waiting else 0

    @contextmanager
    def turn(self, ticket: Ticket, is_cancelled: Callable[[], bool] = lambda: False) -> Iterator[None]:
        """Context of the run of a batch: waits for its turn. A cancelled batch does not wait; `wake` tells it."""
        with self._changed:
            self._changed.wait_for(lambda: is_cancelled() or self._is_next(ticket))
            with suppress(ValueError):
                self._waiting.remove(ticket)
            self._running += 1
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def wake(self) -> None:
        """Let the waiting batches check whether they were cancelled."""
        with self._changed:
            self._changed.notify_all()

    def wrap(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        """The handler of the API's batches, each of which waits for its turn in this lane."""

        @functools.wraps(handler)
        def in_turn(*args: Any, **kwargs: Any) -> Any:
            with self.turn(self.join()):
                return handler(*args, **kwargs)

        return in_turn

    def _is_next(self, ticket: Ticket) -> bool:
        return self._running < self._width and self._waiting[0] is ticket
