"""Routes of a kind of jobs (`/batch`, `/batch/FILE`): progress, actions and files, for the page that has the token.

These are not events of Gradio: they work in a page that was opened by the link of the job, after a short loss of the
connection, and during a shutdown, when Gradio's events are refused. The token is always in the body of a POST, so that
no log of this server or of a proxy contains it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

import anyio
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from ..errors import EmptyFile, PneumoniaError, UsageError
from .job_store import J, JobStore
from .server import login, shutdown
from .server.route_policy import error_response

MEDIA_TYPES = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".pdf": "application/pdf",
    ".zip": "application/zip",
}

Body = dict[str, Any]


@dataclass(frozen=True)
class JobPage(Generic[J]):
    """How the page of a kind of jobs sees one of them.

    `state` is the JSON that the page receives, from a job and the number of changes that it has received. `files` are
    those that can be downloaded now, by name. `actions` start work, by name, from token, owner and body of the request;
    each job can also be stopped.
    """

    jobs: JobStore[J]
    state: Callable[[J, int], Body]
    files: Callable[[J], Mapping[str, Path]]
    actions: Mapping[str, Callable[[str, str | None, Body], None]]

    def routes(self, path: str) -> list[Route]:
        """The routes below `path`."""
        return [
            Route(path, self._state, methods=["POST"]),
            Route(f"{path}/{{name}}", self._file, methods=["POST"]),
        ]

    async def _state(self, request: Request) -> Response:
        body = await _json_object(request)
        try:
            return JSONResponse(await anyio.to_thread.run_sync(self._answer, request, body))
        except EmptyFile as error:
            return error_response(404, error)
        except PneumoniaError as error:
            return error_response(409, error)

    def _answer(self, request: Request, body: Body) -> Body:
        """Carry out the action of a request, if it has one, and return the state of the job."""
        token, owner = str(body.get("token", "")), login.owner_of(request.app, request.headers)
        self.jobs.get(token, owner)
        action = body.get("action")
        if action == "stop":
            self.jobs.stop(token, owner)
        elif isinstance(action, str) and action in self.actions:
            if shutdown.is_draining(request.app):
                raise shutdown.shutting_down_error()
            self.actions[action](token, owner, body)
        elif action is not None:
            allowed = ", ".join(["stop", *self.actions])
            raise UsageError(f"Unknown action. Allowed: {allowed}. Received: {str(action)[:40]!r}.")
        cursor = body.get("cursor", 0)
        job = self.jobs.get(token, owner)
        return self.state(job, cursor if isinstance(cursor, int) and cursor >= 0 else 0)

    async def _file(self, request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=4)
        try:
            job = self.jobs.get(str(form.get("token", "")), login.owner_of(request.app, request.headers))
        except EmptyFile:
            return Response(status_code=204)  # the browser stays on the page, which says that the job is deleted
        name = request.path_params["name"]
        path = self.files(job).get(name)
        if path is None:
            return Response(status_code=204)
        return FileResponse(path, filename=name, media_type=MEDIA_TYPES[path.suffix])


async def _json_object(request: Request) -> Body:
    try:
        body = await request.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
