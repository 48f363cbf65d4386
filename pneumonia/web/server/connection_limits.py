"""Connections that bring nothing: closed in time, so that they cannot take the places of those that do.

Uvicorn waits for ever for a request's first lines. Here they must come in `HEADER_TIMEOUT_S` seconds, and there are
never more than `MAX_CONNECTIONS` connections: beyond that the one that has been silent longest has to go.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from gradio import http_server
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_TIMEOUT_S = 20
"""Seconds for the first lines of a request, from the connection's start or the request's first byte."""

MAX_CONNECTIONS = 800
"""Connections at once. Many machines allow a process 1,024 open files, and each upload is one more."""

KEEP_ALIVE_S = 5
GRACEFUL_CLOSE_S = 5
"""Seconds for answers that are still on their way when the server is closed."""


class BoundedConnection(H11Protocol):
    """A connection of the server."""

    silent_since = 0.0
    _clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_request()
        if len(self.connections) > MAX_CONNECTIONS:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.is_at_work:
            self._stop_clock()
        elif self._clock is None and not self.transport.is_closing():
            self._expect_request()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._stop_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_clock()
        super().connection_lost(exc)

    @property
    def is_at_work(self) -> bool:
        """Whether a request has come whole enough to be answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def _expect_request(self) -> None:
        self.silent_since = time.monotonic()
        self._clock = self.loop.call_later(HEADER_TIMEOUT_S, self._give_up)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _give_up(self) -> None:
        if not self.is_at_work:
            self.transport.abort()

    def _make_room(self) -> None:
        silent = [one for one in self.connections if isinstance(one, BoundedConnection) and not one.is_at_work]
        min(silent, key=lambda one: one.silent_since).transport.abort()


class BoundedServer(http_server.Server):
    """Gradio's server with bounds; Gradio has no parameter for them."""

    def __init__(self, config: Config, *others: Any, **options: Any) -> None:
        config.http = BoundedConnection
        config.timeout_keep_alive = KEEP_ALIVE_S
        config.timeout_graceful_shutdown = GRACEFUL_CLOSE_S
        config.access_log = False  # its lines hold the paths of films
        config.server_header = False
        super().__init__(config, *others, **options)


def install() -> None:
    """From now on Gradio serves so."""
    http_server.Server = BoundedServer  # type: ignore[misc]
