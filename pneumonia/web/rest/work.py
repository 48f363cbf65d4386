"""The calls of the REST API that are in progress: a shutdown waits for them, then stops them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Work:
    """Counts the calls in progress. Used on the event loop only; see `shutdown.BackgroundWork`."""

    def __init__(self) -> None:
        self._stops: dict[object, Callable[[], None]] = {}

    def unfinished(self) -> int:
        """Number of calls in progress."""
        return len(self._stops)

    def stop_all(self) -> None:
        """Stop the calls that can be stopped."""
        for stop in list(self._stops.values()):
            stop()

    @contextmanager
    def stoppable(self, stop: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Context of one call; `stop` ends it early."""
        key = object()
        self._stops[key] = stop
        try:
            yield
        finally:
            del self._stops[key]
