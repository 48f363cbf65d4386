"""A forward proxy that answers every request with 502, as one that does not know this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class _BrokenProxy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(502)

    def do_HEAD(self) -> None:
        self.send_error(502)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def broken_proxy() -> Iterator[str]:
    """Run the proxy; yield its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _BrokenProxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
