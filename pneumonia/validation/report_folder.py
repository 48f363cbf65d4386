"""The files of a validation: figures as JSON, a CSV row for each film, and the report as HTML and PDF."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from ..files import atomic_write
from . import film_rows, report_html, report_pdf
from .evaluate import Validation
from .report import report_of

FIGURES, FILMS, HTML, PDF = "figures.json", "films.csv", "report.html", "report.pdf"

FILES: dict[str, Callable[[Validation], bytes]] = {
    FIGURES: lambda validation: (json.dumps(validation.figures, indent=1, ensure_ascii=False) + "\n").encode(),
    FILMS: film_rows.to_csv,
    HTML: lambda validation: report_html.to_html(report_of(validation)).encode(),
    PDF: lambda validation: report_pdf.to_pdf(report_of(validation)),
}
"""File name -> its content, in the current language."""


def write_report(validation: Validation, folder: Path) -> list[Path]:
    """Write all files to a folder, which is created; returns their paths. Raises `DiskFull`."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, content in FILES.items():
        atomic_write(folder / name, content(validation))
        paths.append(folder / name)
    return paths
