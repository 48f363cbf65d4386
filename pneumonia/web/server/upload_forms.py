"""Uploads whose form is incomplete or has no file: Gradio keeps the files that were complete and answers 200.

A caller whose connection was cut off behind a proxy would get fewer paths than it sent films, and no error for
the film that is missing.
"""

from __future__ import annotations

from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...errors import UnreadableImage, UsageError
from . import route_policy

_FORM = "Allowed: a multipart form with fields `files`, each with a file name."
NO_FILE = UsageError(f"The upload has no file. {_FORM}")
NO_FORM = UsageError(f"The upload is no valid form. {_FORM}")
INCOMPLETE = UnreadableImage("The upload is incomplete: its form has no end. Send all films again.")


class CompleteForms:
    """Middleware that answers 400 to an upload without the end of its form, without a file, or that is no form."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_upload = scope["type"] == "http" and scope["method"] == "POST"
        if not is_upload or route_policy.path_of(scope) != route_policy.UPLOAD:
            await self._app(scope, receive, send)
            return
        end = _FormEnd(receive, Headers(scope=scope).get("content-type", ""))
        response: list[Message] = []

        async def collect(message: Message) -> None:
            response.append(message)

        await self._app(scope, end.receive, collect)  # the response is a list of paths, or an error
        refusal = _refusal(response, is_complete=end.is_found)
        if refusal is not None:
            await route_policy.error_response(400, refusal)(scope, receive, send)
            return
        for message in response:
            await send(message)


def _refusal(response: list[Message], *, is_complete: bool) -> UsageError | UnreadableImage | None:
    """The error to send in place of Gradio's response; None if that can be sent."""
    status = response[0]["status"] if response else 0
    body = b"".join(message.get("body", b"") for message in response)
    if status == 400 and b'"error"' not in body:  # a text of the parser
        return NO_FORM
    if status != 200:
        return None
    if not is_complete:
        return INCOMPLETE
    return NO_FILE if body.strip() == b"[]" else None


class _FormEnd:
    """Looks for the closing delimiter in a body that is being received (RFC 2046, section 5.1.1)."""

    def __init__(self, receive: Receive, content_type: str) -> None:
        self._receive = receive
        boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
        self._delimiter = b"--" + boundary + b"--"
        self._tail = b""
        self.is_found = False

    async def receive(self) -> Message:
        message = await self._receive()
        if not self.is_found:
            data = self._tail + message.get("body", b"")
            self.is_found = self._delimiter in data
            self._tail = data[-len(self._delimiter) + 1 :]
        return message
