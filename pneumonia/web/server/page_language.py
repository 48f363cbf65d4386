"""The language in Gradio's HTML page: the attribute `lang`, and the script that keeps the choice of the user.

Gradio writes `lang="en"` and chooses its own texts by the browser's language, before any script of a page runs.
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...languages import LANGUAGES, current_language
from ...messages import translate
from ...reporting.wording import TITLE
from ..rendering import render
from . import installable, route_policy

_HTML = re.compile(rb'(<html\b[^>]*?\blang=)"en"')
_HEAD = re.compile(rb"(?<=<head)>")


def localise(page: bytes) -> bytes:
    """Gradio's HTML page in the language of the request."""
    code = current_language()
    tag = LANGUAGES[code].tag
    script = b">" + render("language.html", code=code, tag=tag, title=translate(TITLE)).encode()
    page = _HTML.sub(rb'\g<1>"' + tag.encode() + b'"', page, count=1)
    return _HEAD.sub(lambda _: script, page, count=1)


class PageLanguage:
    """Innermost middleware, inside Gradio's application, where the page is not compressed yet: localises the page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_page = scope["type"] == "http" and scope["method"] == "GET" and route_policy.path_of(scope) == "/"
        await self._app(scope, receive, _PageWriter(send).send if is_page else send)


class _PageWriter:
    """Holds the page back until its body is complete, then sends it in the language of the request."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_html(message):
            self._start = message
        elif self._start is None or message["type"] != "http.response.body":
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._send_page(self._start)

    async def _send_page(self, start: Message) -> None:
        body = installable.add_links(localise(self._body))
        headers = MutableHeaders(scope=start)
        headers["content-length"] = str(len(body))
        headers.add_vary_header("Accept-Language")
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})


def _is_html(start: Message) -> bool:
    return Headers(raw=start["headers"]).get("content-type", "").startswith("text/html")
