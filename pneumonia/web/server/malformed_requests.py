"""Requests that Gradio cannot read: it fails with an exception of its own, which is no error of the service.

These are an upload whose field is no file, a call by names (`/call/v2`) with names that the endpoint does not have, and
a download of several ranges. Their routes run no code of this package.
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from ...errors import UsageError
from . import route_policy

_CALL_BY_NAMES = "/gradio_api/call/v2/"


def usage_error(scope: Scope, error: Exception) -> UsageError | None:
    """The error of the caller for which Gradio raised `error`; None if it is an error of the service."""
    path = route_policy.path_of(scope)
    if scope["method"] != "POST" or not isinstance(error, TypeError):
        return None
    if path == route_policy.UPLOAD:
        return UsageError("A field of the upload is no file. Allowed: fields `files`, each with a file name.")
    if path.startswith(_CALL_BY_NAMES):
        return UsageError(
            "Wrong names of parameters. Allowed: those of /gradio_api/info, of which the film is required."
        )
    return None


class SingleRange:
    """Middleware that removes a `Range` header with several ranges: the whole file is sent (RFC 9110, section 14.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and "," in Headers(scope=scope).get("range", ""):
            scope = {**scope, "headers": list(scope["headers"])}
            del MutableHeaders(scope=scope)["range"]
        await self._app(scope, receive, send)
