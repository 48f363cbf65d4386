"""A DICOMweb server in the test process: reads what is stored, and gives the answer that a test demands."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

from pydicom import dcmread

JSON = "application/dicom+json"


@dataclass
class Answer:
    status: int = 200
    body: dict[str, Any] | str | None = None
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    is_cut: bool = False
    """The server closes the connection without an answer."""


@dataclass
class StowServer:
    port: int
    answer: Answer
    stored: list[str] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)


@contextmanager
def stow_server(answer: Answer | None = None, tls: ssl.SSLContext | None = None) -> Iterator[StowServer]:
    """A DICOMweb server that reads the multipart body and gives one answer to all requests."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.requests.append(("POST", self.path, dict(self.headers)))
            if server.answer.is_cut:
                self.close_connection = True
                return
            if server.answer.status < 300:
                server.stored.extend(instances(self.headers["Content-Type"], body))
            self._respond()

        def do_GET(self) -> None:
            server.requests.append(("GET", self.path, dict(self.headers)))
            self._respond()

        def do_OPTIONS(self) -> None:
            server.requests.append(("OPTIONS", self.path, dict(self.headers)))
            self._respond()

        def _respond(self) -> None:
            answer = server.answer
            text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body) if answer.body else ""
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if text:
                self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *arguments: object) -> None: ...

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.handle_error = lambda *arguments: None  # type: ignore[method-assign]
    if tls is not None:
        http.socket = tls.wrap_socket(http.socket, server_side=True)
    server = StowServer(http.server_address[1], answer or Answer())
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()


def instances(content_type: str, body: bytes) -> list[str]:
    """SOP Instance UIDs of a multipart/related body."""
    parsed = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    parts = [part.get_payload(decode=True) for part in parsed.walk() if part.get_content_type() == "application/dicom"]
    return [str(dcmread(BytesIO(part)).SOPInstanceUID) for part in parts if isinstance(part, bytes)]
