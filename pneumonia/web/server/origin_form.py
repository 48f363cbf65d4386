"""Requests in absolute form, `GET http://host/health HTTP/1.1`, as clients send them that take the page for a proxy.

A server must accept this form, and must take the host from it and not from `Host` (RFC 9112, section 3.2.2). Uvicorn
passes the whole address as the path.
"""

from __future__ import annotations

import re

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

_ABSOLUTE_FORM = re.compile(r"https?://([^/?#@\\\s]+)(/.*)?", re.IGNORECASE | re.DOTALL)


class OriginForm:
    """Middleware that gives a request in absolute form the path and the `Host` of its address."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match = _ABSOLUTE_FORM.fullmatch(scope["path"]) if scope["type"] == "http" else None
        if match is not None:
            raw = _ABSOLUTE_FORM.fullmatch(scope.get("raw_path", b"").decode("latin-1"))
            raw_path = raw[2] if raw and raw[2] else "/"
            headers = MutableHeaders(raw=list(scope["headers"]))
            headers["host"] = match[1]
            scope = {
                **scope,
                "path": match[2] or "/",
                "raw_path": raw_path.encode("latin-1"),
                "headers": headers.raw,
            }
        await self._app(scope, receive, send)
