"""The page behind a reverse proxy: the path prefix of requests, and relative addresses in responses to the browser.

Gradio writes the public address of the page into the page and into the URLs of result files, derived from the headers
of the request. Many proxies do not forward the public host, port, scheme or prefix: nginx sends the upstream's name as
`Host` by default. The browser knows the address, so it receives relative ones.
"""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from . import gradio_environment, route_policy

GRADIO_ROOT_HEADER = "x-gradio-server"
"""Gradio takes the root of the page's address from this header, which its own Node server sends. Gradio has no
parameter for a relative root: `root_path` is a path from the server's root or a complete address."""

RELATIVE_ROOT = "."
_PAGE_PATHS = ("/", route_policy.LOGOUT)
"""Paths that a browser requests without an `Origin`: the page, and the logout, which redirects to it."""


class StripPrefix:
    """Middleware before the request log: removes the path of `GRADIO_ROOT_PATH`, if the proxy has not done so.

    A request for the path without a slash at its end is redirected to the one with a slash, because the page's
    addresses are relative. `X-Forwarded-Prefix` is ignored: with it, a caller could evade a proxy's rules for paths.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        prefix = gradio_environment.path_prefix() if scope["type"] == "http" else ""
        path: str = scope.get("path", "")
        if prefix and path == prefix:
            query = scope.get("query_string", b"").decode("latin-1")
            location = f"{prefix.rpartition('/')[2]}/" + (f"?{query}" if query else "")
            await RedirectResponse(location, 307)(scope, receive, send)
            return
        if prefix and path.startswith(f"{prefix}/"):
            scope = {**scope, "path": path.removeprefix(prefix)}
        await self._app(scope, receive, send)


class RelativeRoot:
    """Middleware that makes Gradio write relative addresses into the responses to the page.

    Programs, which send no `Origin`, receive complete addresses: they have no page to which an address could be
    relative.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = _with_root(scope)
        await self._app(scope, receive, send)


def _with_root(scope: Scope) -> Scope:
    """Return the scope with the root that Gradio is to use."""
    headers = MutableHeaders(raw=list(scope["headers"]))
    del headers[GRADIO_ROOT_HEADER]  # a caller must not choose it
    scope = {**scope, "headers": headers.raw}
    is_of_page = "origin" in headers and not scope["path"].startswith(route_policy.MCP)
    if scope["path"] in _PAGE_PATHS or is_of_page:
        del headers["x-forwarded-host"]  # Gradio would prefer it
        headers[GRADIO_ROOT_HEADER] = RELATIVE_ROOT
        if not gradio_environment.root_path():
            # On some routes, Gradio replaces the path of the root by this one, or by "/" if it is empty.
            scope["root_path"] = RELATIVE_ROOT
    return scope
