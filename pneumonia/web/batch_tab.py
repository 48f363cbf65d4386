"""The tab for many films: upload films and start a batch. `batch_table.js` shows its progress, table and files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from .. import imaging, settings
from ..errors import InternalError, PneumoniaError
from ..inference.decision import DEFAULT_POINT
from ..inference.predictor import Predictor
from ..messages import message, number
from . import age_groups, answer_panel, batch_text
from .batch_job import MAX_FILMS, BatchJobs
from .rendering import localised
from .server import login
from .server.upload import Upload, film_file

BATCH_CONCURRENCY: dict[str, Any] = {"concurrency_id": "batches", "concurrency_limit": 2}
"""Concurrency group of the API's batches (`/predict_batch`). Page and API also share a lane of the same width
(`lane`). Single films are in the same bounded queue but in another group (`film_tab.FILM_CONCURRENCY_ID`), so
they do not wait for batches."""

_SCRIPT = "".join(
    (Path(__file__).parent / name).read_text(encoding="utf-8") for name in ("followed_job.js", "batch_table.js")
)
_PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


def add(predictor: Predictor) -> BatchJobs:
    """Build the tab inside the `gr.Tabs` that is open; return its batches."""
    with gr.Tab(message("Many films"), id="batch", elem_id="batch-tab"):
        return _BatchTab(predictor).jobs


class _BatchTab:
    """The tab's components and their event handlers."""

    def __init__(self, predictor: Predictor) -> None:
        self.jobs = BatchJobs(predictor)
        self._lay_out_input([(answer_panel.point_title(name), name) for name in predictor.point_names])
        minutes = settings.RETENTION_S.read() / 60
        self._table = gr.HTML(
            {},
            html_template=localised("batch_table.html", columns=batch_text.COLUMNS, minutes=number(minutes, "g")),
            js_on_load=_SCRIPT,
            apply_default_css=False,
            elem_id="batch",
        )
        inputs = [self._films, self._point, self._age]
        created = self._start.click(self._create, inputs, self._table, queue=False, **_PRIVATE)
        created.then(lambda: None, None, self._films, queue=False, **_PRIVATE)

    def _lay_out_input(self, points: list[tuple[str, str]]) -> None:
        gr.Markdown(
            message(
                "Drop several films or a ZIP: up to {films:,} films, {total:,} MB in total, {each:,} MB per film. Each "
                "film gets one row; a file that cannot be read gets an error row. You may close this page while the "
                "batch runs: its link brings you back.",
                films=MAX_FILMS,
                total=settings.MAX_UPLOAD_MB.read(),
                each=settings.MAX_FILE_MB.read(),
            )
        )
        with gr.Row():
            self._films = film_file(
                label=message("Films: {formats}, or ZIP", formats=imaging.FORMATS),
                file_count="multiple",
                elem_id="batch-films",
                height=170,
            )
            with gr.Column(min_width=260):
                self._age = gr.Radio(
                    age_groups.CHOICES,
                    value=age_groups.FROM_FILE,
                    label=message("Patient's age, all films"),
                    elem_id="ages",
                )
                self._point = gr.Radio(points, value=DEFAULT_POINT, label=message("Operating point"))
                self._start = gr.Button(message("Analyse all"), variant="primary", elem_id="batch-start")

    def _create(self, uploads: list[Upload], point: str, age_group: str, request: gr.Request) -> dict[str, str]:
        """Create and start a batch; the value for `batch_table.js`: its token, or an error as HTML."""
        owner = login.owner_name(request.username)
        try:
            token = self.jobs.create(uploads, point, age_group, owner)
        except Exception as error:
            return {"error": _error_message(error)}
        try:
            self.jobs.start(token, "films", owner)
        except PneumoniaError as error:
            self.jobs.delete(token)
            return {"error": _error_message(error)}
        return {"token": token}


def _error_message(error: Exception) -> str:
    return batch_text.error_message(error if isinstance(error, PneumoniaError) else InternalError.from_exception(error))
