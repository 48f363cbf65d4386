"""A batch on the page: its films in a folder of its own, its rows, its reports, and when all of it is deleted.

Gradio deletes an upload so long after it was made, also while it waits for its turn. So a batch takes its films over as
soon as it is asked for, and its time runs from the end of its work.
"""

from __future__ import annotations

import base64
import io
import os
import re
import secrets
import shutil
import tempfile
import threading
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from PIL import Image

from .. import batch, files, imaging, settings
from ..batch import results, zip_members
from ..batch.rows import TableOptions
from ..errors import EmptyFile, TooLarge, UnreadableImage
from ..imaging import Source
from ..inference.decision import Failure, Prediction
from ..inference.named_film import NamedFilm
from ..inference.predictor import Predictor
from ..reporting import pdf_report
from .server import request_log
from .server.upload import Upload

MAX_FILMS = 5_000
"""Films of one batch: its table is in the browser's memory. More are the command line's work."""

_PREFIX = "pneumonia-batches-"

THUMBNAIL_SIDE = 48
"""Longest side in pixels: enough to tell one film from the next, and 1 KB."""


@dataclass(frozen=True)
class BatchRow:
    """A row of the page's table: the answer or failure, and a small picture as a data address, or nothing."""

    result: Prediction | Failure
    thumbnail: str = ""


@dataclass
class Job:
    """One batch. `seen` grows while it runs; `stop` is set by whoever wants it to end."""

    folder: Path
    operating_point: str
    films: list[NamedFilm]
    seen: list[BatchRow] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    clock: threading.Timer | None = None
    working: int = 0
    was_begun: bool = False

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
        """How many films got which answer."""
        return Counter(
            results.FAILED if isinstance(each.result, Failure) else each.result.label for each in list(self.seen)
        )


class Jobs:
    """The batches of a page by a token that cannot be guessed. What they hold goes with the process at the latest."""

    def __init__(self, predictor: Predictor) -> None:
        # One thread less than the page's, and interpreters of its own: a single film never waits for a batch.
        self._predictor = Predictor(predictor.bundle, max(1, predictor.threads - 1))
        self._own = files.ProcessTempdir(Path(tempfile.gettempdir()), _PREFIX)
        self._root = self._own.path
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def begin(self, uploads: list[Upload], operating_point: str) -> str:
        """Take the films over and return the batch's token; raises `PneumoniaError` where there is nothing to judge."""
        self._predictor.check_options(operating_point, None)
        _check_size(uploads)
        token = secrets.token_hex(16)
        folder = self._root / token
        folder.mkdir()
        try:
            films = list(_taken_over(uploads, folder))
            if len(films) > MAX_FILMS:
                raise TooLarge(
                    f"There are too many films for the page. Allowed: {MAX_FILMS:,}. Received: {len(films):,}. "
                    "The command `python -m pneumonia batch` takes any number."
                )
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self._jobs[token] = Job(folder, operating_point, films)
        return token

    def get(self, token: str) -> Job:
        """The batch of that token; raises `EmptyFile` where its time is over."""
        if token not in self._jobs:
            raise EmptyFile("There is no such batch any more. Add the films again.")
        return self._jobs[token]

    def is_new(self, token: str) -> bool:
        """Whether the batch of that token waits to be run."""
        return token in self._jobs and not self._jobs[token].was_begun

    def stop(self, token: str) -> None:
        """What is done stays; the films that wait are left."""
        if token in self._jobs:
            self._jobs[token].stop.set()

    def forget(self, token: str) -> None:
        """End a batch and delete what it holds, at once or as soon as its work has stopped."""
        job = self._jobs.pop(token, None)
        if job is None:
            return
        job.stop.set()
        with self._lock:
            idle = not job.working
        if idle:
            self._delete(job)

    def run(self, token: str) -> Iterator[Job]:
        """Judge the films of a batch; gives the batch after each. Its table is written as the command line's is."""
        with self._work(token) as job, request_log.batch("page") as done:
            job.was_begun = True
            asked = TableOptions(self._predictor.model, job.operating_point)
            with results.open_table(job.table, asked, jsonl=True) as kept:
                try:
                    for outcome in self._predictor.map_films(_until(job), self._look(job.operating_point)):
                        seen = BatchRow(outcome) if isinstance(outcome, Failure) else outcome
                        kept.add(seen.result)
                        job.seen.append(seen)
                        done.append(seen.result)
                        yield job
                finally:
                    kept.finish()  # also what was done before the disk was full

    def report(self, token: str) -> Iterator[int]:
        """Make the ZIP of reports of the films that have an answer; gives how many films are done after each."""
        with self._work(token) as job:
            job.stop.clear()
            number = 0
            with files.atomic_path(job.reports) as partial, zipfile.ZipFile(partial, "w") as archive:
                for number, (film, page) in enumerate(zip(job.films, self._pages(job), strict=False), start=1):
                    if isinstance(page, bytes):
                        archive.writestr(_report_name(number, film.name), page)
                    yield number

    @contextmanager
    def _work(self, token: str) -> Iterator[Job]:
        """While it lasts nothing of the batch is deleted; the time to its deletion runs from its end."""
        job = self.get(token)
        with self._lock:
            job.working += 1
            if job.clock is not None:
                job.clock.cancel()
        try:
            yield job
        finally:
            with self._lock:
                job.working -= 1
            self._wind_up(token, job)

    def _wind_up(self, token: str, job: Job) -> None:
        if self._jobs.get(token) is not job:
            self._delete(job)
            return
        job.clock = threading.Timer(settings.RETENTION_S.read(), self.forget, [token])
        job.clock.daemon = True
        job.clock.start()

    def _delete(self, job: Job) -> None:
        if job.clock is not None:
            job.clock.cancel()
        job.films.clear()
        job.seen.clear()
        shutil.rmtree(job.folder, ignore_errors=True)

    def _look(self, operating_point: str) -> Callable[[Source, str | None], BatchRow]:
        def look(source: Source, name: str | None) -> BatchRow:
            reading = self._predictor.read(source)
            prediction = self._predictor.decide(reading, operating_point, file=name)
            return BatchRow(prediction, _thumbnail(imaging.to_display(reading.film)))

        return look

    def _pages(self, job: Job) -> Iterator[bytes | Failure]:
        def page(source: Source, _: str | None) -> bytes:
            reading = self._predictor.read(source)
            prediction = self._predictor.decide(reading, job.operating_point)
            return pdf_report.render_pdf(reading.display(source), prediction, reading.activation)

        return self._predictor.map_films(_until(job, len(job.seen)), page)


