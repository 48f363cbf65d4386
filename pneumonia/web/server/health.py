"""`GET /health`, for whoever restarts or replaces the service: no login, no data."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from . import shutdown

_NO_STORE = {"Cache-Control": "no-store"}


async def health(request: Request) -> PlainTextResponse:
    """200 when films are judged; 503 before the queue runs, and from the moment the service is told to end."""
    if shutdown.is_draining(request.app):
        return PlainTextResponse("ending", 503, _NO_STORE)
    ready = request.app.startup_events_triggered and not request.app.get_blocks()._queue.stopped
    return PlainTextResponse("ready", 200, _NO_STORE) if ready else PlainTextResponse("starting", 503, _NO_STORE)


ROUTE = Route("/health", health, methods=["GET", "HEAD"])
