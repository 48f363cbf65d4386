"""`/batch` and `/batch/FILE`: progress, actions and files of a batch, for the page that has its token.

These are not events of Gradio: they work in a page that was opened by the link of the batch, after a short loss of the
connection, and during a shutdown, when Gradio's events are refused. The token is always in the body of a POST, so that
no log of this server or of a proxy contains it.
"""

from __future__ import annotations

from typing import Any

import anyio
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from ..errors import EmptyFile, PneumoniaError, UsageError
from . import batch_text
from .batch_job import Jobs
from .batch_record import Job
from .server import login, shutdown
from .server.route_policy import error_response

MAX_ROWS = 500
"""Maximum number of rows in an answer: 650 kB with their thumbnails. The page asks again at once for the rest."""

_FILES = {
    "results.csv": ("table", "text/csv"),
    "results.jsonl": ("json_lines", "application/x-ndjson"),
    "reports.zip": ("reports", "application/zip"),
}
"""File name -> (attribute of the batch, MIME type)."""


def routes(jobs: Jobs) -> list[Route]:
    """The routes for all batches of `jobs`."""

    async def state(request: Request) -> Response:
        body = await _json_object(request)
        try:
            return JSONResponse(await anyio.to_thread.run_sync(_answer, request, jobs, body))
        except EmptyFile as error:
            return error_response(404, error)
        except PneumoniaError as error:
            return error_response(409, error)

    async def file(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=4)
        try:
            job = jobs.get(str(form.get("token", "")), login.owner_of(request.app, request.headers))
        except EmptyFile:
            return Response(status_code=204)  # the browser stays on the page, which says that the batch is deleted
        name = request.path_params["name"]
        attribute, media_type = _FILES.get(name, ("", ""))
        path = getattr(job, attribute) if attribute else None
        if path is None or not path.exists():
            return Response(status_code=204)
        return FileResponse(path, filename=name, media_type=media_type)

    return [Route("/batch", state, methods=["POST"]), Route("/batch/{name}", file, methods=["POST"])]


async def _json_object(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _answer(request: Request, jobs: Jobs, body: dict[str, Any]) -> dict[str, Any]:
    """Carry out the action of a request, if it has one, and return the state of the batch."""
    token, owner = str(body.get("token", "")), login.owner_of(request.app, request.headers)
    jobs.get(token, owner)
    action = body.get("action")
    if action == "stop":
        jobs.stop(token, owner)
    elif action in {"again", "reports"}:
        if shutdown.is_draining(request.app):
            raise shutdown.shutting_down_error()
        rows = body.get("rows")
        indices = [row for row in rows if isinstance(row, int)] if isinstance(rows, list) else None
        jobs.start(token, action, owner, indices)
    elif action is not None:
        raise UsageError(f"Unknown action. Allowed: stop, again, reports. Received: {str(action)[:40]!r}.")
    cursor = body.get("cursor", 0)
    return batch_state(jobs, jobs.get(token, owner), cursor if isinstance(cursor, int) and cursor >= 0 else 0)


def batch_state(jobs: Jobs, job: Job, cursor: int) -> dict[str, Any]:
    """The state of a batch as JSON: progress as HTML, and the rows that changed after the first `cursor` changes.

    `state` is "waiting", "running" or "done"; `expires_at` (seconds since 1970) is null until the batch has ended.
    """
    task = job.task
    changes = job.changes[cursor : cursor + MAX_ROWS]
    indices = sorted(set(changes))
    rows = [batch_text.row_cells(index, job.rows[index]) for index in indices if index < len(job.rows)]
    if task is None:
        state, progress = "done", batch_text.summary(job)
    elif task.started_at is None:
        state, progress = "waiting", batch_text.waiting(jobs.lane.count_ahead(task.ticket))
    else:
        state, progress = "running", batch_text.bar(task)
    return {
        "state": state,
        "task": task.kind if task else None,
        "progress": progress,
        "rows": rows,
        "cursor": cursor + len(changes),
        "has_more": cursor + len(changes) < len(job.changes),
        "total": len(job.films),
        "failed": job.counts["failed"],
        "expires_at": job.expires_at if task is None else None,
        "files": [name for name, (attribute, _) in _FILES.items() if task is None and getattr(job, attribute).exists()],
    }
