"""The HTTP server: uvicorn with this package's limits, and a graceful shutdown at SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import signal
import socket
from types import FrameType

import uvicorn
from fastapi import FastAPI

from ... import settings
from ...errors import UsageError
from ...messages import message
from . import connection_limits, gradio_environment, shutdown

_BACKLOG = 2_048
"""Connections that wait for `accept`; uvicorn's default."""


class PageServer(uvicorn.Server):
    """Serves the application of `asgi_app.create`.

    Uvicorn installs the signal handlers before it accepts the first connection. The first SIGTERM or SIGINT starts the
    graceful shutdown, a second one ends the process.
    """

    def __init__(self, app: FastAPI, *, host: str = "127.0.0.1", ports: range = range(1)) -> None:
        super().__init__(_config(app))
        self._app = app
        self._is_stop_requested = False
        self.socket = listen(host, ports)
        self.host = host
        self.port = int(self.socket.getsockname()[1])
        app.state.local_address = self.local_address

    @property
    def address(self) -> str:
        """The address on which the page listens."""
        return _url(self.host, self.port)

    @property
    def local_address(self) -> str:
        """The address of the page for programs on this machine."""
        return _url({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host), self.port)

    def serve_until_signal(self) -> None:
        """Serve until a signal; returns when the shutdown is complete."""
        self.run(sockets=[self.socket])

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        signal.signal(sig, signal.SIG_DFL)
        self._is_stop_requested = True

    async def on_tick(self, counter: int) -> bool:
        if self._is_stop_requested and not self._app.state.draining:
            self._app.state.draining = True
            self._drain = asyncio.create_task(self._drain_and_exit())  # the loop keeps no reference of its own
        return await super().on_tick(counter)

    async def _drain_and_exit(self) -> None:
        try:
            await shutdown.drain(self._app.state.page, self._app.state.background)
        finally:
            self.should_exit = True


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _config(app: FastAPI) -> uvicorn.Config:
    proxies = settings.TRUSTED_PROXIES.read()
    return uvicorn.Config(
        app,
        http=connection_limits.BoundedConnection,
        ws="none",
        lifespan="on",
        backlog=_BACKLOG,
        timeout_keep_alive=connection_limits.KEEP_ALIVE_S,
        timeout_graceful_shutdown=connection_limits.GRACEFUL_CLOSE_S,
        access_log=False,  # its lines contain the paths of uploaded films
        log_level="warning",
        log_config=None,  # so that the texts of uvicorn's messages, which may quote a path, are not logged
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
    )


def listen(host: str, ports: range) -> socket.socket:
    """Return a socket that listens on the first free port; port 0 is any free one. Raises `UsageError` if none is."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in ports:
        try:
            bound = socket.create_server((host, port), family=family, backlog=_BACKLOG)
            return connection_limits.ThrottledSocket(fileno=bound.detach())
        except OSError as error:
            reason = error.strerror
    raise UsageError(
        message(
            "The page cannot listen on any port from {first} to {last} of {host}: {reason}. Set "
            "GRADIO_SERVER_PORT to a free port.",
            first=ports[0],
            last=ports[-1],
            host=host,
            reason=reason,
        )
    )


def configured_address() -> tuple[str, range]:
    """Return the host and the ports to try, from the variables that Gradio documents."""
    first_port = gradio_environment.server_port()
    return gradio_environment.server_name(), range(first_port, first_port + gradio_environment.port_count())
