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

    idle_since = 0.0
    _header_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_request()
        if len(self.connections) > MAX_CONNECTIONS:
            self._close_longest_idle()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.is_request_active:
            self._cancel_header_timer()
        elif self._header_timer is None and not self.transport.is_closing():
            self._expect_request()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._cancel_header_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_header_timer()
        super().connection_lost(exc)

    @property
    def is_request_active(self) -> bool:
        """Whether a request has come whole enough to be answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def _expect_request(self) -> None:
        self.idle_since = time.monotonic()
        self._header_timer = self.loop.call_later(HEADER_TIMEOUT_S, self._abort_if_idle)

    def _cancel_header_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _abort_if_idle(self) -> None:
        if not self.is_request_active:
            self.transport.abort()

    def _close_longest_idle(self) -> None:
        idle = [
            connection
            for connection in self.connections
            if isinstance(connection, BoundedConnection) and not connection.is_request_active
        ]
        min(idle, key=lambda connection: connection.idle_since).transport.abort()


class BoundedServer(http_server.Server):
    """Gradio's server with bounds; Gradio has no parameter for them."""

    def __init__(self, config: Config, *args: Any, **kwargs: Any) -> None:
        config.http = BoundedConnection
        config.timeout_keep_alive = KEEP_ALIVE_S
        config.timeout_graceful_shutdown = GRACEFUL_CLOSE_S
        config.access_log = False  # its lines hold the paths of films
        config.server_header = False
        super().__init__(config, *args, **kwargs)


def install() -> None:
    """From now on Gradio serves so."""
    http_server.Server = BoundedServer  # type: ignore[misc]
