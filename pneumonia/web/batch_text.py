"""Texts, HTML and table cells of the batch tab. External text is escaped or put into a plain-text cell."""

from __future__ import annotations

from typing import Literal, NamedTuple

from ..batch.results import format_counts
from ..errors import PneumoniaError
from ..inference.decision import Failure
from ..reporting.provenance import format_age
from ..reporting.wording import MARKS
from .batch_job import BatchRow, Job
from .rendering import render


class Column(NamedTuple):
    """A column of the page's table: its header, Gradio's type of its cells, its width in CSS pixels."""

    header: str
    datatype: Literal["str", "number", "html"]
    width_px: int


COLUMNS = (
    Column("", "html", 64),
    Column("No.", "number", 80),
    Column("Answer", "str", 150),
    Column("P(pneumonia), %", "number", 190),
    Column("Model", "str", 130),
    Column("Age", "str", 130),
    Column("File", "str", 260),
    Column("Reason / warnings", "str", 420),
)
"""In the order of the cells of `_row_cells`."""

LABEL = "Results"
LEGEND = "Sort a column with ⋮ beside its name. In the percent column, 1 means at most 1 and 99 at least 99."

Cell = str | int | None


def cells(job: Job) -> list[list[Cell]]:
    """Cells of the completed rows, in the order of `COLUMNS`."""
    return [_row_cells(number, row) for number, row in enumerate(list(job.rows), start=1)]


def waiting() -> str:
    """HTML shown while a batch is in the queue."""
    return render("batch_waiting.html")


def bar(count: int, total: int, unit: str, seconds: float) -> str:
    """HTML of the progress bar: `count` of `total`, and the estimated remaining time once `count` is 1 or more.

    `seconds` is the elapsed time; `unit` names what is counted, for example "films".
    """
    remaining = _duration(seconds / count * (total - count)) if count and count < total else None
    return render("batch_progress.html", count=count, total=total, unit=unit, remaining=remaining)


def summary(job: Job, minutes: float) -> str:
    """HTML with the counts of a completed or stopped batch, and the time in `minutes` until its files are deleted."""
    return render(
        "batch_summary.html",
        completed=len(job.rows),
        total=len(job.films),
        counts=format_counts(job.counts),
        minutes=f"{minutes:g}",
    )


def error_message(error: PneumoniaError) -> str:
    """HTML alert with the message and the code of the error that stopped the batch or its reports."""
    return render("batch_error.html", error=error)


def _row_cells(number: int, row: BatchRow) -> list[Cell]:
    result = row.result
    if isinstance(result, Failure):
        return ["", number, "✕ failed", None, "", "", result.file, f"{result.error.code}: {result.error.message}"]
    percent = None if result.probability is None else min(max(round(100 * result.probability), 1), 99)
    notes = [result.reason.message] if result.reason else []
    thumbnail = render("batch_thumbnail.html", url=row.thumbnail)
    label = f"{MARKS[result.label]} {result.label}"
    model, age = (result.population or "").capitalize(), format_age(result)
    return [thumbnail, number, label, percent, model, age, result.file, " ".join([*notes, *result.warnings])]


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
