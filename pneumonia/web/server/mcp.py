"""MCP server (Model Context Protocol): offers the endpoints as tools if `PNEUMONIA_MCP` is set.

An MCP client passes a film as a public URL or inline as a `data:` URL. Gradio refuses URLs of this machine and of its
local network.
"""

from __future__ import annotations

from importlib.util import find_spec
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from ... import settings
from ...errors import UsageError
from ...messages import message
from . import route_policy

_ADDRESS_HEADERS = ("x-forwarded-host", "x-forwarded-proto", "x-gradio-server")
"""Headers from which Gradio takes the address of the page before it reads `Host`."""


def mcp_enabled() -> bool:
    """Return True if the page is also an MCP server.

    Raises `UsageError` if the package `mcp` is not installed, or if a login is set, which Gradio's MCP server does not
    check.
    """
    if not settings.MCP.read():
        return False
    if find_spec("mcp") is None:
        raise UsageError(
            message(
                "PNEUMONIA_MCP needs the package mcp, which is not installed. Run pip install -r requirements-mcp.txt."
            )
        )
    if settings.AUTH.read():
        raise UsageError(
            message(
                "PNEUMONIA_MCP does not support a login. Allowed: PNEUMONIA_MCP without PNEUMONIA_AUTH, behind a "
                "proxy that requires one."
            )
        )
    return True


class LocalAddress:
    """Innermost middleware: gives each MCP request the address of this page on this machine as its `Host`.

    Gradio's MCP server sends its calls, and with them the films, to the host that its first caller names. Without this
    class, a caller could name another machine. Requests on other routes pass unchanged.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and route_policy.path_of(scope).startswith(route_policy.MCP):
            scope = _with_host(scope, urlsplit(scope["app"].state.local_address).netloc)
        await self._app(scope, receive, send)


def _with_host(scope: Scope, host: str) -> Scope:
    """The request as if it had been sent to `host` directly, without a proxy that adds a prefix to the path."""
    path = route_policy.path_of(scope)
    local = {**scope, "scheme": "http", "root_path": "", "path": path, "headers": list(scope["headers"])}
    headers = MutableHeaders(scope=local)
    headers["host"] = host
    for name in _ADDRESS_HEADERS:
        del headers[name]
    return local
