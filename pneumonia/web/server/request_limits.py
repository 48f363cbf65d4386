"""How much a request may bring, and how long it may take to bring it."""

from __future__ import annotations

import asyncio
import time

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ... import settings
from ...errors import TooLarge, UnreadableImage
from . import route_policy

JSON_MB = 8
"""Of any request but an upload: 5,000 films of a batch, named in full, take 3."""

LOGIN_KB = 16

BODY_TIMEOUT_S = 60
MIN_BYTES_PER_S = 1_000
"""A body has `BODY_TIMEOUT_S` seconds, and one more for each so many bytes: no line that films go by is slower."""


class _BodyRefused(Exception):
    """Ends the reading of a body; never leaves this file."""


class RequestLimits:
    """Counts the bytes of each body as they come. What is too large or too slow is refused before it is whole."""

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
            # What the inside makes of its own broken-off reading is not the answer: this is.
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
            # The connection stays open, or the caller, still sending, would see it break and not the answer.
            await route_policy.error_response(*body.refusal)(scope, receive, send)


class _Body:
    """A body on its way in."""

    def __init__(self, receive: Receive, max_bytes: int) -> None:
        self._receive = receive
        self.max_bytes = max_bytes
        self.refusal: tuple[int, TooLarge | UnreadableImage] | None = None
        self._received_bytes = 0
        self._started_at = time.monotonic()
        self._is_complete = False

    async def receive(self) -> Message:
        if self._is_complete:
            return await self._receive()  # nothing but the end of the connection comes now
        remaining_s = self._started_at + BODY_TIMEOUT_S + self._received_bytes / MIN_BYTES_PER_S - time.monotonic()
        try:
            message = await asyncio.wait_for(self._receive(), max(remaining_s, 0))
        except TimeoutError:
            self.refusal = 408, UnreadableImage("The upload came too slowly and was given up. Try again.")
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
    """The largest body that the route takes."""
    path = route_policy.path_of(scope).rstrip("/")
    if path == route_policy.LOGIN:
        return LOGIN_KB * 1_000
    if path == route_policy.UPLOAD:
        return int(settings.MAX_UPLOAD_MB.read()) * 1_000_000 + 1_000_000  # and what a form puts around its files
    if path.startswith(route_policy.AGENTS):
        return int(settings.MAX_FILE_MB.read()) * 4_000_000 // 3 + JSON_MB * 1_000_000  # films come in base64
    return JSON_MB * 1_000_000


def _declared_length(scope: Scope) -> int:
    text = Headers(scope=scope).get("content-length", "0")
    return int(text) if text.isdecimal() else 0
