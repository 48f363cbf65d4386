"""`GET /health` for orchestrators and load balancers. Needs no login and returns no data."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from . import shutdown

_NO_STORE = {"Cache-Control": "no-store"}


async def health(request: Request) -> PlainTextResponse:
    """Return 200 `ready` if films are processed, 503 `starting` before that, and 503 `ending` during shutdown.

    Reads the private `_queue` of the page, because Gradio has no public attribute for the state of its queue.
    """
    if shutdown.is_draining(request.app):
        return PlainTextResponse("ending", 503, _NO_STORE)
    ready = request.app.startup_events_triggered and not request.app.get_blocks()._queue.stopped
    return PlainTextResponse("ready", 200, _NO_STORE) if ready else PlainTextResponse("starting", 503, _NO_STORE)


ROUTE = Route("/health", health, methods=["GET", "HEAD"])
