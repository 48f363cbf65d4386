"""The TCP connection below an association that this service requests: limits, and why there is no association."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

from pynetdicom import Association
from pynetdicom.events import Event

from .destinations import Destination
from .outcome import Outcome, Verdict
from .quick_acknowledgement import acknowledge_now
from .tls import describe_handshake_failure

ALERT_WAIT_S = 1.0
"""Seconds to wait for a TLS alert. With TLS 1.3, a server refuses a client certificate after the handshake."""


def limit_socket_waits(event: Event, seconds: float) -> None:
    """Handler of `EVT_CONN_OPEN`: no call of the socket blocks longer than `seconds`.

    pynetdicom removes the timeout when the connection is open. A destination that stops to read would then block its
    thread, and with it this queue, for ever. Small packets are sent at once: otherwise the last part of a data set
    waits for the acknowledgement of the one before it (Nagle's algorithm), 40 ms for each object.
    """
    transport = event.assoc.dul.socket
    if transport is None or transport.socket is None:
        return
    if type(transport.socket) is socket.socket:
        transport.socket = _AcknowledgingSocket(fileno=transport.socket.detach())
    transport.socket.settimeout(seconds)
    transport.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


if TYPE_CHECKING:
    _Socket = socket.socket
else:
    _Socket = object


class _Acknowledging(_Socket):
    """Acknowledges responses at once."""

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        data = super().recv(buflen, flags)
        acknowledge_now(self)
        return data


class _AcknowledgingSocket(_Acknowledging, socket.socket):
    """A TCP connection."""


class AcknowledgingTlsSocket(_Acknowledging, ssl.SSLSocket):
    """A TLS connection; for `SSLContext.sslsocket_class`."""


def explain_no_association(association: Association, destination: Destination, tls: ssl.SSLContext | None) -> Outcome:
    """Why the destination has no association with us.

    pynetdicom reports a rejection, and hides the cause of a failed connection in its log. The connection is therefore
    tried once more here, without DICOM.
    """
    if association.is_rejected:
        primitive = association.acceptor.primitive
        cause = primitive.reason_str if primitive is not None else "no reason"
        return Outcome(
            Verdict.UNAVAILABLE, "association_rejected", f"The destination rejects the association: {cause}."
        )
    if association.rejected_contexts:  # pynetdicom has aborted it
        return Outcome(
            Verdict.UNAVAILABLE, "association_failed", "The destination accepts none of the proposed SOP classes."
        )
    failure = _connection_failure(destination, tls)
    if failure is not None:
        return failure
    return Outcome(
        Verdict.UNAVAILABLE,
        "association_failed",
        "The destination accepts the connection, and does not answer or aborts the association request.",
    )


def _connection_failure(destination: Destination, tls: ssl.SSLContext | None) -> Outcome | None:
    try:
        connection = socket.create_connection(
            (destination.host, destination.port), timeout=destination.connect_timeout_s
        )
    except OSError as error:
        return _describe_unreachable(error)
    with connection:
        return None if tls is None else _handshake_failure(connection, destination, tls)


def _describe_unreachable(error: OSError) -> Outcome:
    if isinstance(error, ConnectionRefusedError):
        text = "The connection is refused: nothing listens on this port, or a firewall rejects it."
    elif isinstance(error, TimeoutError):
        text = "The connection is not answered: wrong address, host down, or a firewall drops it."
    else:
        text = f"The host cannot be reached ({error.strerror or type(error).__name__})."
    return Outcome(Verdict.UNAVAILABLE, "not_reachable", text)


def _handshake_failure(connection: socket.socket, destination: Destination, tls: ssl.SSLContext) -> Outcome | None:
    try:
        with tls.wrap_socket(connection, server_hostname=destination.tls_name or destination.host) as secured:
            secured.settimeout(ALERT_WAIT_S)
            secured.recv(1)
    except TimeoutError:
        return None
    except OSError as error:
        return Outcome(Verdict.UNAVAILABLE, "tls", describe_handshake_failure(error))
    return None
