"""Limits for the size of request bodies and for the time in which they arrive."""

from __future__ import annotations

import asyncio
import time

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ... import operating_system, settings
from ...errors import Busy, PneumoniaError, TooLarge, UnreadableImage
from . import route_policy

JSON_MB = 8
"""Maximum body of any request except an upload. A batch of 5,000 films with full paths takes 3 MB."""

LOGIN_KB = 16
"""Maximum body of a login request: a user name and a password."""

BODY_TIMEOUT_S = 60
MIN_BYTES_PER_S = 1_000
"""A body must arrive within `BODY_TIMEOUT_S` seconds plus one second per `MIN_BYTES_PER_S` bytes received. Any
connection that is usable for sending films is faster."""


MIN_FREE_FILES_SHARE = 8
"""An upload is refused while less than this fraction (1/8) of the open files that the system allows is free. The calls
that were accepted before need the rest: for their films, for decoders and for the connections of their results."""


_UPLOADS = {route_policy.UPLOAD, route_policy.REST_BATCH}
"""Routes that receive many films."""


class BodyRefused(Exception):
    """Stops the application's reading of a body. `RequestLimits` catches it."""


class RequestLimits:
    """Middleware after the login throttle: refuses a body that is too large or too slow before it is complete.

    Answers 503 `busy` to an upload while too many files are open, 413 `too_large` if the declared length or the number
    of received bytes exceeds `max_body_bytes`, and 408 `unreadable_image` if the body takes too long. All other
    requests pass unchanged.
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
            # After a refusal, the application's response to the incomplete body is dropped; 413 or 408 is sent instead.
            if body.refusal is None or has_response_started:
                has_response_started = True
                await send(message)

        try:
            if route_policy.path_of(scope).rstrip("/") in _UPLOADS and _has_few_free_files():
                body.refuse_busy()
            if _declared_length(scope) > body.max_bytes:
                body.refuse_too_large()
            await self._app(scope, body.receive, send_unless_refused)
        except Exception:
            if body.refusal is None:
                raise
        if body.refusal is not None and not has_response_started:
            # The connection stays open: if it were closed, a caller who is still sending would get no response.
            status, error = body.refusal
            headers = {"Retry-After": "60"} if isinstance(error, Busy) else None
            await route_policy.refused(scope, status, error, headers)(scope, receive, send)


class _Body:
    """A request body that is being received. Counts its bytes and the time since its start."""

    def __init__(self, receive: Receive, max_bytes: int) -> None:
        self._receive = receive
        self.max_bytes = max_bytes
        self.refusal: tuple[int, PneumoniaError] | None = None
        self._received_bytes = 0
        self._started_at = time.monotonic()
        self._is_complete = False

    async def receive(self) -> Message:
        if self._is_complete:
            return await self._receive()  # after the body, only the disconnect message can follow
        remaining_s = self._started_at + BODY_TIMEOUT_S + self._received_bytes / MIN_BYTES_PER_S - time.monotonic()
        try:
            message = await asyncio.wait_for(self._receive(), max(remaining_s, 0))
        except TimeoutError:
            message_text = f"The upload was too slow. Allowed: {BODY_TIMEOUT_S} s plus 1 s per kB. Try again."
            self.refusal = 408, UnreadableImage(message_text)
            raise BodyRefused from None
        self._received_bytes += len(message.get("body", b""))
        self._is_complete = not message.get("more_body", False)
        if self._received_bytes > self.max_bytes:
            self.refuse_too_large()
        return message

    def refuse_busy(self) -> None:
        self.refusal = 503, operating_system.out_of_files_error()
        raise BodyRefused

    def refuse_too_large(self) -> None:
        self.refusal = 413, TooLarge(f"The request is too large. Allowed: {self.max_bytes / 1e6:,.3g} MB.")
        raise BodyRefused


def max_body_bytes(scope: Scope) -> int:
    """Return the maximum body size in bytes for the route of the request."""
    path = route_policy.path_of(scope).rstrip("/")
    if path == route_policy.LOGIN:
        return LOGIN_KB * 1_000
    if path in {route_policy.REST_PREDICT, route_policy.REST_RESULTS}:
        return int(settings.MAX_FILE_MB.read()) * 1_000_000 + 1_000_000
    if path in _UPLOADS:
        # Plus 1 MB for the multipart form around the files.
        return int(settings.MAX_UPLOAD_MB.read()) * 1_000_000 + 1_000_000
    if path.startswith(route_policy.MCP):
        # Inline films are base64-encoded: 4 characters for 3 bytes.
        return int(settings.MAX_FILE_MB.read()) * 4_000_000 // 3 + JSON_MB * 1_000_000
    return JSON_MB * 1_000_000


def _has_few_free_files() -> bool:
    return operating_system.free_open_files() * MIN_FREE_FILES_SHARE < operating_system.open_file_limit()


def _declared_length(scope: Scope) -> int:
    """Return the Content-Length header in bytes; 0 if it is missing or not a number."""
    text = Headers(scope=scope).get("content-length", "0")
    return int(text) if text.isdecimal() else 0
