"""Texts, HTML and table cells of the batch tab. External text is escaped, or sent as JSON that the page never parses as
HTML.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from ..batch.results import format_counts
from ..errors import PneumoniaError
from ..inference.decision import LABEL_NAMES, Failure
from ..messages import join, message, translate
from ..reporting.provenance import format_age
from ..reporting.wording import MARKS
from .batch_record import BatchJob, BatchRow
from .job_store import Task
from .rendering import render


class Column(NamedTuple):
    """A column of the page's table: key in the cells of `row_cells`, header, and what its cells are sorted as."""

    key: str
    header: str
    kind: Literal["number", "text"]


COLUMNS = (
    Column("number", message("No."), "number"),
    Column("answer", message("Answer"), "text"),
    Column("percent", message("P(pneumonia), %"), "number"),
    Column("model", message("Model"), "text"),
    Column("age", message("Age"), "text"),
    Column("file", message("File"), "text"),
    Column("notes", message("Reason / warnings"), "text"),
)
"""In their order on the page, after the thumbnails."""

MODEL_NAMES = {"children": message("Children"), "adults": message("Adults")}
"""Population -> what the column "Model" says."""

Cells = dict[str, Any]


def row_cells(index: int, row: BatchRow) -> Cells:
    """The cells of a row by key of their column, and `thumbnail`, `label` for its colour, `failed`."""
    result = row.result
    cells: Cells = {"index": index, "number": index + 1, "thumbnail": row.thumbnail, "file": result.file or ""}
    if isinstance(result, Failure):
        notes = f"{result.error.code}: {translate(result.error.message)}"
        answer = f"✕ {translate(message('failed'))}"
        return {**cells, "failed": True, "label": "failed", "answer": answer, "percent": None, "model": "", "age": "",
                "notes": notes}  # fmt: skip
    notes = join([*([result.reason.message] if result.reason else []), *result.warnings])
    return {
        **cells,
        "failed": False,
        "label": result.label.lower(),
        "answer": f"{MARKS[result.label]} {translate(LABEL_NAMES[result.label])}",
        "percent": None if result.probability is None else min(max(round(100 * result.probability), 1), 99),
        "model": translate(MODEL_NAMES.get(result.population or "", "")),
        "age": translate(format_age(result)),
        "notes": translate(notes),
    }


def waiting(count_ahead: int) -> str:
    """HTML shown while a task waits for `count_ahead` others."""
    return render("batch_waiting.html", count_ahead=count_ahead)


def bar(task: Task) -> str:
    """HTML of the progress bar, with the estimated remaining time once one film is done."""
    count, total = task.count, task.total
    remaining = _duration(task.seconds / count * (total - count)) if count and count < total else None
    text = {
        "films": message("{count:,} of {total:,} films", count=count, total=total),
        "again": message("{count:,} of {total:,} films tried again", count=count, total=total),
        "reports": message("{count:,} of {total:,} reports", count=count, total=total),
    }[task.kind]
    return render("batch_progress.html", count=count, total=total, text=text, remaining=remaining)


def summary(job: BatchJob) -> str:
    """HTML with the counts of a batch whose task has ended, and the error that ended it, if any."""
    return render(
        "batch_summary.html",
        completed=len(job.rows),
        total=len(job.films),
        counts=format_counts(job.counts),
        error=job.error,
    )


def error_message(error: PneumoniaError) -> str:
    """HTML alert with the message and the code of an error."""
    return render("batch_error.html", error=error)


def _duration(seconds: float) -> str:
    return (
        message("{seconds:.0f} s", seconds=seconds)
        if seconds < 90
        else message("{minutes:.0f} min", minutes=seconds / 60)
    )
