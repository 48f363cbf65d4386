"""The language of a request: `?lang=` of the page's address, else that of the browser.

The script of the page repeats its `?lang=` in every call, so the language of a session needs no state on the server.
"""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ...languages import find, from_accept_language, set_language, use_language

PARAMETER = "lang"


class RequestLanguage:
    """Middleware that sets the language in which a request is answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with use_language(language_of(scope)):
            await self._app(scope, receive, send)


def language_of(scope: Scope) -> str:
    """Code of the language of a request."""
    if scope["type"] != "http":
        return from_accept_language("")
    try:
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"), max_num_fields=100)
    except ValueError:  # too many parameters
        query = {}
    chosen = find(query.get(PARAMETER, [""])[0])
    return chosen or from_accept_language(Headers(scope=scope).get("accept-language", ""))


def restore_language(scope: Scope) -> None:
    """Make the language of the request with this scope the current one: Gradio's queue runs calls outside of it."""
    set_language(language_of(scope))
