"""`/validation` and `/validation/FILE`: what the page asks for a validation (`job_routes`)."""

from __future__ import annotations

from typing import Any

from starlette.routing import Route

from . import batch_text, validation_text
from .job_routes import JobPage
from .validation_job import ValidationJob, ValidationJobs


def routes(jobs: ValidationJobs) -> list[Route]:
    """The routes for all validations of `jobs`."""
    return JobPage(jobs, validation_state, lambda job: job.downloads, {}).routes("/validation")


def validation_state(job: ValidationJob, cursor: int) -> dict[str, Any]:
    """The state of a validation as JSON: progress and, once, the result as HTML. The keys are those of a batch.

    `result` is null before the end, and for a page that has received it, which sends 1 as `cursor`.
    """
    task = job.task
    if task is None:
        state, progress = "done", validation_text.summary(job)
    elif task.started_at is None:
        state, progress = "waiting", validation_text.waiting()
    else:
        state, progress = "running", batch_text.bar(task)
    has_result = task is None and not cursor
    return {
        "state": state,
        "progress": progress,
        "result": validation_text.result(job) if has_result else None,
        "cursor": 1 if task is None else 0,
        "expires_at": job.expires_at if task is None else None,
        "files": list(job.downloads) if task is None else [],
    }
