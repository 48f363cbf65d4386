"""HTTP server of the PACS service: `/health` as JSON and `/metrics` for Prometheus; no other path, no other method."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from prometheus_client import CollectorRegistry, make_wsgi_app

from ..errors import InternalError, UsageError
from ..messages import message

REQUEST_TIMEOUT_S = 10
"""Seconds that a client has for its request and for reading the answer. It bounds the wait of the next one, and of
`stop`, also if a client sends one byte at a time."""

MAX_REQUESTS = 16
"""Requests at a time; further connections wait in the backlog of the system."""

Health = Callable[[], tuple[bool, dict[str, Any]]]


class StatusServer:
    """Serves in threads of its own from `start` to `stop`."""

    def __init__(self, host: str, port: int, health: Health, registry: CollectorRegistry) -> None:
        """Open the port; raises `UsageError` if that is not possible."""
        try:
            self._server = make_server(host, port, _application(health, registry), _server_class(host), _Handler)
        except OSError as error:
            raise UsageError(
                message(
                    "The service cannot listen on port {port} of {host}: {reason}.",
                    port=port,
                    host=host,
                    reason=error.strerror,
                )
            ) from None

    @property
    def port(self) -> int:
        """The TCP port."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Serve in a new thread."""
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="status", daemon=True
        ).start()

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 32

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._slots = threading.BoundedSemaphore(MAX_REQUESTS)
        super().__init__(*arguments, **options)

    def server_bind(self) -> None:
        # `HTTPServer.server_bind` asks the DNS for the name of the host, which can take seconds.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._slots.acquire()
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread could be started
            self._slots.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        timer = threading.Timer(REQUEST_TIMEOUT_S, _end_connection, [request])
        timer.daemon = True
        timer.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            timer.cancel()
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left or was too slow; the default prints a traceback with its address."""


def _end_connection(connection: socket.socket) -> None:
    """End a connection that another thread reads or writes."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class _Ipv6Server(_Server):
    address_family = socket.AF_INET6


def _server_class(host: str) -> type[_Server]:
    return _Ipv6Server if ":" in host else _Server


class _Handler(WSGIRequestHandler):
    timeout = REQUEST_TIMEOUT_S
    server_version, sys_version = "pneumonia", ""

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: probes come every few seconds."""


def _application(health: Health, registry: CollectorRegistry) -> WSGIApplication:
    metrics = make_wsgi_app(registry)

    def respond(environment: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        if environment["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            return _json(start, "405 Method Not Allowed", {"error": "method_not_allowed"}, ("Allow", "GET, HEAD"))
        if environment["PATH_INFO"] == "/metrics":
            response: Iterable[bytes] = metrics(environment, start)
            return response
        if environment["PATH_INFO"] == "/health":
            is_healthy, details = health()
            return _json(start, "200 OK" if is_healthy else "503 Service Unavailable", details)
        return _json(start, "404 Not Found", {"error": "not_found"})

    def application(environment: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        try:
            return respond(environment, start)
        except Exception as error:
            InternalError.from_exception(error)
            return _json(start, "500 Internal Server Error", {"error": "internal"})

    return application


def _json(start: StartResponse, status: str, content: dict[str, Any], *headers: tuple[str, str]) -> Iterable[bytes]:
    body = json.dumps(content).encode()
    start(
        status,
        [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            *headers,
        ],
    )
    return [body]
