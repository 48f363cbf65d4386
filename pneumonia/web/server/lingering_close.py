"""Lets a caller receive a response that is sent before its request is complete, for example a refusal of an upload.

If the server closed the connection while the caller is still sending, the system would reset it and discard the
response. Behind nginx, which by default sends each request on a connection of its own, the caller would get 502 in its
place.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LINGER_S = 30
"""Maximum seconds in which the rest of a body is received and dropped; the default of nginx for the same purpose."""


class LingeringClose:
    """Outermost middleware: receives the whole request body before a connection is closed after its response.

    On connections that stay open uvicorn does so itself. Requests and responses pass unchanged.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _closes_connection(scope):
            exchange = _Exchange(receive, send)
            await self._app(scope, exchange.receive, exchange.send)
        else:
            await self._app(scope, receive, send)


def _closes_connection(scope: Scope) -> bool:
    return scope["http_version"] == "1.0" or "close" in Headers(scope=scope).get("connection", "").lower()


class _Exchange:
    """One request and its response. Ends the response when the request is complete, or the caller gone."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._is_request_complete = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._is_request_complete = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        is_last = message["type"] == "http.response.body" and not message.get("more_body", False)
        if not is_last or self._is_request_complete:
            await self._send(message)
            return
        await self._send({**message, "more_body": True})
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                while not self._is_request_complete:
                    await self.receive()
        await self._send({"type": "http.response.body"})
