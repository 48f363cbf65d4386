"""`GET /health` for orchestrators and load balancers. Needs no login and returns no data."""

from __future__ import annotations

from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from . import shutdown

_NO_STORE = {"Cache-Control": "no-store"}


class Health(HTTPEndpoint):
    """200 `ready` if films are processed, 503 `ending` during shutdown; 405 for other methods than GET and HEAD.

    Before the start is complete, no connection is accepted: uvicorn accepts the first one after the signal handlers are
    installed and the queue runs.
    """

    async def get(self, request: Request) -> PlainTextResponse:
        if shutdown.is_draining(request.app):
            return PlainTextResponse("ending", 503, _NO_STORE)
        return PlainTextResponse("ready", 200, _NO_STORE)


ROUTE = Route("/health", Health)
