"""Texts of the tab for the site's own films, as HTML."""

from __future__ import annotations

from collections import Counter

from ..errors import PneumoniaError
from ..inference.decision import CLASSES
from ..messages import number
from ..validation import report_html
from ..validation.local_point import MIN_FILMS
from ..validation.report import report_of
from ..validation.site_films import PROBLEMS, Selection
from .rendering import render
from .validation_job import ValidationJob

MAX_NAMES = 3
"""Number of file names that are shown for each kind of problem; the report has all."""


def preview(selection: Selection) -> str:
    """The numbers of labelled films, and of each problem with some of the files."""
    counts = Counter(film.label for film in selection.films)
    kinds = Counter(problem.code for problem in selection.problems)
    rows = []
    for code, count in kinds.most_common():
        names = [problem.file for problem in selection.problems if problem.code == code]
        rows.append((PROBLEMS[code], number(count), _shortened(names)))
    normal, pneumonia = (counts[label] for label in range(len(CLASSES)))
    return render(
        "validation/preview.html",
        count=number(len(selection.films)),
        normal=number(normal),
        pneumonia=number(pneumonia),
        is_few=min(normal, pneumonia) < MIN_FILMS,
        minimum=MIN_FILMS,
        rows=rows,
    )


def _shortened(names: list[str]) -> str:
    return ", ".join(names[:MAX_NAMES]) + (", ..." if len(names) > MAX_NAMES else "")


def waiting() -> str:
    """Shown while the validation is in the queue."""
    return render("validation/waiting.html")


def error_message(error: PneumoniaError) -> str:
    """An alert with the message and the code of an error."""
    return render("validation/error.html", error=error)


def summary(job: ValidationJob) -> str:
    """How the run ended, and the error that ended it, if any."""
    is_complete = len(job.results) == len(job.selection.films)
    has_report = job.validation is not None
    return render(
        "validation/summary.html",
        error=job.error,
        is_complete=is_complete,
        has_report=has_report,
        site_note=job.site_note,
    )


def result(job: ValidationJob) -> str:
    """Verdicts and sections of the report."""
    if job.validation is None:
        return ""
    return report_html.body(report_of(job.validation))
