"""The tab for a site's own labelled films: films, labels, question, result with downloads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from .. import imaging, settings
from ..errors import EmptyFile, InternalError, PneumoniaError
from ..inference.decision import DEFAULT_POINT
from ..inference.predictor import Predictor
from ..messages import message, number
from ..validation import report_folder
from ..validation.evaluate import Question
from ..validation.goal import DEFAULT_SENSITIVITY, Goal
from ..validation.label_table import AGE, FILE, GROUP, LABEL, ROLES, SEX, SITE, guess_columns
from . import answer_panel, batch_text, validation_text
from .batch_job import MAX_FILMS
from .lane import Lane
from .rendering import localised
from .server import login
from .server.upload import Upload, film_file
from .validation_job import ALL_FILES, SITE_FILE, Labels, ValidationJobs, read_label_table

_SCRIPT = "".join(
    (Path(__file__).parent / name).read_text(encoding="utf-8") for name in ("followed_job.js", "validation_panel.js")
)

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

DOWNLOADS = {
    report_folder.PDF: message("Report (PDF)"),
    report_folder.HTML: message("Report (HTML)"),
    report_folder.FILMS: message("Films (CSV)"),
    report_folder.FIGURES: message("Figures (JSON)"),
    SITE_FILE: message("Site file (JSON)"),
    ALL_FILES: message("All files (ZIP)"),
}

Update = dict[Any, Any]


def add(predictor: Predictor, lane: Lane) -> ValidationJobs:
    """Build the tab inside the `gr.Tabs` that is open; return its validations. Both arguments are those of batches."""
    with (
        gr.Tab(message("Your own films"), id="validation", elem_id="validation-tab"),
        gr.Column(elem_id="validation"),
    ):
        return _ValidationTab(predictor, lane).jobs


class _ValidationTab:
    """The tab's components and their event handlers."""

    def __init__(self, predictor: Predictor, lane: Lane) -> None:
        self.jobs = ValidationJobs(predictor, lane)
        self._lay_out_films()
        self._lay_out_labels()
        self._lay_out_question([(answer_panel.point_title(name), name) for name in predictor.point_names])
        self._lay_out_result()
        self._connect()

    def _lay_out_films(self) -> None:
        gr.Markdown(
            message(
                "Check the models on films whose truth you know, before you use them. At least 50 normal films and 50 "
                "with pneumonia are needed for a judgement; about 200 of each give narrow intervals. You may close "
                "this page while the check runs: its link brings you back. Nothing is kept but what you download."
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
        self._start = gr.Button(message("Start the check"), variant="primary", elem_id="validation-start")

    def _lay_out_result(self) -> None:
        minutes = number(settings.RETENTION_S.read() / 60, "g")
        self._panel = gr.HTML(
            {},
            html_template=localised("validation/panel.html", downloads=DOWNLOADS, minutes=minutes),
            js_on_load=_SCRIPT,
            apply_default_css=False,
            elem_id="validation-panel",
        )

    def _connect(self) -> None:
        self._source.change(
            self._show_table, self._source, [self._table_column, self._column_row], queue=False, **_PRIVATE
        )
        column_outputs = [self._column_row, *self._columns.values(), self._preview]
        self._table.upload(self._read_header, self._table, column_outputs, queue=False, **_PRIVATE)
        self._goal.change(self._default_goal, self._goal, self._goal_value, queue=False, **_PRIVATE)
        question = [self._point, self._prevalence, self._goal, self._goal_value, self._site]
        inputs = [self._films, self._source, self._table, *self._columns.values(), *question]
        self._check.click(self._check_labels, inputs, self._preview, queue=False, **_PRIVATE)
        self._start.click(self._create, inputs, [self._panel, self._preview], queue=False, **_PRIVATE)

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
            selection = self.jobs.preview(uploads, self._labels(source, table, rest[: len(ROLES)]))
        except Exception as error:
            return {self._preview: _error_message(error)}
        return {self._preview: validation_text.preview(selection)}

    def _create(
        self, request: gr.Request, uploads: list[Upload], source: str, table: Upload | None, *rest: Any
    ) -> Update:
        """Create and start a validation; the value for `validation_panel.js`: its token, or an error as HTML."""
        chosen, (point, prevalence, goal, value, site) = rest[: len(ROLES)], rest[len(ROLES) :]
        question = Question(point, _goal(goal, value), prevalence / 100 if prevalence else None, (site or "").strip())
        owner = login.owner_name(request.username)
        try:
            token = self.jobs.create(uploads, self._labels(source, table, chosen), question, owner)
        except Exception as error:
            return {self._panel: {"error": _alert(error)}}
        preview = validation_text.preview(self.jobs.get(token, owner).selection)
        try:
            self.jobs.start(token, owner)
        except PneumoniaError as error:
            self.jobs.delete(token)
            return {self._panel: {"error": _alert(error)}}
        return {self._panel: {"token": token}, self._preview: preview}

    def _labels(self, source: str, table: Upload | None, columns: Sequence[str | None]) -> Labels:
        """Where the labels come from; raises `EmptyFile` if the table is missing."""
        if source == FOLDERS:
            return Labels()
        if table is None:
            raise EmptyFile(message("No table was given. Add a CSV with a row for each film."))
        return Labels(table.path, dict(zip(self._columns, (name or None for name in columns), strict=True)))


def _goal(kind: str, value: float | None) -> Goal:
    wanted = float(value or 0)
    return Goal(sensitivity=wanted / 100) if kind == SENSITIVITY else Goal(cost_ratio=wanted)


def _error_message(error: Exception) -> str:
    return validation_text.error_message(_known(error))


def _alert(error: Exception) -> str:
    """As `_error_message`, for an element that is an alert itself."""
    return batch_text.error_message(_known(error))


def _known(error: Exception) -> PneumoniaError:
    return error if isinstance(error, PneumoniaError) else InternalError.from_exception(error)
