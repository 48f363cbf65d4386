"""`/batch` and `/batch/FILE`: what the page asks for a batch (`job_routes`)."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from starlette.routing import Route

from . import batch_text
from .batch_job import BatchJobs
from .batch_record import BatchJob, TaskKind
from .job_routes import Body, JobPage

MAX_ROWS = 500
"""Maximum number of rows in an answer: 650 kB with their thumbnails. The page asks again at once for the rest."""


def routes(jobs: BatchJobs) -> list[Route]:
    """The routes for all batches of `jobs`."""

    def start(kind: TaskKind, token: str, owner: str | None, body: Body) -> None:
        rows = body.get("rows")
        indices = [row for row in rows if isinstance(row, int)] if isinstance(rows, list) else None
        jobs.start(token, kind, owner, indices)

    actions = {"again": partial(start, "again"), "reports": partial(start, "reports")}
    return JobPage(jobs, partial(batch_state, jobs), batch_files, actions).routes("/batch")


def batch_files(job: BatchJob) -> dict[str, Path]:
    """File name -> path of the files that exist."""
    paths = {"results.csv": job.table, "results.jsonl": job.json_lines, "reports.zip": job.reports}
    return {name: path for name, path in paths.items() if path.exists()}


def batch_state(jobs: BatchJobs, job: BatchJob, cursor: int) -> dict[str, Any]:
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
        "files": list(batch_files(job)) if task is None else [],
    }
