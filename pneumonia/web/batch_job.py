"""Batches of the page: import of the films into a folder, result rows, reports, and deletion.

Gradio deletes an upload a fixed time after its creation, even while the batch is queued. A batch therefore imports its
films into its own folder as soon as it is created, and its retention time starts when its processing ends.
"""

from __future__ import annotations

import base64
import io
import re
import secrets
import shutil
import tempfile
import threading
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from PIL import Image

from .. import files, imaging, settings
from ..batch import results
from ..batch.rows import TableOptions
from ..errors import DiskFull, EmptyFile, TooLarge
from ..imaging import Source
from ..inference.decision import Failure, Prediction
from ..inference.named_film import NamedFilm
from ..inference.predictor import Predictor
from ..reporting import pdf_report
from . import age_groups
from .batch_uploads import check_uploads, import_uploads
from .server import request_log
from .server.upload import Upload

MAX_FILMS = 5_000
"""Maximum number of films in a batch, because the browser holds the whole table. The command line has no limit."""

_PREFIX = "pneumonia-batches-"
"""Start of the name of the temporary folder that holds all batches."""

START_LIMIT_S = 6 * 3600
"""Seconds after which a batch that has not started is deleted, because its browser has disconnected. The last batch of
a full queue waits for 62 others, two at a time: four hours at 5,000 films each and 0.1 s per film."""

RETRY_DELETION_S = 10
"""Seconds after which the deletion of a batch is repeated, if one of its files could not be deleted."""

THUMBNAIL_SIDE = 48
"""Longest side of a thumbnail in pixels: enough to distinguish films, at 1 KB each."""


@dataclass(frozen=True)
class BatchRow:
    """A row of the page's table. `thumbnail` is a JPEG as `data:` URL; "" for a failure."""

    result: Prediction | Failure
    thumbnail: str = ""


@dataclass
class Job:
    """One batch. `rows` grows while the batch runs. If `stop` is set, the batch ends after the films in progress.

    `timer` deletes the batch after the retention time, or if it does not start. `active_steps` is the number of steps
    (analysis, reports) that currently use its files.
    """

    folder: Path
    operating_point: str
    films: list[NamedFilm]
    age_group: str = age_groups.FROM_FILE
    rows: list[BatchRow] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    timer: threading.Timer | None = None
    active_steps: int = 0
    has_started: bool = False

    @property
    def table(self) -> Path:
        return self.folder / "results.csv"

    @property
    def json_lines(self) -> Path:
        return self.folder / "results.jsonl"

    @property
    def reports(self) -> Path:
        return self.folder / "reports.zip"

    @property
    def counts(self) -> Counter[str]:
        """Number of films for each label, and number of failures under `results.FAILED`."""
        return Counter(
            results.FAILED if isinstance(row.result, Failure) else row.result.label for row in list(self.rows)
        )


