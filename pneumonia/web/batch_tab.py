"""The tab for many films: upload films, run and stop a batch, sort its table, download its files."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, TypeVar

import gradio as gr

from .. import imaging, settings
from ..errors import InternalError, PneumoniaError
from ..inference.decision import DEFAULT_POINT
from ..inference.predictor import Predictor
from . import age_groups, batch_text
from .batch_job import MAX_FILMS, Job, Jobs
from .server.upload import Upload, film_file

BATCH_CONCURRENCY: dict[str, Any] = {"concurrency_id": "batches", "concurrency_limit": 2}
"""Concurrency group of batches, on page and API (`/predict_batch`): two run at a time, others wait. Single films are in
the same bounded queue but in another group (`film_tab.FILM_CONCURRENCY_ID`), so they do not wait for batches."""

UPDATE_INTERVAL_S = 0.5
"""Minimum seconds between two updates of the growing table. 1 ms per row is added, because an update sends all rows."""

_PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}

Step = TypeVar("Step")
Update = dict[Any, Any]


def add(predictor: Predictor) -> None:
    """Build the tab inside the `gr.Tabs` that is open."""
    with gr.Tab("Many films", id="batch"):
        _BatchTab(predictor)


class _BatchTab:
    """The tab's components and their event handlers."""

    def __init__(self, predictor: Predictor) -> None:
        self._jobs = Jobs(predictor)
        self._lay_out_input(list(predictor.point_names))
        self._lay_out_table()
        self._lay_out_downloads()
        self._token = gr.State("", delete_callback=self._jobs.delete)
        self._connect()

    def _lay_out_input(self, points: list[str]) -> None:
        limits = f"{settings.MAX_UPLOAD_MB.read():,} MB in total, {settings.MAX_FILE_MB.read()} MB per film"
        gr.Markdown(
            f"Drop several films or a ZIP: up to {MAX_FILMS:,} films, {limits}. Each film gets one row; a file that "
            "cannot be read gets an error row. Keep this page open until the batch is complete."
        )
        with gr.Row():
            self._films = film_file(
                label=f"Films: {imaging.FORMATS}, or ZIP", file_count="multiple", elem_id="batch-films", height=170
            )
            with gr.Column(min_width=260):
                self._age = gr.Radio(
                    age_groups.CHOICES,
                    value=age_groups.FROM_FILE,
                    label=f"{age_groups.LABEL}, all films",
                    elem_id="ages",
                )
                self._point = gr.Radio(points, value=DEFAULT_POINT, label="Operating point")
                with gr.Row():
                    self._start = gr.Button("Analyse all", variant="primary", elem_id="batch-start")
                    self._stop = gr.Button("Stop", variant="stop", interactive=False, elem_id="batch-stop")

    def _lay_out_table(self) -> None:
        self._progress = gr.HTML(elem_id="batch-progress")
        self._table = gr.Dataframe(
            headers=[column.header for column in batch_text.COLUMNS],
            datatype=[column.datatype for column in batch_text.COLUMNS],
            interactive=False,
            wrap=True,
            max_height=620,
            column_widths=[f"{column.width_px}px" for column in batch_text.COLUMNS],
            label=batch_text.LABEL,
            show_search="search",
            elem_id="batch-table",
            visible=False,
        )
        self._legend = gr.Markdown(batch_text.LEGEND, visible=False)

    def _lay_out_downloads(self) -> None:
        with gr.Row():
            self._csv = gr.DownloadButton("CSV", visible=False, elem_id="batch-csv")
            self._json_lines = gr.DownloadButton("JSON lines", visible=False, elem_id="batch-jsonl")
            self._make_reports = gr.Button("Make reports (PDF)", visible=False, elem_id="batch-make")
            self._reports = gr.DownloadButton("Reports (ZIP)", visible=False, elem_id="batch-reports")

    def _connect(self) -> None:
        inputs = [self._films, self._point, self._age, self._token]
        created = self._start.click(self._create, inputs, [self._token, *self._outputs], queue=False, **_PRIVATE)
        emptied = created.then(lambda: None, None, self._films, queue=False, **_PRIVATE)
        emptied.then(self._run, self._token, self._outputs, **_PRIVATE, **BATCH_CONCURRENCY)
        self._make_reports.click(self._run_reports, self._token, self._outputs, **_PRIVATE, **BATCH_CONCURRENCY)
        self._stop.click(self._jobs.stop, self._token, None, queue=False, **_PRIVATE)

    @property
    def _outputs(self) -> list[Any]:
        """All components that a handler may update.

        The film upload is not one of them: if a handler does not update an output, Gradio builds it anew, and the
        upload would become a plain `gr.File`.
        """
        return [self._progress, self._table, self._legend, self._start, self._stop, *self._file_buttons]

    @property
    def _file_buttons(self) -> list[Any]:
        return [self._csv, self._json_lines, self._make_reports, self._reports]

    def _buttons(self, *, is_running: bool) -> Update:
        return {
            self._start: gr.update(interactive=not is_running),
            self._stop: gr.update(interactive=is_running),
        }

    def _create(self, uploads: list[Upload], point: str, age_group: str, previous_token: str) -> Update:
        try:
            token = self._jobs.create(uploads, point, age_group)
        except Exception as error:
            return {self._progress: _error_message(error)}
        self._jobs.delete(previous_token)
        hidden = dict.fromkeys(self._file_buttons, gr.update(visible=False))
        table = {self._table: gr.update(value=[], visible=True), self._legend: gr.update(visible=True)}
        progress = {self._token: token, self._progress: batch_text.waiting()}
        return {**progress, **table, **hidden, **self._buttons(is_running=True)}

    def _run(self, token: str) -> Iterator[Update]:
        if not self._jobs.is_new(token):
            yield {self._progress: gr.skip()}  # without a yield, Gradio would clear all outputs, including an error
            return
        job, started_at, message = self._jobs.get(token), time.monotonic(), ""
        try:
            for _ in _throttle(self._jobs.run(token)):
                bar = batch_text.bar(len(job.rows), len(job.films), "films", time.monotonic() - started_at)
                yield {self._progress: bar, self._table: batch_text.cells(job)}
        except Exception as error:
            message = _error_message(error)
        yield {
            self._progress: message + _summary(job),
            self._table: batch_text.cells(job),
            self._make_reports: gr.update(visible=bool(job.rows), interactive=True),
            **self._table_downloads(job),
            **self._buttons(is_running=False),
        }

    def _table_downloads(self, job: Job) -> Update:
        files = {self._csv: job.table, self._json_lines: job.json_lines}
        return {button: gr.update(value=path, visible=True) for button, path in files.items() if path.exists()}

    def _run_reports(self, token: str) -> Iterator[Update]:
        yield {self._make_reports: gr.update(interactive=False), **self._buttons(is_running=True)}
        started_at = time.monotonic()
        try:
            job = self._jobs.get(token)
            for count in _throttle(self._jobs.make_reports(token)):
                yield {self._progress: batch_text.bar(count, len(job.rows), "reports", time.monotonic() - started_at)}
        except Exception as error:
            retry = {self._make_reports: gr.update(interactive=True)}
            yield {self._progress: _error_message(error), **retry, **self._buttons(is_running=False)}
            return
        yield {
            self._progress: _summary(job),
            self._reports: gr.update(value=job.reports, visible=True),
            self._make_reports: gr.update(visible=False),
            **self._buttons(is_running=False),
        }


def _throttle(steps: Iterator[Step]) -> Iterator[Step]:
    """Drops steps, so that the browser is not overloaded; the interval between steps grows with the number of rows."""
    last_update = 0.0
    for row_count, step in enumerate(steps):
        if time.monotonic() - last_update > UPDATE_INTERVAL_S + row_count / 1000:
            yield step
            last_update = time.monotonic()


def _summary(job: Job) -> str:
    return batch_text.summary(job, settings.RETENTION_S.read() / 60)


def _error_message(error: Exception) -> str:
    return batch_text.error_message(error if isinstance(error, PneumoniaError) else InternalError.from_exception(error))
