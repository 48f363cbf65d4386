"""Validations of the page: import of films and label table, run, files to download, and deletion."""

from __future__ import annotations

import secrets
import tempfile
import threading
import zipfile
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from .. import files, settings
from ..errors import DiskFull, EmptyFile, PneumoniaError, TooLarge
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
from .lane import Lane
from .server import request_log
from .server.upload import Upload

_PREFIX = "pneumonia-validations-"
"""Start of the name of the temporary folder that holds all validations."""

START_LIMIT_S = 3600
"""Seconds after which a validation that has not started is deleted, because its browser has disconnected. The page
starts it at once; it waits for its turn as a started one."""

SITE_FILE, ALL_FILES = "site.json", "validation.zip"


@dataclass(frozen=True)
class Labels:
    """Where the labels come from: folder names, or for a `table` its columns by role."""

    table: Path | None = None
    columns: Mapping[str, str | None] = field(default_factory=dict)


@dataclass
class ValidationJob:
    """One validation. `results` grows while it runs; `stop` ends it after the films in progress."""

    folder: Path
    selection: Selection
    question: Question
    results: list[FilmResult] = field(default_factory=list)
    validation: Validation | None = None
    site_note: str = ""
    stop: threading.Event = field(default_factory=threading.Event)
    timer: threading.Timer | None = None
    is_running: bool = False

    @property
    def downloads(self) -> dict[str, Path]:
        """File name -> path of the files that exist."""
        names = (*report_folder.FILES, SITE_FILE, ALL_FILES)
        return {name: path for name in names if (path := self.folder / "report" / name).is_file()}


class ValidationJobs:
    """All validations of the page by token. Each is deleted a retention time after its end, and with the process."""

    def __init__(self, predictor: Predictor, lane: Lane) -> None:
        self._served, self._lane = predictor, lane
        self._tempdir = files.ProcessTempdir(Path(tempfile.gettempdir()), _PREFIX)
        self._jobs: dict[str, ValidationJob] = {}
        self._lock = threading.Lock()

    @cached_property
    def _predictor(self) -> Predictor:
        """One thread fewer than the page, so that a single film never waits; made at the first run."""
        return self._served.with_threads(max(1, self._served.threads - 1))

    def create(self, uploads: list[Upload], labels: Labels, question: Question) -> str:
        """Import the uploads, match them with their labels, and return the token of the new validation.

        Raises the errors of `batch_uploads` and of the label table, `EmptyFile` if no film has a label, `TooLarge` for
        more than `MAX_FILMS` films, and `DiskFull`.
        """
        self._served.check_options(question.operating_point, question.prevalence)
        token = secrets.token_hex(16)
        folder, selection = self._import(uploads, labels)
        job = ValidationJob(folder, selection, question)
        with self._lock:
            self._jobs[token] = job
            self._start_timer(token, job, START_LIMIT_S)
        return token

    def preview(self, uploads: list[Upload], labels: Labels) -> Selection:
        """The films with their labels; nothing is kept. Raises the errors of `create`."""
        folder, selection = self._import(uploads, labels)
        files.delete_tree(folder)
        return selection

    def _import(self, uploads: list[Upload], labels: Labels) -> tuple[Path, Selection]:
        """A new folder with the films, and their labels."""
        check_uploads(uploads)
        folder = self._tempdir.path / secrets.token_hex(8)
        (folder / "films").mkdir(parents=True)
        try:
            return folder, _select(list(import_uploads(uploads, folder / "films")), labels)
        except BaseException as error:
            files.delete_tree(folder)
            if isinstance(error, OSError) and files.is_disk_full(error):
                raise DiskFull(
                    message("The disk of the server is full. Free space, then add the films again.")
                ) from None
            raise

    def get(self, token: str) -> ValidationJob:
        """The validation of `token`; raises `EmptyFile` if it was deleted."""
        job = self._jobs.get(token)
        if job is None:
            raise EmptyFile(message("This check no longer exists. Add the films again."))
        return job

    def is_new(self, token: str) -> bool:
        """Whether the validation of `token` exists and has not started."""
        job = self._jobs.get(token)
        return job is not None and not job.is_running and job.validation is None

    def stop(self, token: str) -> None:
        """Stop a validation; its report is about the films so far."""
        if job := self._jobs.get(token):
            job.stop.set()
            self._lane.wake()

    def delete(self, token: str) -> None:
        """Stop a validation and delete its files: at once, or when it has ended."""
        with self._lock:
            job = self._jobs.pop(token, None)
        if job is not None:
            job.stop.set()
            if not job.is_running:
                _discard(job)

    def run(self, token: str) -> Generator[ValidationJob, None, None]:
        """Score the films and write the files; yields the validation after each film and at the end."""
        with self._running(token) as job, self._lane.turn(self._lane.join(), job.stop.is_set):
            with request_log.batch("validation") as logged_results:
                films, point = job.selection.films, job.question.operating_point
                for result in score_films(self._predictor, films, point, is_stopped=job.stop.is_set):
                    job.results.append(result)
                    logged_results.append(result.outcome)
                    yield job
            if job.results:
                job.validation = validate(self._predictor, job.selection, job.results, job.question)
                self._write(job)
        yield job

    def _write(self, job: ValidationJob) -> None:
        """Write report, site file if there are enough films, and a ZIP of all."""
        folder = job.folder / "report"
        assert job.validation is not None
        paths = report_folder.write_report(job.validation, folder)
        try:
            overlay = site_overlay(self._predictor, job.validation, job.question)
            files.atomic_write(folder / SITE_FILE, overlay.to_bytes())
            paths.append(folder / SITE_FILE)
        except PneumoniaError as error:
            job.site_note = error.message
        with (
            files.atomic_path(folder / ALL_FILES) as partial,
            zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as all_files,
        ):
            for path in paths:
                all_files.write(path, path.name)

    @contextmanager
    def _running(self, token: str) -> Iterator[ValidationJob]:
        """Context of a run: no deletion meanwhile; the retention time starts at its end."""
        with self._lock:
            job = self.get(token)
            job.is_running = True
            if job.timer is not None:
                job.timer.cancel()
        try:
            yield job
        finally:
            with self._lock:
                job.is_running = False
                is_deleted = self._jobs.get(token) is not job
                if not is_deleted:
                    self._start_timer(token, job, settings.RETENTION_S.read())
            if is_deleted:
                _discard(job)

    def _start_timer(self, token: str, job: ValidationJob, seconds: float) -> None:
        job.timer = threading.Timer(seconds, self.delete, [token])
        job.timer.daemon = True
        job.timer.start()


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


def _discard(job: ValidationJob) -> None:
    if job.timer is not None:
        job.timer.cancel()
    job.results.clear()
    job.validation = None
    if not files.delete_tree(job.folder):  # Windows deletes no file while it is downloaded
        job.timer = threading.Timer(10, _discard, [job])
        job.timer.daemon = True
        job.timer.start()
