"""The steps of a batch: analysis of its films, a second attempt for failed films, reports. Each is a generator."""

from __future__ import annotations

import base64
import io
import re
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from PIL import Image

from .. import files, imaging
from ..batch import results
from ..batch.rows import TableOptions
from ..imaging import Source
from ..inference.decision import Failure
from ..inference.named_film import NamedFilm
from ..inference.predictor import Observer, Predictor
from ..languages import current_language, use_language
from ..monitoring.recorder import observer
from ..reporting import pdf_report
from . import age_groups
from .batch_record import BatchJob, BatchRow
from .server import request_log

BATCH = "batch"
"""Source of the films of a batch in the counts of `monitoring`; the command `batch` has the same."""

THUMBNAIL_SIDE = 48
"""Longest side of a thumbnail in pixels: enough to distinguish films, at 1 KB each."""


def analyse(predictor: Predictor, job: BatchJob) -> Iterator[int]:
    """Analyse the films of a batch; yields the number of rows after each film. Raises `DiskFull`; the rows stay.

    Writes the same CSV and JSON lines as the command line.
    """
    job.table_folder.mkdir(exist_ok=True)
    with request_log.batch("page") as logged_results, _open_table(predictor, job) as table:
        try:
            for row in _rows(predictor, job, job.films):
                table.add(row.result)
                job.add_row(row)
                logged_results.append(row.result)
                yield len(job.rows)
        finally:
            table.finish()  # even after an error such as a full disk


def try_again(predictor: Predictor, job: BatchJob, indices: Sequence[int]) -> Iterator[int]:
    """Read and score the films of these rows again; yields the number of films done after each.

    Afterwards the tables are written anew, and the reports, which lack the new answers, are deleted. A row whose film
    was not reached before a stop stays as it is.
    """
    with request_log.batch("page") as logged_results:
        films = [job.films[index] for index in indices]
        for count, (index, row) in enumerate(zip(indices, _rows(predictor, job, films), strict=False), start=1):
            job.replace_row(index, row)
            logged_results.append(row.result)
            yield count
        _rewrite_tables(predictor, job)
        job.reports.unlink(missing_ok=True)


def _rewrite_tables(predictor: Predictor, job: BatchJob) -> None:
    """Write the tables of all rows into a new folder, then delete the previous ones, which may be in a download."""
    previous_folder = job.table_folder
    job.table_number += 1
    try:
        job.table_folder.mkdir()
        with _open_table(predictor, job) as table:
            for row in job.rows:
                table.add(row.result)
            table.finish()
    except BaseException:
        job.table_number -= 1
        raise
    shutil.rmtree(previous_folder, ignore_errors=True)


def write_reports(predictor: Predictor, job: BatchJob) -> Iterator[int]:
    """Write a ZIP with a PDF report for each film that has a prediction; yields the number of films done so far."""
    number = 0
    with files.atomic_path(job.reports) as partial, zipfile.ZipFile(partial, "w") as archive:
        pages = _report_pages(predictor, job)
        for number, (film, page) in enumerate(zip(job.films, pages, strict=False), start=1):
            if isinstance(page, bytes):
                archive.writestr(_report_name(number, film.name), page)
            yield number


def _open_table(predictor: Predictor, job: BatchJob) -> Any:
    options = TableOptions(predictor.identity, job.operating_point)
    return results.open_table(job.table, options, jsonl=True, for_excel=True)


def _rows(predictor: Predictor, job: BatchJob, films: Iterable[NamedFilm]) -> Iterator[BatchRow]:
    observe = observer(BATCH)
    for outcome in predictor.map_films(_until_stopped(job, films), _row_maker(predictor, job, observe)):
        if observe is not None and isinstance(outcome, Failure):
            observe(outcome, None)
        yield BatchRow(outcome) if isinstance(outcome, Failure) else outcome


def _row_maker(
    predictor: Predictor, job: BatchJob, observe: Observer | None
) -> Callable[[Source, str | None], BatchRow]:
    def make_row(source: Source, name: str | None) -> BatchRow:
        reading = age_groups.read(predictor, source, job.age_group)
        prediction = predictor.decide(reading, job.operating_point, file=name)
        if observe is not None:
            observe(prediction, reading)
        return BatchRow(prediction, _thumbnail(imaging.to_display(reading.film)))

    return make_row


def _report_pages(predictor: Predictor, job: BatchJob) -> Iterator[bytes | Failure]:
    language = current_language()  # that of the request; the threads of `map_films` do not inherit it

    def render_page(source: Source, _: str | None) -> bytes:
        with use_language(language):
            return page_of(source)

    def page_of(source: Source) -> bytes:
        reading = age_groups.read(predictor, source, job.age_group)
        return pdf_report.render_pdf(
            reading.display(source),
            predictor.decide(reading, job.operating_point),
            reading.activation,
            area=reading.area,
            lung_field=reading.lung_field,
            bundle=predictor.model_of(reading).bundle,
        )

    return predictor.map_films(_until_stopped(job, job.films[: len(job.rows)]), render_page)


def _until_stopped(job: BatchJob, films: Iterable[NamedFilm]) -> Iterator[NamedFilm]:
    for film in films:
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
