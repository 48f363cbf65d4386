"""The tab for many films: drop them, watch the table fill, stop, sort, take the files home."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import gradio as gr

from .. import imaging, settings
from ..errors import InternalError, PneumoniaError
from ..inference.decision import DEFAULT_POINT
from ..inference.predictor import Predictor
from . import batch_text
from .batch_job import MAX_FILMS, Job, Jobs
from .server.upload import Upload, film_file

BATCH_CONCURRENCY: dict[str, Any] = {"concurrency_id": "batches", "concurrency_limit": 2}
"""Long work has a lane of its own in the one bounded queue, for two at a time: others wait, and single films, in the
lane beside it, pass by. `/predict_batch` belongs here too."""

PAUSE_S = 0.5
"""Seconds between two looks at the table while it fills, and one more for each thousand rows: a look sends them all."""

Step = TypeVar("Step")
Update = dict[Any, Any]


def add(predictor: Predictor) -> None:
    """Build the tab inside the `gr.Tabs` that is open."""
    jobs = Jobs(predictor)
    limits = f"{settings.MAX_UPLOAD_MB.read():,} MB together, {settings.MAX_FILE_MB.read()} MB a film"
    with gr.Tab("Many films", id="batch"):
        gr.Markdown(
            f"Drop many films, or a ZIP of them: up to {MAX_FILMS:,}, {limits}. Each gets a row, one that cannot be "
            "read an error row. Keep this page open until it is done."
        )
        with gr.Row():
            films = film_file(
                label=f"Films: {imaging.FORMATS}, or ZIP", file_count="multiple", elem_id="batch-films", height=170
            )
            with gr.Column(min_width=260):
                point = gr.Radio(list(predictor.operating_points), value=DEFAULT_POINT, label="Operating point")
                with gr.Row():
                    start = gr.Button("Judge all", variant="primary", elem_id="batch-start")
                    stop = gr.Button("Stop", variant="stop", interactive=False, elem_id="batch-stop")
        progress = gr.HTML(elem_id="batch-progress")
        table = gr.Dataframe(
            headers=batch_text.HEADERS,
            datatype=batch_text.TYPES,
            interactive=False,
            wrap=True,
            max_height=620,
            column_widths=["64px", "80px", "150px", "150px", "260px", "420px"],
            label=batch_text.LABEL,
            show_search="search",
            elem_id="batch-table",
            visible=False,
        )
        legend = gr.Markdown(batch_text.LEGEND, visible=False)
        with gr.Row():
            csv = gr.DownloadButton("CSV", visible=False, elem_id="batch-csv")
            json_lines = gr.DownloadButton("JSON lines", visible=False, elem_id="batch-jsonl")
            make = gr.Button("Make reports (PDF)", visible=False, elem_id="batch-make")
            reports = gr.DownloadButton("Reports (ZIP)", visible=False, elem_id="batch-reports")
        token = gr.State("", delete_callback=jobs.forget)
        # Without the films: what a handler leaves out of its answer gradio makes anew, as a plain `gr.File`.
        shown = [progress, table, legend, start, stop, csv, json_lines, make, reports]

    at_rest = {start: gr.update(interactive=True), stop: gr.update(interactive=False)}
    at_work = {start: gr.update(interactive=False), stop: gr.update(interactive=True)}

    def begin(uploads: list[Upload], point: str, before: str) -> Update:
        try:
            begun = jobs.begin(uploads, point)
        except Exception as error:
            return {progress: _sorry(error)}
        jobs.forget(before)
        hidden = dict.fromkeys((csv, json_lines, make, reports), gr.update(visible=False))
        seen = {table: gr.update(value=[], visible=True), legend: gr.update(visible=True)}
        return {token: begun, progress: batch_text.WAITING, **seen, **hidden, **at_work}

    def run(begun: str) -> Iterator[Update]:
        if not jobs.is_new(begun):
            yield {progress: gr.skip()}  # an end without a word would empty every output, the error too
            return
        job, began, trouble = jobs.get(begun), time.monotonic(), ""
        try:
            for _ in _now_and_then(jobs.run(begun)):
                line = batch_text.bar(len(job.seen), len(job.films), "films", time.monotonic() - began)
                yield {progress: line, table: batch_text.cells(job)}
        except Exception as error:
            trouble = _sorry(error)
        files = {button: gr.update(value=path, visible=True) for button, path in done_files(job)}
        offer = {make: gr.update(visible=bool(job.seen), interactive=True)}
        yield {progress: trouble + _done(job), table: batch_text.cells(job), **files, **offer, **at_rest}

    def done_files(job: Job) -> list[tuple[Any, Path]]:
        return [(button, path) for button, path in ((csv, job.table), (json_lines, job.json_lines)) if path.exists()]

    def make_reports(begun: str) -> Iterator[Update]:
        yield {make: gr.update(interactive=False), **at_work}
        began = time.monotonic()
        try:
            job = jobs.get(begun)
            for number in _now_and_then(jobs.report(begun)):
                yield {progress: batch_text.bar(number, len(job.seen), "reports", time.monotonic() - began)}
        except Exception as error:
            yield {progress: _sorry(error), make: gr.update(interactive=True), **at_rest}
            return
        file = {reports: gr.update(value=job.reports, visible=True), make: gr.update(visible=False)}
        yield {progress: _done(job), **file, **at_rest}

    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    begun = start.click(begin, [films, point, token], [token, *shown], queue=False, **private)
    begun.then(lambda: None, None, films, queue=False, **private).then(
        run, token, shown, **private, **BATCH_CONCURRENCY
    )
    make.click(make_reports, token, shown, **private, **BATCH_CONCURRENCY)
    stop.click(jobs.stop, token, None, queue=False, **private)


def _now_and_then(steps: Iterator[Step]) -> Iterator[Step]:
    """The steps worth showing: not more than the browser can follow."""
    looked = 0.0
    for number, step in enumerate(steps):
        if time.monotonic() - looked > PAUSE_S + number / 1000:
            yield step
            looked = time.monotonic()


def _done(job: Job) -> str:
    return batch_text.done(job, settings.RETENTION_S.read() / 60)


def _sorry(error: Exception) -> str:
    return batch_text.error_message(error if isinstance(error, PneumoniaError) else InternalError.from_exception(error))
