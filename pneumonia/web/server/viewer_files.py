"""Scripts of the film viewer, which the page loads with its first film. They contain no data."""

from __future__ import annotations

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

PATTERN = "/viewer/[^/]+"
"""Paths of the scripts."""

_FILES = StaticFiles(directory=Path(__file__).parents[1] / "viewer")


async def _script(request: Request) -> Response:
    """A script; browsers ask each time whether it has changed, so that no page has scripts of two versions."""
    name = request.path_params["name"]
    if not name.endswith(".js"):
        raise HTTPException(404)
    response = await _FILES.get_response(name, request.scope)
    response.headers["Cache-Control"] = "no-cache"
    return response


ROUTE = Route("/viewer/{name}", _script, methods=["GET"])