def _until(job: Job, most: int | None = None) -> Iterator[NamedFilm]:
    """The batch's films until someone stops it."""
    for film in job.films[:most]:
        if job.stop.is_set():
            return
        yield film


def _check_size(uploads: list[Upload]) -> None:
    if not uploads:
        raise EmptyFile(f"No film was given. Allowed: {imaging.FORMATS}, or a ZIP with such files.")
    limit_mb = settings.MAX_UPLOAD_MB.read()
    try:
        total = sum(upload.path.stat().st_size for upload in uploads)
    except OSError:
        raise UnreadableImage("The films have waited too long and are deleted. Add them again.") from None
    if total > limit_mb * 1_000_000:
        raise TooLarge(
            f"The films are too large together. Allowed: {limit_mb:,} MB. Received: {total / 1e6:,.1f} MB. "
            "Make several batches."
        )


def _taken_over(uploads: Iterable[Upload], folder: Path) -> Iterator[NamedFilm]:
    """The films of the uploads, under numbers of our own in the batch's folder; a ZIP gives those inside it."""
    most_bytes = settings.MAX_UPLOAD_MB.read() * 1_000_000
    for number, upload in enumerate(uploads):
        # The ending stays, since a ZIP is told by it too.
        path = folder / f"{number}{'.zip' if upload.name.lower().endswith('.zip') else ''}"
        _link(upload.path, path)
        if zip_members.is_zip(path):
            yield from batch.films_in_zip(path, upload.name, max_bytes=most_bytes)
        else:
            yield NamedFilm(upload.name, path)


def _link(upload: Path, path: Path) -> None:
    """A second name for the upload: gradio may delete its own, and another batch may have the same film."""
    try:
        os.link(upload, path)
    except OSError:
        shutil.copyfile(upload, path)


def _thumbnail(film: Any) -> str:
    picture = Image.fromarray(film)
    picture.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _report_name(number: int, film: str) -> str:
    """The row's number and what is harmless of the film's name."""
    stem = re.sub(r"[^\w.-]+", "-", PurePosixPath(film.replace("\\", "/")).stem)[:80].strip("-.")
    return f"{number:04d}-{stem or 'film'}.pdf"
