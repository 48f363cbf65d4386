"""Sockets that limit the size and the duration of a protocol data unit (PDU) before pynetdicom reads it.

pynetdicom reads as many bytes as the header of a PDU announces, up to 4 GiB, and waits for them without a limit of
time (DICOM PS3.8, section 9.3). A peer that announces a huge PDU, or sends one byte a second, would take memory and a
thread.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .quick_acknowledgement import acknowledge_now

HEADER_LENGTH = 6
"""Bytes: PDU type, one reserved byte, length of the rest as 32-bit number in network byte order."""

P_DATA_TF = 0x04
PDU_TYPES = range(0x01, 0x08)

MAX_NEGOTIATION_BYTES = 2**20
"""Largest PDU other than P-DATA-TF. The longest A-ASSOCIATE-RQ, 128 presentation contexts with 20 transfer syntaxes
each, has 200 kB."""

READ_AHEAD_BYTES = 2**16
"""Most bytes that are received at a time."""

ABORT = bytes.fromhex("07 00 00000004 00 00 02 06")
"""A-ABORT of the service provider (2) for an invalid PDU parameter value (6): PS3.8, table 9-26."""

Report = Callable[[str], None]


@dataclass(frozen=True)
class PduLimits:
    """The limits of one connection."""

    max_pdu_bytes: int
    """Largest P-DATA-TF, without its header: the maximum length that the association negotiates."""

    pdu_timeout_s: float
    """Longest time from the first byte of a PDU to its last one, and for sending one."""

    association_timeout_s: float
    """A PDU that begins later than this after the connection is refused."""

    report: Report
    """Called with `pdu_too_long`, `pdu_timeout` or `association_timeout`."""


if TYPE_CHECKING:
    _Socket = socket.socket
else:
    _Socket = object


class _Guard(_Socket):
    """Follows the PDUs in the received bytes. A violation sends an A-ABORT and raises `OSError`, like a lost peer."""

    _limits: PduLimits | None = None
    _opened = 0.0
    _deadline = 0.0
    _header: bytes = b""
    _remaining = 0
    _refused = ""
    _ahead = memoryview(b"")
    """Bytes of the present PDU that were received, and not yet returned."""

    def guard(self, limits: PduLimits) -> None:
        """Apply `limits` from now on."""
        self._limits, self._opened = limits, time.monotonic()

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        limits = self._limits
        if limits is None:
            return super().recv(buflen, flags)
        if self._ahead:
            data, self._ahead = bytes(self._ahead[:buflen]), self._ahead[buflen:]
            return data
        if self._refused:
            self._refuse(limits, self._refused)
        if not self._header:
            self._begin_pdu(limits)
        elif time.monotonic() > self._deadline:
            self._refuse(limits, "pdu_timeout")
        try:
            # pynetdicom reads 4 kB at a time, which takes two more system calls for each of them, half of the
            # processor time for receiving an object. It waits for each PDU as a whole, and for none before it was
            # returned, so what is read ahead ends with the PDU.
            data = super().recv(max(buflen, min(self._remaining, READ_AHEAD_BYTES)), flags)
        except TimeoutError:
            self._refuse(limits, "pdu_timeout")
        acknowledge_now(self)
        self._follow(limits, data)
        self._ahead = memoryview(data)[buflen:]
        return data[:buflen]

    def _begin_pdu(self, limits: PduLimits) -> None:
        now = time.monotonic()
        if now - self._opened > limits.association_timeout_s:
            self._refuse(limits, "association_timeout")
        self._deadline = now + limits.pdu_timeout_s
        self.settimeout(limits.pdu_timeout_s)

    def _follow(self, limits: PduLimits, data: bytes) -> None:
        while data:
            if len(self._header) < HEADER_LENGTH:
                missing = HEADER_LENGTH - len(self._header)
                self._header, data = self._header + bytes(data[:missing]), data[missing:]
                if len(self._header) == HEADER_LENGTH:
                    self._remaining = self._checked_length(limits)
            else:
                taken = min(self._remaining, len(data))
                self._remaining, data = self._remaining - taken, data[taken:]
            if len(self._header) == HEADER_LENGTH and not self._remaining:
                self._header = b""

    def _checked_length(self, limits: PduLimits) -> int:
        pdu_type, length = self._header[0], int.from_bytes(self._header[2:], "big")
        maximum = limits.max_pdu_bytes if pdu_type == P_DATA_TF else MAX_NEGOTIATION_BYTES
        # An unknown type ends the association without a read of the rest.
        if pdu_type in PDU_TYPES and length > maximum:
            self._refuse(limits, "pdu_too_long")
        return length

    def _refuse(self, limits: PduLimits, reason: str) -> None:
        if self._refused:  # pynetdicom may read once more before it closes the connection
            raise ConnectionAbortedError(self._refused)
        self._refused = reason
        limits.report(reason)
        with contextlib.suppress(OSError):  # the peer is gone
            self.settimeout(1)
            self.sendall(ABORT)
        raise ConnectionAbortedError(reason)

    def shutdown(self, how: int) -> None:
        """Shut down; no error if the peer has closed the connection, since pynetdicom would then not close it here."""
        with contextlib.suppress(OSError):
            super().shutdown(how)


class GuardedSocket(_Guard, socket.socket):
    """A TCP connection with limits."""


class GuardedTlsSocket(_Guard, ssl.SSLSocket):
    """A TLS connection with limits; for `SSLContext.sslsocket_class`."""
