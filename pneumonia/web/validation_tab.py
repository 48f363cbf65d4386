"""The tab for a site's own labelled films: films, labels, question, result with downloads."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from .. import imaging, settings
from ..errors import EmptyFile, InternalError, PneumoniaError
from ..inference.decision import DEFAULT_POINT
from ..inference.predictor import Predictor
from ..messages import message
from ..validation import report_folder
from ..validation.evaluate import Question
from ..validation.goal import DEFAULT_SENSITIVITY, Goal
from ..validation.label_table import AGE, FILE, GROUP, LABEL, ROLES, SEX, SITE, guess_columns
from . import answer_panel, validation_text
from .batch_job import MAX_FILMS
from .lane import Lane
from .server.upload import Upload, film_file
from .validation_job import ALL_FILES, SITE_FILE, Labels, ValidationJobs, read_label_table

_CONCURRENCY: dict[str, Any] = {"concurrency_id": "validations", "concurrency_limit": 8}
"""Concurrency group of the runs, which wait for their turn in the lane of the batches."""

UPDATE_INTERVAL_S = 0.5
"""Minimum seconds between two updates of the progress bar."""

FOLDERS, TABLE = "folders", "table"
SENSITIVITY, COST = "sensitivity", "cost"
DEFAULT_COST_RATIO = 10.0
_GOAL_LABELS = {SENSITIVITY: message("Sensitivity, %"), COST: message("False alarms per missed pneumonia")}

_PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}

_COLUMN_LABELS = {
    FILE: message("Column with the file"),
    LABEL: message("Column with the label"),
    AGE: message("Column with the age (optional)"),
    GROUP: message("Column with the patient (optional)"),
    SITE: message("Column with the site (optional)"),
    SEX: message("Column with the sex (optional)"),
}

_DOWNLOADS = {
    report_folder.PDF: message("Report (PDF)"),
    report_folder.HTML: message("Report (HTML)"),
    report_folder.FILMS: message("Films (CSV)"),
    report_folder.FIGURES: message("Figures (JSON)"),
    SITE_FILE: message("Site file (JSON)"),
    ALL_FILES: message("All files (ZIP)"),
}

Update = dict[Any, Any]


def add(predictor: Predictor, lane: Lane) -> None:
    """Build the tab inside the `gr.Tabs` that is open. `lane` is that of the batches."""
    with gr.Tab(message("Your own films"), id="validation"), gr.Column(elem_id="validation"):
        _ValidationTab(predictor, lane)


class _ValidationTab:
    """The tab's components and their event handlers."""

    def __init__(self, predictor: Predictor, lane: Lane) -> None:
        self._jobs = ValidationJobs(predictor, lane)
        self._lay_out_films()
        self._lay_out_labels()
        self._lay_out_question([(answer_panel.point_title(name), name) for name in predictor.point_names])
        self._lay_out_result()
        self._token = gr.State("", delete_callback=self._jobs.delete)
        self._connect()

    def _lay_out_films(self) -> None:
        gr.Markdown(
            message(
                "Check the models on films whose truth you know, before you use them. At least 50 normal films and 50 "
                "with pneumonia are needed for a judgement; about 200 of each give narrow intervals. Keep this "
                "page open until the report is complete. Nothing is kept but what you download."
            )
        )
        gr.Markdown(message("## 1. Films"))
        self._films = film_file(
            label=message(
                "Films: {formats}, or ZIP; up to {films:,} films and {megabytes:,} MB",
                formats=imaging.FORMATS,
                films=MAX_FILMS,
                megabytes=settings.MAX_UPLOAD_MB.read(),
            ),
            file_count="multiple",
            elem_id="validation-films",
            height=150,
        )

    def _lay_out_labels(self) -> None:
        gr.Markdown(message("## 2. Labels"))
        choices = [
            (message("From folder names in the ZIP: NORMAL and PNEUMONIA"), FOLDERS),
            (message("From a table (CSV)"), TABLE),
        ]
        self._source = gr.Radio(choices, value=FOLDERS, label=message("Labels"), elem_id="validation-source")
        # The column is shown and hidden, not the upload: Gradio builds an updated component anew, as a plain `gr.File`.
        with gr.Column(visible=False) as self._table_column:
            self._table = film_file(label=message("Table (CSV)"), elem_id="validation-table", height=110)
        with gr.Row(visible=False, elem_id="validation-columns") as self._column_row:
            self._columns = {
                role: gr.Dropdown([], label=label, min_width=200, allow_custom_value=False, filterable=False)
                for role, label in _COLUMN_LABELS.items()
            }
        self._check = gr.Button(message("Check the labels"), size="sm", elem_id="validation-check")
        self._preview = gr.HTML(elem_id="validation-preview", apply_default_css=False)

    def _lay_out_question(self, points: list[tuple[str, str]]) -> None:
        gr.Markdown(message("## 3. Question"))
        with gr.Row():
            self._point = gr.Radio(
                points, value=DEFAULT_POINT, label=message("Operating point to judge"), elem_id="validation-point"
            )
            self._prevalence = gr.Number(
                None,
                minimum=0,
                maximum=100,
                label=message("Your patients with pneumonia, % (0: as among the films)"),
                elem_id="validation-prevalence",
            )
        with gr.Row():
            goals = [
                (message("A sensitivity of at least this many percent"), SENSITIVITY),
                (message("A missed pneumonia costs this many false alarms"), COST),
            ]
            self._goal = gr.Radio(
                goals, value=SENSITIVITY, label=message("Goal of the local threshold"), elem_id="goal"
            )
            self._goal_value = gr.Number(
                100 * DEFAULT_SENSITIVITY, minimum=0, label=_GOAL_LABELS[SENSITIVITY], elem_id="goal-value"
            )
            self._site = gr.Textbox(label=message("Name of your site (optional)"), max_length=80, elem_id="site-name")
        with gr.Row():
            self._start = gr.Button(message("Start the check"), variant="primary", elem_id="validation-start")
            self._stop = gr.Button(message("Stop"), variant="stop", visible=False, elem_id="validation-stop")

    def _lay_out_result(self) -> None:
        self._progress = gr.HTML(elem_id="validation-progress", apply_default_css=False)
        with gr.Row(elem_id="validation-downloads"):
            self._files = {
                name: gr.DownloadButton(label, visible=False, size="sm", min_width=120)
                for name, label in _DOWNLOADS.items()
            }
        self._result = gr.HTML(elem_id="validation-result", apply_default_css=False)

    def _connect(self) -> None:
        self._source.change(
            self._show_table, self._source, [self._table_column, self._column_row], queue=False, **_PRIVATE
        )
        column_outputs = [self._column_row, *self._columns.values(), self._preview]
        self._table.upload(self._read_header, self._table, column_outputs, queue=False, **_PRIVATE)
        self._goal.change(self._default_goal, self._goal, self._goal_value, queue=False, **_PRIVATE)
        question = [self._point, self._prevalence, self._goal, self._goal_value, self._site]
        inputs = [self._films, self._source, self._table, *self._columns.values(), *question, self._token]
        self._check.click(self._check_labels, inputs, self._preview, queue=False, **_PRIVATE)
        started = self._start.click(self._create, inputs, [self._token, *self._outputs], queue=False, **_PRIVATE)
        started.then(self._run, self._token, self._outputs, **_PRIVATE, **_CONCURRENCY)
        self._stop.click(self._jobs.stop, self._token, None, queue=False, **_PRIVATE)

    @property
    def _outputs(self) -> list[Any]:
        """All components that a run updates."""
        return [self._preview, self._progress, self._result, self._start, self._stop, *self._files.values()]

    def _show_table(self, source: str) -> Update:
        is_table = source == TABLE
        return {self._table_column: gr.update(visible=is_table), self._column_row: gr.update(visible=False)}

    def _read_header(self, upload: Upload | None) -> Update:
        """Fill the dropdowns with the columns of the table; a usual name is selected."""
        try:
            table = read_label_table(upload)
        except Exception as error:
            return {self._column_row: gr.update(visible=False), self._preview: _error_message(error)}
        if table is None:
            return {self._column_row: gr.update(visible=False)}
        guessed = guess_columns(table)
        choices = [("-", ""), *((name, name) for name in table.columns)]
        updates = {
            dropdown: gr.update(choices=choices, value=guessed.get(role, ""))
            for role, dropdown in self._columns.items()
        }
        return {self._column_row: gr.update(visible=True), self._preview: "", **updates}

    def _default_goal(self, goal: str) -> Any:
        value = 100 * DEFAULT_SENSITIVITY if goal == SENSITIVITY else DEFAULT_COST_RATIO
        return gr.update(value=value, label=_GOAL_LABELS[goal])

    def _check_labels(self, *inputs: Any) -> Update:
        uploads, source, table, *rest = inputs
        try:
            selection = self._jobs.preview(uploads, self._labels(source, table, rest[: len(ROLES)]))
        except Exception as error:
            return {self._preview: _error_message(error)}
        return {self._preview: validation_text.preview(selection)}

    def _create(self, *inputs: Any) -> Update:
        try:
            token = self._new_job(*inputs)
        except Exception as error:
            return {self._progress: _error_message(error)}
        hidden = dict.fromkeys(self._files.values(), gr.update(visible=False))
        job = self._jobs.get(token)
        texts = {self._preview: validation_text.preview(job.selection), self._result: ""}
        progress = {self._token: token, self._progress: validation_text.waiting()}
        return {**progress, **texts, **hidden, **self._buttons(is_running=True)}

    def _new_job(self, uploads: list[Upload], source: str, table: Upload | None, *rest: Any) -> str:
        """Create a validation in place of the previous one; returns its token."""
        chosen, (point, prevalence, goal, value, site, previous) = rest[: len(ROLES)], rest[len(ROLES) :]
        labels = self._labels(source, table, chosen)
        question = Question(point, _goal(goal, value), prevalence / 100 if prevalence else None, (site or "").strip())
        token = self._jobs.create(uploads, labels, question)
        self._jobs.delete(previous)
        return token

    def _labels(self, source: str, table: Upload | None, columns: Sequence[str | None]) -> Labels:
        """Where the labels come from; raises `EmptyFile` if the table is missing."""
        if source == FOLDERS:
            return Labels()
        if table is None:
            raise EmptyFile(message("No table was given. Add a CSV with a row for each film."))
        return Labels(table.path, dict(zip(self._columns, (name or None for name in columns), strict=True)))

    def _buttons(self, *, is_running: bool) -> Update:
        return {
            self._start: gr.update(interactive=not is_running),
            self._stop: gr.update(visible=is_running),
        }

    def _run(self, token: str) -> Iterator[Update]:
        if not self._jobs.is_new(token):
            yield {self._progress: gr.skip()}  # without a yield, Gradio would clear all outputs, including an error
            return
        job, text, last_update = self._jobs.get(token), "", 0.0
        try:
            for _ in self._jobs.run(token):
                if time.monotonic() - last_update > UPDATE_INTERVAL_S:
                    total = len(job.selection.films)
                    yield {self._progress: validation_text.progress(len(job.results), total)}
                    last_update = time.monotonic()
        except Exception as error:
            text = _error_message(error)
        downloads = job.downloads
        yield {
            self._progress: text or validation_text.summary(job),
            self._result: validation_text.result(job),
            **{self._files[name]: gr.update(value=path, visible=True) for name, path in downloads.items()},
            **self._buttons(is_running=False),
        }


def _goal(kind: str, value: float | None) -> Goal:
    number = float(value or 0)
    return Goal(sensitivity=number / 100) if kind == SENSITIVITY else Goal(cost_ratio=number)


def _error_message(error: Exception) -> str:
    return validation_text.error_message(
        error if isinstance(error, PneumoniaError) else InternalError.from_exception(error)
    )
