"""A DICOM peer that sends the bytes of its caller: protocol data units (PS3.8, section 9.3) and messages (PS3.7).

It does what no correct implementation does: stop in the middle, announce wrong lengths, send the wrong PDU.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator, Sequence

APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
VERIFICATION = "1.2.840.10008.1.1"
COMPUTED_RADIOGRAPHY = "1.2.840.10008.5.1.4.1.1.1"
IMPLICIT_LITTLE, EXPLICIT_LITTLE = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
CONTEXTS = {1: (VERIFICATION, IMPLICIT_LITTLE), 3: (COMPUTED_RADIOGRAPHY, EXPLICIT_LITTLE)}
"""Presentation context -> (abstract syntax, transfer syntax)."""

ACCEPT, REJECT, DATA, RELEASED, ABORTED = 0x02, 0x03, 0x04, 0x06, 0x07
"""Types of the PDUs that an SCP sends."""

RELEASE = bytes.fromhex("05 00 00000004 00000000")
ABORT = bytes.fromhex("07 00 00000004 00 00 00 00")
CLOSED = -1
"""Returned instead of a PDU type when the connection was closed."""


def item(kind: int, content: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(content)) + content


def pdu(kind: int, content: bytes, length: int | None = None) -> bytes:
    """A PDU; `length` is the announced length if it differs from the true one."""
    return struct.pack(">BBI", kind, 0, len(content) if length is None else length) + content


def associate(calling: str = "MODALITY", called: str = "PNEUMONIA", max_length: int = 16384) -> bytes:
    """An A-ASSOCIATE-RQ that proposes `CONTEXTS`."""
    contexts = b"".join(
        item(0x20, bytes([number, 0, 0, 0]) + item(0x30, abstract.encode()) + item(0x40, transfer.encode()))
        for number, (abstract, transfer) in CONTEXTS.items()
    )
    user = item(0x51, struct.pack(">I", max_length)) + item(0x52, b"1.2.3.4") + item(0x55, b"HOSTILE")
    titles = called.encode().ljust(16) + calling.encode().ljust(16)
    items = item(0x10, APPLICATION_CONTEXT.encode()) + contexts + item(0x50, user)
    return pdu(0x01, struct.pack(">HH", 1, 0) + titles + bytes(32) + items)


def data(content: bytes, context: int, *, command: bool, last: bool = True) -> bytes:
    """A P-DATA-TF with one fragment of a command or of a data set."""
    control = (1 if command else 0) | (2 if last else 0)
    return pdu(DATA, struct.pack(">IBB", len(content) + 2, context, control) + content)


def fragments(content: bytes, context: int, size: int = 16000) -> Iterator[bytes]:
    """The P-DATA-TF PDUs of a data set."""
    for start in range(0, len(content), size):
        yield data(content[start : start + size], context, command=False, last=start + size >= len(content))


def command(elements: Sequence[tuple[int, bytes]]) -> bytes:
    """A command set in Implicit VR Little Endian, with its group length."""
    body = b"".join(struct.pack("<HHI", 0, number, len(value)) + value for number, value in elements)
    return struct.pack("<HHII", 0, 0, 4, len(body)) + body


def uid(text: str) -> bytes:
    return text.encode() + b"\0" * (len(text) % 2)


def echo() -> bytes:
    """A complete C-ECHO-RQ."""
    elements = [(0x0002, uid(VERIFICATION)), (0x0100, b"\x30\0"), (0x0110, b"\x01\0"), (0x0800, b"\x01\x01")]
    return data(command(elements), 1, command=True)


def store_command(instance: str, context: int = 3) -> bytes:
    """The command set of a C-STORE-RQ; its data set follows."""
    elements = [
        (0x0002, uid(CONTEXTS[context][0])),
        (0x0100, b"\x01\0"),
        (0x0110, b"\x02\0"),
        (0x0700, b"\0\0"),
        (0x0800, b"\0\0"),
        (0x1000, uid(instance)),
    ]
    return data(command(elements), context, command=True)


def status(response: bytes) -> int | None:
    """The status (0000,0900) in the PDU of a response."""
    start = response.find(struct.pack("<HHI", 0, 0x0900, 2))
    return None if start < 0 else int.from_bytes(response[start + 8 : start + 10], "little")


class Peer:
    """A TCP connection to an SCP, which may close it at any time: an error of the connection counts as closed."""

    def __init__(self, port: int, timeout_s: float = 60, source: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout_s, (source, 0))

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, content: bytes) -> bool:
        """Send; False if the SCP closed the connection."""
        try:
            self.socket.sendall(content)
        except OSError:
            return False
        return True

    def reset(self) -> None:
        """Close the connection by a TCP reset, as of a peer that crashes."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def receive(self) -> int:
        """The type of the next PDU, or `CLOSED`."""
        return self.receive_pdu()[0]

    def receive_pdu(self) -> tuple[int, bytes]:
        """The type of the next PDU, or `CLOSED`, and its content."""
        header = self._read(6)
        if header is None:
            return CLOSED, b""
        return header[0], self._read(int.from_bytes(header[2:], "big")) or b""

    def store(self, instance: str, data_set: bytes) -> int | None:
        """Send an instance by C-STORE; its status, or None if the connection was closed or aborted."""
        self.send(store_command(instance))
        for fragment in fragments(data_set, 3):
            self.send(fragment)
        kind, content = self.receive_pdu()
        return status(content) if kind == DATA else None

    def associate(self, calling: str = "MODALITY", called: str = "PNEUMONIA") -> int:
        """Request an association; the type of the answer."""
        self.send(associate(calling, called))
        return self.receive()

    def _read(self, length: int) -> bytes | None:
        content = b""
        with contextlib.suppress(ConnectionError):
            while len(content) < length:
                part = self.socket.recv(length - len(content))
                if not part:
                    return None
                content += part
            return content
        return None


def is_served(port: int, source: str = "127.0.0.1") -> bool:
    """Whether a correct peer gets an answer to its C-ECHO and its release."""
    with Peer(port, source=source) as peer:
        accepted = peer.associate() == ACCEPT and peer.send(echo()) and peer.receive() == DATA
        return accepted and peer.send(RELEASE) and peer.receive() == RELEASED