class Jobs:
    """All batches of the page by token. Tokens cannot be guessed. When the process ends, all files are deleted."""

    def __init__(self, predictor: Predictor) -> None:
        # One thread fewer than the page, and separate interpreters, so that a single film never waits for a batch.
        self._predictor = predictor.with_threads(max(1, predictor.threads - 1))
        self._tempdir = files.ProcessTempdir(Path(tempfile.gettempdir()), _PREFIX)
        self._root = self._tempdir.path
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def create(self, uploads: list[Upload], operating_point: str, age_group: str = age_groups.FROM_FILE) -> str:
        """Import the uploads as a new batch and return its token. The age group is that of all patients.

        Raises `UsageError` for an unknown operating point; `EmptyFile`, `TooLarge` or `UnreadableImage` if the uploads
        cannot be analysed; and `DiskFull`.
        """
        self._predictor.check_options(operating_point, None)
        check_uploads(uploads)
        token = secrets.token_hex(16)
        folder = self._root / token
        folder.mkdir()
        try:
            films = list(import_uploads(uploads, folder))
            if len(films) > MAX_FILMS:
                raise TooLarge(
                    f"Too many films for the page. Allowed: {MAX_FILMS:,}. Received: {len(films):,}. "
                    "The command `python -m pneumonia batch` has no limit."
                )
        except BaseException as error:
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, OSError) and files.is_disk_full(error):
                raise DiskFull("The disk of the server is full. Free space, then add the films again.") from None
            raise
        job = Job(folder, operating_point, films, age_group)
        with self._lock:
            self._jobs[token] = job
            self._start_timer(token, job, START_LIMIT_S)
        return token

    def get(self, token: str) -> Job:
        """Return the batch of `token`; raises `EmptyFile` if it was deleted."""
        job = self._jobs.get(token)  # one access, since a timer may delete the batch at any time
        if job is None:
            raise EmptyFile("This batch no longer exists. Add the films again.")
        return job

    def is_new(self, token: str) -> bool:
        """Return True if the batch of `token` exists and has not started."""
        job = self._jobs.get(token)
        return job is not None and not job.has_started

    def stop(self, token: str) -> None:
        """Stop a batch. Completed rows stay; the remaining films are skipped."""
        job = self._jobs.get(token)
        if job is not None:
            job.stop.set()

    def delete(self, token: str) -> None:
        """Stop a batch and delete its films and result files: at once, or when its active steps have ended."""
        with self._lock:
            job = self._jobs.pop(token, None)
            if job is None:
                return
            job.stop.set()
            is_idle = not job.active_steps
        if is_idle:
            self._discard(job)

    def run(self, token: str) -> Iterator[Job]:
        """Analyse the films of a batch; yields the batch after each film.

        Writes the same CSV and JSON lines as the command line. Raises `DiskFull`; the rows so far stay in the batch.
        """
        try:
            yield from self._run(token)
        except DiskFull:  # its message names a file of the server, and an option of the command line
            raise DiskFull(
                "The disk of the server is full, so the batch has ended; the table shows its rows so far. Free space, "
                "then add the films again."
            ) from None

    def _run(self, token: str) -> Iterator[Job]:
        with self._active_step(token) as job, request_log.batch("page") as logged_results:
            job.has_started = True
            options = TableOptions(self._predictor.identity, job.operating_point)
            with results.open_table(job.table, options, jsonl=True, for_excel=True) as table:
                try:
                    for outcome in self._predictor.map_films(_films_until_stopped(job), self._row_maker(job)):
                        row = BatchRow(outcome) if isinstance(outcome, Failure) else outcome
                        table.add(row.result)
                        job.rows.append(row)
                        logged_results.append(row.result)
                        yield job
                finally:
                    table.finish()  # even after an error such as a full disk

    def make_reports(self, token: str) -> Iterator[int]:
        """Write a ZIP with a PDF report for each film that has a prediction; yields the number of films done so far."""
        with self._active_step(token) as job:
            job.stop.clear()
            number = 0
            with files.atomic_path(job.reports) as partial, zipfile.ZipFile(partial, "w") as archive:
                for number, (film, page) in enumerate(zip(job.films, self._report_pages(job), strict=False), start=1):
                    if isinstance(page, bytes):
                        archive.writestr(_report_name(number, film.name), page)
                    yield number

    @contextmanager
    def _active_step(self, token: str) -> Iterator[Job]:
        """Context of a step that uses the batch. It prevents deletion meanwhile, and restarts the retention time."""
        with self._lock:  # the batch cannot be deleted between its lookup and the start of the step
            job = self.get(token)
            job.active_steps += 1
            if job.timer is not None:
                job.timer.cancel()
        try:
            yield job
        finally:
            self._end_step(token, job)

    def _end_step(self, token: str, job: Job) -> None:
        """Start the retention time after the last active step; if the batch was deleted meanwhile, delete its files."""
        with self._lock:
            job.active_steps -= 1
            is_idle = not job.active_steps
            is_deleted = self._jobs.get(token) is not job
            if is_idle and not is_deleted:
                self._start_timer(token, job, settings.RETENTION_S.read())
        if is_idle and is_deleted:
            self._discard(job)

    def _start_timer(self, token: str, job: Job, seconds: float) -> None:
        job.timer = threading.Timer(seconds, self._expire, [token])
        job.timer.daemon = True
        job.timer.start()

    def _expire(self, token: str) -> None:
        """Delete a batch whose retention time ended, unless a step started at the same moment."""
        with self._lock:
            job = self._jobs.get(token)
            if job is None or job.active_steps:
                return
            del self._jobs[token]
        self._discard(job)

    def _discard(self, job: Job) -> None:
        if job.timer is not None:
            job.timer.cancel()
        job.films.clear()
        job.rows.clear()
        if not files.delete_tree(job.folder):  # Windows deletes no file while it is downloaded
            job.timer = threading.Timer(RETRY_DELETION_S, self._discard, [job])
            job.timer.daemon = True
            job.timer.start()

    def _row_maker(self, job: Job) -> Callable[[Source, str | None], BatchRow]:
        def make_row(source: Source, name: str | None) -> BatchRow:
            reading = age_groups.read(self._predictor, source, job.age_group)
            prediction = self._predictor.decide(reading, job.operating_point, file=name)
            return BatchRow(prediction, _thumbnail(imaging.to_display(reading.film)))

        return make_row

    def _report_pages(self, job: Job) -> Iterator[bytes | Failure]:
        def render_page(source: Source, _: str | None) -> bytes:
            reading = age_groups.read(self._predictor, source, job.age_group)
            return pdf_report.render_pdf(
                reading.display(source),
                self._predictor.decide(reading, job.operating_point),
                reading.activation,
                area=reading.area,
                lung_field=reading.lung_field,
                bundle=self._predictor.model_of(reading).bundle,
            )

        return self._predictor.map_films(_films_until_stopped(job, len(job.rows)), render_page)


def _films_until_stopped(job: Job, limit: int | None = None) -> Iterator[NamedFilm]:
    """The first `limit` films of the batch (None: all), until the batch is stopped."""
    for film in job.films[:limit]:
        if job.stop.is_set():
            return
        yield film


def _thumbnail(film: Any) -> str:
    thumbnail = Image.fromarray(film)
    thumbnail.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    buffer = io.BytesIO()
    thumbnail.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _report_name(number: int, film: str) -> str:
    """File name of a report in the ZIP: row number, and the safe characters of the film's name, at most 80."""
    stem = re.sub(r"[^\w.-]+", "-", PurePosixPath(film.replace("\\", "/")).stem)[:80].strip("-.")
    return f"{number:04d}-{stem or 'film'}.pdf"
