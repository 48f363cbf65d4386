"""Limits for TCP connections, so that idle connections (slowloris attacks) cannot block callers who send requests.

Uvicorn waits without limit for the header lines of a request. Here they must be complete within `HEADER_TIMEOUT_S`
seconds. At most `MAX_CONNECTIONS` connections are open; beyond that, the one that has been idle longest is closed.
"""

from __future__ import annotations

import asyncio
import time

from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_TIMEOUT_S = 20
"""Seconds until the header lines must be complete, from the start of the connection or the request's first byte."""

MAX_CONNECTIONS = 800
"""Maximum open connections. Many systems allow a process 1,024 open files, and each upload needs one more."""

KEEP_ALIVE_S = 5
"""Seconds that a connection stays open between two requests."""

GRACEFUL_CLOSE_S = 5
"""Seconds to finish responses that are still being sent when the server closes."""


class BoundedConnection(H11Protocol):
    """Uvicorn's HTTP/1.1 protocol with a timeout for request headers and a maximum number of connections.

    Subclasses uvicorn's own protocol, because uvicorn has no option for either.
    """

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
        """True while a request is processed: its header is complete and its response is not."""
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
