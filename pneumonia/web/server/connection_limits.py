"""Limits for TCP connections, so that idle connections (slowloris attacks) cannot block callers who send requests.

Uvicorn waits without limit for the header lines of a request. Here they must be complete within `HEADER_TIMEOUT_S`
seconds. Above `max_connections` connections, a new one closes the one that has been idle longest. While too many files
are open, new connections wait in the backlog of the system.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import time
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from ... import operating_system

HEADER_TIMEOUT_S = 20
"""Seconds until the header lines must be complete, from the start of the connection or the request's first byte."""

MAX_CONNECTIONS = 800
"""Maximum open connections; fewer if the system allows few open files, since each upload needs one more."""

CONNECTION_SHARE = 1 / 2
"""Maximum connections as a share of the open files that the system allows."""

ACCEPT_SHARE = 3 / 4
"""Share of these files that may be open when a connection is accepted; uploads, films and decoders need the rest."""

MIN_IDLE_S = 1
"""Seconds after which an idle connection may be closed for another one. A new one has not sent its request yet."""

ACCEPT_DELAY_S = 0.9
"""Seconds for which no connection is accepted; asyncio tries again after one second."""

KEEP_ALIVE_S = 130
"""Seconds that a connection stays open between two requests: longer than reverse proxies keep theirs (nginx 60 s, Caddy
120 s). A proxy that sends a request on a connection that is closed at that moment may answer it with 502."""

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
        if len(self.connections) > max_connections():
            self._close_longest_idle()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.is_request_active:
            self._cancel_header_timer()
        elif self._header_timer is None and not self.transport.is_closing():
            self._expect_request()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self.idle_since = time.monotonic()
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
        """Close the connection that has been idle longest, if one has been idle for `MIN_IDLE_S` seconds."""
        idle = [
            connection
            for connection in self.connections
            if isinstance(connection, BoundedConnection) and not connection.is_request_active
        ]
        longest_idle = min(idle, key=lambda connection: connection.idle_since)
        if time.monotonic() - longest_idle.idle_since > MIN_IDLE_S:
            longest_idle.transport.abort()


def max_connections() -> int:
    """Maximum number of open connections on this system."""
    return min(MAX_CONNECTIONS, int(operating_system.open_file_limit() * CONNECTION_SHARE))


class ThrottledSocket(socket.socket):
    """A listening socket that accepts no connection while more than `ACCEPT_SHARE` of the allowed files are open.

    Connections then wait in the backlog of the system. Without this class, asyncio accepts connections until no file is
    left, and the films of accepted requests cannot be stored and read. On Windows, which allows many open files,
    asyncio does not call `accept`.
    """

    _paused_until = 0.0

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept a connection. Raises `BlockingIOError` if there is none, and `OSError` to make asyncio wait."""
        now = time.monotonic()
        if now < self._paused_until:
            raise BlockingIOError
        if operating_system.lowest_free_descriptor() > operating_system.open_file_limit() * ACCEPT_SHARE:
            # asyncio waits a second after this error, but calls `accept` for each place of the backlog before.
            self._paused_until = now + ACCEPT_DELAY_S
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return super().accept()
