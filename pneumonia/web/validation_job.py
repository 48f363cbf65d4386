"""Validations of the page: import of films and label table, run, files to download. They are jobs as batches are."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .. import files
from ..errors import Busy, DiskFull, EmptyFile, PneumoniaError, TooLarge
from ..inference.named_film import NamedFilm
from ..inference.predictor import Predictor
from ..messages import message
from ..validation import report_folder
from ..validation.evaluate import Question, Validation, validate
from ..validation.film_results import FilmResult, score_films
from ..validation.label_table import LabelTable, choose_columns, read_table
from ..validation.site_file import site_overlay
from ..validation.site_films import Selection, label_by_folder, label_by_table
from .batch_job import MAX_FILMS
from .batch_uploads import check_uploads, import_uploads
from .job_store import JobStore, StoredJob, disk_full_error
from .lane import Lane
from .server import request_log
from .server.upload import Upload

_PREFIX = "pneumonia-validations-"
"""Start of the name of the temporary folder that holds all validations."""

SITE_FILE, ALL_FILES = "site.json", "validation.zip"
FILES = (*report_folder.FILES, SITE_FILE, ALL_FILES)
"""Names of the files to download."""


@dataclass(frozen=True)
class Labels:
    """Where the labels come from: folder names, or for a `table` its columns by role."""

    table: Path | None = None
    columns: Mapping[str, str | None] = field(default_factory=dict)


@dataclass
class ValidationJob(StoredJob):
    """One validation. `results` grows while it runs; `validation` and the files exist when it has ended."""

    selection: Selection
    question: Question
    results: list[FilmResult] = field(default_factory=list)
    validation: Validation | None = None
    site_note: str = ""

    def clear(self) -> None:
        self.results.clear()
        self.validation = None

    @property
    def downloads(self) -> dict[str, Path]:
        """File name -> path of the files that exist."""
        return {name: path for name in FILES if (path := self.folder / "report" / name).is_file()}


class ValidationJobs(JobStore[ValidationJob]):
    """All validations of the page by token. `predictor` and `lane` are those of the batches."""

    def __init__(self, predictor: Predictor, lane: Lane) -> None:
        super().__init__(_PREFIX, lane)
        self._predictor = predictor

    def missing_error(self) -> EmptyFile:
        return EmptyFile(message("This check no longer exists. Add the films again."))

    def create(self, uploads: list[Upload], labels: Labels, question: Question, owner: str | None = None) -> str:
        """Import the uploads, match them with their labels, and return the token of the new validation.

        Raises the errors of `batch_uploads` and of the label table, `EmptyFile` if no film has a label, `TooLarge` for
        more than `MAX_FILMS` films, and `DiskFull`.
        """
        self._predictor.check_options(question.operating_point, question.prevalence)
        check_uploads(uploads)
        with self._new_folder() as folder:
            selection = _import(uploads, labels, folder)
        return self._add(ValidationJob(folder, selection, question, owner=owner))

    def preview(self, uploads: list[Upload], labels: Labels) -> Selection:
        """The films with their labels; nothing is kept. Raises the errors of `create`."""
        check_uploads(uploads)
        with self._new_folder() as folder:
            selection = _import(uploads, labels, folder)
        files.delete_tree(folder)
        return selection

    def start(self, token: str, owner: str | None = None) -> None:
        """Start a validation on its own thread. It runs once, so that its figures are about one run.

        Raises `EmptyFile` if it does not exist, and `Busy` if it has started, or if too many batches wait.
        """
        with self._lock:
            job = self.get(token, owner)
            if job.task is not None or job.results:
                raise Busy(message("This check is in progress. Wait until it is complete, or stop it."))
            self._begin_task(token, job, "films", len(job.selection.films), lambda: self.run(token))

    def run(self, token: str) -> Iterator[int]:
        """Score the films and write the files; yields the number of films after each. Raises `DiskFull`."""
        with self._active_step(token) as job:
            with request_log.batch("validation") as logged_results:
                films, point = job.selection.films, job.question.operating_point
                for result in score_films(self._predictor, films, point, is_stopped=job.stop.is_set):
                    job.results.append(result)
                    logged_results.append(result.outcome)
                    yield len(job.results)
            if job.results:
                job.validation = validate(self._predictor, job.selection, job.results, job.question)
                self._write(job, job.validation)

    def _write(self, job: ValidationJob, validation: Validation) -> None:
        """Write report, site file if there are enough films, and a ZIP of all. Raises `DiskFull`."""
        folder = job.folder / "report"
        try:
            paths = report_folder.write_report(validation, folder)
            try:
                overlay = site_overlay(self._predictor, validation, job.question)
            except PneumoniaError as error:
                job.site_note = error.message
            else:
                files.atomic_write(folder / SITE_FILE, overlay.to_bytes())
                paths.append(folder / SITE_FILE)
            with (
                files.atomic_path(folder / ALL_FILES) as partial,
                zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as all_files,
            ):
                for path in paths:
                    all_files.write(path, path.name)
        except DiskFull:  # its message names a file of the server
            raise disk_full_error() from None


def _import(uploads: list[Upload], labels: Labels, folder: Path) -> Selection:
    """Import the uploads into a folder, and match them with their labels."""
    films = folder / "films"
    films.mkdir()
    return _select(list(import_uploads(uploads, films)), labels)


def _select(films: list[NamedFilm], labels: Labels) -> Selection:
    if len(films) > MAX_FILMS:
        raise TooLarge(
            message(
                "Too many films for the page. Allowed: {allowed:,}. Received: {received:,}. "
                "The command line has no limit.",
                allowed=MAX_FILMS,
                received=len(films),
            )
        )
    if labels.table is None:
        selection = label_by_folder(films)
    else:
        table = read_table(labels.table)
        selection = label_by_table(films, table, choose_columns(table, labels.columns))
    if not selection.films:
        raise EmptyFile(message("No film has a label. Add a ZIP with folders NORMAL and PNEUMONIA, or a table."))
    return selection


def read_label_table(upload: Upload | None) -> LabelTable | None:
    """The table of an upload; None without one. Raises `UsageError`."""
    return None if upload is None else read_table(upload.path)
