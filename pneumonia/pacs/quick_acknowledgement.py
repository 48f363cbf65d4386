"""TCP acknowledgements without delay, which peers with Nagle's algorithm otherwise wait for at each object."""

from __future__ import annotations

import socket
from contextlib import suppress

_OPTION: int = getattr(socket, "TCP_QUICKACK", 0)
"""0 where the system has no such option."""


def acknowledge_now(connection: socket.socket) -> None:
    """Acknowledge what was read from `connection` without the usual delay of 40 ms, where the system can.

    DCMTK, and with it many archives and modalities, sends a message in several packets and by default keeps the last
    one until those before are acknowledged. Linux forgets this option with the next packet, therefore it is set again
    after each read.
    """
    if _OPTION:
        with suppress(OSError):  # the peer has closed the connection
            connection.setsockopt(socket.IPPROTO_TCP, _OPTION, 1)
