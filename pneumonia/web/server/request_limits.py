"""Limits for the size and the duration of request bodies."""

from __future__ import annotations

import asyncio
import time

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ... import settings
from ...errors import TooLarge, UnreadableImage
from . import route_policy

JSON_MB = 8
"""Largest body of any request except an upload. A batch of 5,000 films with full paths takes 3 MB."""

LOGIN_KB = 16
"""Largest body of a login."""

BODY_TIMEOUT_S = 60
MIN_BYTES_PER_S = 1_000
"""A body must arrive within `BODY_TIMEOUT_S` seconds, plus one second per `MIN_BYTES_PER_S` bytes received. Connections
over which films are sent are faster."""


class _BodyRefused(Exception):
    """Stops the application's reading of a body. Never leaves this module."""


class RequestLimits:
    """Middleware behind the login throttle: refuses bodies that are too large or too slow before they are complete.

    Answers 413 `too_large` if the declared length or the received bytes exceed `max_body_bytes`, and 408
    `unreadable_image` if the body takes too long. Everything else passes unchanged.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(receive, max_body_bytes(scope))
        has_response_started = False

        async def send_unless_refused(message: Message) -> None:
            nonlocal has_response_started
            # After a refusal, the application's own response to the interrupted body is dropped. 413 or 408 follows.
            if body.refusal is None or has_response_started:
                has_response_started = True
                await send(message)

        try:
            if _declared_length(scope) > body.max_bytes:
                body.refuse_too_large()
            await self._app(scope, body.receive, send_unless_refused)
        except Exception:
            if body.refusal is None:
                raise
        if body.refusal is not None and not has_response_started:
            # The connection stays open. Closed, a caller that is still sending would see an error and no response.
            await route_policy.error_response(*body.refusal)(scope, receive, send)


class _Body:
    """A request body while it is received: counts its bytes and its time."""

    def __init__(self, receive: Receive, max_bytes: int) -> None:
        self._receive = receive
        self.max_bytes = max_bytes
        self.refusal: tuple[int, TooLarge | UnreadableImage] | None = None
        self._received_bytes = 0
        self._started_at = time.monotonic()
        self._is_complete = False

    async def receive(self) -> Message:
        if self._is_complete:
            return await self._receive()  # only the end of the connection can follow
        remaining_s = self._started_at + BODY_TIMEOUT_S + self._received_bytes / MIN_BYTES_PER_S - time.monotonic()
        try:
            message = await asyncio.wait_for(self._receive(), max(remaining_s, 0))
        except TimeoutError:
            message_text = f"The upload was too slow. Allowed: {BODY_TIMEOUT_S} s plus 1 s per kB. Try again."
            self.refusal = 408, UnreadableImage(message_text)
            raise _BodyRefused from None
        self._received_bytes += len(message.get("body", b""))
        self._is_complete = not message.get("more_body", False)
        if self._received_bytes > self.max_bytes:
            self.refuse_too_large()
        return message

    def refuse_too_large(self) -> None:
        self.refusal = 413, TooLarge(f"The request is too large. Allowed: {self.max_bytes / 1e6:,.3g} MB.")
        raise _BodyRefused


def max_body_bytes(scope: Scope) -> int:
    """Return the largest body in bytes that the route of the request accepts."""
    path = route_policy.path_of(scope).rstrip("/")
    if path == route_policy.LOGIN:
        return LOGIN_KB * 1_000
    if path == route_policy.UPLOAD:
        # 1 MB for the multipart form around the files.
        return int(settings.MAX_UPLOAD_MB.read()) * 1_000_000 + 1_000_000
    if path.startswith(route_policy.AGENTS):
        # Films are base64-encoded: 4 bytes for 3.
        return int(settings.MAX_FILE_MB.read()) * 4_000_000 // 3 + JSON_MB * 1_000_000
    return JSON_MB * 1_000_000


def _declared_length(scope: Scope) -> int:
    """Return the Content-Length header; 0 if it is missing or no number."""
    text = Headers(scope=scope).get("content-length", "0")
    return int(text) if text.isdecimal() else 0
