"""The TCP server of the storage SCP: limits connections, and gives each one a guarded socket.

pynetdicom limits associations, but not connections that never request one, and it waits for the TLS handshake of a peer
in the thread that accepts all connections.
"""

from __future__ import annotations

import socket
import ssl
import threading
from dataclasses import dataclass
from socketserver import BaseServer
from typing import Any

from pynetdicom.transport import ThreadedAssociationServer

from .guarded_socket import GuardedSocket, GuardedTlsSocket, PduLimits

HANDSHAKE_TIMEOUT_S = 10
"""Seconds for a TLS handshake."""


@dataclass(frozen=True)
class ConnectionLimits:
    """How many connections may be open at a time. Further ones are closed without an answer.

    A connection counts until the thread of its association has ended, which can be later than the connection: after a
    violation of the protocol, pynetdicom ends it by a timeout. Otherwise one peer could use up all associations.
    """

    total: int
    """Above the number of associations, so that a peer over that limit gets an A-ASSOCIATE-RJ with the reason."""

    per_address: int
    """Connections from one IP address."""


class AssociationServer(ThreadedAssociationServer):
    """Accepts connections for an application entity.

    `AE.make_server(..., server_class=AssociationServer, connections=..., pdus=...)` creates it, and `start` runs it in
    a thread. Which addresses may send is decided when an association is requested (`StorageScp`).
    """

    request_queue_size = 128
    daemon_threads = True

    def __init__(self, *arguments: Any, connections: ConnectionLimits, pdus: PduLimits, **options: Any) -> None:
        self._limits, self._pdus = connections, pdus
        self._starting: dict[socket.socket, str] = {}
        """Connections without an association yet: their handshake takes place."""
        super().__init__(*arguments, **options)
        if self.ssl_context is not None:
            self.use_tls(self.ssl_context)

    def use_tls(self, context: ssl.SSLContext) -> None:
        """Use this context for the connections from now on; open ones keep theirs."""
        context.sslsocket_class = GuardedTlsSocket
        self.ssl_context = context

    def start(self) -> None:
        """Serve in a new thread until `shutdown`."""
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, name="accept", daemon=True).start()

    def shutdown(self) -> None:
        """Stop accepting connections. Open associations continue."""
        # The method of pynetdicom expects a server that `AE.start_server` created.
        BaseServer.shutdown(self)
        self.server_close()

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        """Accept a connection. The TLS handshake follows in the thread of the connection."""
        assert self.socket is not None
        accepted, address = self.socket.accept()
        if self.ssl_context is not None:
            accepted.settimeout(HANDSHAKE_TIMEOUT_S)
            return self.ssl_context.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False), address
        return GuardedSocket(accepted.family, accepted.type, accepted.proto, accepted.detach()), address

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """False if a limit is reached: the connection is closed."""
        address = client_address[0]
        associations = self.active_associations
        # A connection is in both lists for a moment.
        started = {each.dul.socket.socket for each in associations if each.dul.socket is not None}
        starting = [peer for each, peer in list(self._starting.items()) if each not in started]
        addresses = [each.requestor.address for each in associations] + starting
        if len(addresses) >= self._limits.total or addresses.count(address) >= self._limits.per_address:
            self._pdus.report("too_many_connections")
            return False
        self._starting[request] = address
        return True

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Begin the association, in the thread of the connection."""
        try:
            if isinstance(request, ssl.SSLSocket) and not self._complete_handshake(request):
                return
            # Otherwise a small PDU waits for the acknowledgement of the PDU before it, up to 40 ms.
            request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            request.settimeout(self._pdus.pdu_timeout_s)
            request.guard(self._pdus)
            super().finish_request(request, client_address)
        finally:
            self._starting.pop(request, None)

    def _complete_handshake(self, connection: ssl.SSLSocket) -> bool:
        try:
            connection.do_handshake()
        except OSError:
            self._pdus.report("tls_handshake_failed")
            self.shutdown_request(connection)
            return False
        return True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Called for an exception in the thread of a connection; the default prints a traceback with the address."""
        self._pdus.report("connection_failed")
