"""The streams on which open pages wait for results."""

from __future__ import annotations

from collections import Counter
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Receive, Scope, Send

from . import route_policy


class ResultStreams:
    """Middleware that counts the open result streams of each session in `app.state.result_streams`.

    A page whose network is slow may learn the id of a call after its result, which another call's stream delivered. It
    then opens a stream on which nothing is left to come, and receives the next results on it. Gradio's queue has no
    sign of this stream, and its records of the session look as if they could be dropped.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or route_policy.path_of(scope) != route_policy.QUEUE_DATA:
            await self._app(scope, receive, send)
            return
        session = "".join(parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [""])[:1])
        streams: Counter[str] = scope["app"].state.result_streams
        streams[session] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            streams[session] -= 1
            if not streams[session]:
                del streams[session]
