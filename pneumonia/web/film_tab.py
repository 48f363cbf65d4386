"""The tab for one film: drop zone, answer, viewer with activation map, operating points, report."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from .. import imaging, settings
from ..inference.decision import DEFAULT_POINT, Failure
from ..inference.predictor import Predictor
from ..messages import deferred, message, translate
from ..reporting import pdf_report
from . import age_groups, dicom_results, film_session, page_text, prevalence_control, queue_full
from .examples import examples
from .lane import Lane
from .opinion_control import OpinionControl
from .server.upload import film_file
from .viewer import events, film_view
from .viewer.texts import viewer_html

FILM_CONCURRENCY_ID = "films"
"""Concurrency group of single films, on page and API. Batches are in another group (`batch_tab.BATCH_CONCURRENCY`) of
the same queue."""

_SAVE = (Path(__file__).parent / "save.js").read_text(encoding="utf-8")
_CLEAR_ANSWER = """(...texts) => document.querySelector("#result .answer:not(.waiting):not(.failed)") ? %s : texts"""
"""Clears the answer in the browser if there is one, so that it never appears with another age group than its own."""

_QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
_SCORING: dict[str, Any] = {
    "api_visibility": "private",
    "concurrency_id": FILM_CONCURRENCY_ID,
    "show_progress": "minimal",
}


def add(predictor: Predictor, lane: Lane) -> None:
    """Build the tab inside the `gr.Tabs` that is open. Films wait for their turn in `lane` before they are read."""
    with gr.Tab(message("One film"), id="one-film"):
        _FilmTab(predictor, lane)


class _FilmTab:
    """The tab's components and their event handlers."""

    def __init__(self, predictor: Predictor, lane: Lane) -> None:
        self._predictor = predictor
        self._open, self._reread = lane.wrap(film_session.open_film), lane.wrap(film_session.reread_film)
        # The session state expires when the server deletes the upload.
        self._session_film = gr.State(None, time_to_live=settings.RETENTION_S.read())
        # The film of the viewer, also one that was read with an error.
        self._viewed_film = gr.State(None, time_to_live=settings.RETENTION_S.read())
        with gr.Column(elem_id="film-layout"):
            self._lay_out_input()
            self._lay_out_answer()
            self._lay_out_viewer()
            self._lay_out_options()
            # After an answer they stand here; before it, above the answer. The keyboard follows this order.
            self._lay_out_examples()
            self._guide = gr.Markdown(elem_id="reading-guide")
        self._connect()

    def _lay_out_input(self) -> None:
        # Whether a film was read with the present choice: the next film starts with the age from its file again.
        self._age_used = gr.State(value=False)
        with gr.Column(elem_id="input"):
            self._film = film_file(
                label=message("Film: {formats}", formats=imaging.FORMATS), elem_id="film", height=150
            )
            self._age = gr.Radio(age_groups.CHOICES, value=age_groups.FROM_FILE, label=age_groups.LABEL, elem_id="age")

    def _lay_out_examples(self) -> None:
        self._examples = examples(self._predictor.models[0].bundle)
        with gr.Column(elem_id="examples"):
            gr.Markdown(message("No film at hand? Try an example:"))
            with gr.Row():
                self._buttons = [gr.Button(example.name, size="sm", min_width=150) for example in self._examples]

    def _lay_out_answer(self) -> None:
        with gr.Column(elem_id="result"):
            self._headline = gr.HTML(deferred(page_text.no_film), elem_id="headline", apply_default_css=False)
            self._bars = gr.HTML(elem_id="bars", apply_default_css=False)
            self._lay_out_depth()
            self._steps = gr.HTML(elem_id="steps", apply_default_css=False)
            self._comparison = gr.HTML(elem_id="comparison", apply_default_css=False)
            self._opinion = OpinionControl(self._predictor) if settings.MONITOR.read() else None

    def _lay_out_depth(self) -> None:
        """The prevalence, and what the numbers mean; closed until the user opens it."""
        # None: the prevalence of the calibration. It belongs to the hospital, so the next film keeps it.
        self._prevalence = gr.State(None)
        with gr.Accordion(prevalence_control.TITLE, open=False, elem_id="depth"):
            self._prevalence_slider = prevalence_control.slider(self._predictor)
            self._prevalence_reset = prevalence_control.reset_button()
            self._depth = gr.HTML(elem_id="meaning", apply_default_css=False)

    def _lay_out_options(self) -> None:
        """Below the answer: operating points, report, and model."""
        choices, note, model_lines = film_session.model_texts(self._predictor, None)
        with gr.Column(elem_id="options"):
            self._point = gr.Radio(choices, value=DEFAULT_POINT, label=message("Operating point"), elem_id="point")
            self._point_note = gr.Markdown(note, elem_id="point-note")
            self._lay_out_report()
            self._model = gr.Markdown(model_lines, elem_id="model")

    def _lay_out_report(self) -> None:
        """Downloads: the report as PDF, the answer as JSON, and for a DICOM film its result objects."""
        with gr.Column(elem_id="report", visible=False) as self._report:
            self._note = gr.Textbox(
                label=message("Note for the report (optional, not stored)"),
                max_length=pdf_report.MAX_NOTE_LENGTH,
                elem_id="note",
            )
            with gr.Row():
                self._pdf = gr.Button(message("Report (PDF)"), size="sm", min_width=120)
                self._json = gr.Button(message("Answer (JSON)"), size="sm", min_width=120)
                self._dicom_results = dicom_results.button()
        self._download = gr.JSON(visible="hidden", elem_id="file")

    def _lay_out_viewer(self) -> None:
        with gr.Column(elem_id="viewer"):
            self._film_image = _image(message("The uploaded chest film"), "film-image")
            map_text = message("Activation map; bright where the activation is strong")
            self._map_image = _image(map_text, "activation-map")
            gr.HTML(deferred(viewer_html), elem_id="viewer-block", apply_default_css=False)
            gr.HTML(deferred(page_text.viewer_caption), elem_id="caption", apply_default_css=False)
            self._show_map = gr.Button(message("Show activation map"), elem_id="show-map", visible=False)
            self._activation = gr.HTML(elem_id="activation", apply_default_css=False)
        self._view = gr.JSON(visible="hidden", elem_id="film-view")
        self._values = gr.File(visible="hidden", elem_id="film-values")
        self._answered = gr.JSON(visible="hidden", elem_id="answered-film")

    def _connect(self) -> None:
        state = [self._point, self._age, self._age_used, self._prevalence]
        opened = self._connect_film_event(self._film.upload, self._open_film, [self._film, *state])
        # The drop zone is emptied, so that it accepts the next film.
        opened.then(lambda: None, None, self._film, queue=False, **_QUIET)
        for example, button in zip(self._examples, self._buttons, strict=True):
            self._connect_film_event(button.click, partial(self._open_film, example.image), state)
        self._connect_age()
        self._connect_prevalence()
        if self._opinion is not None:
            self._opinion.connect(self._session_film, self._point, **_QUIET)
        self._map_image.change(None, self._map_image, None, js=events.SET_MAP, **_QUIET)
        inputs = [self._session_film, self._point, self._prevalence]
        self._point.input(
            self._change_point,
            [*inputs[:2], self._headline, self._activation, self._prevalence],
            [*self._answer_outputs, *self._viewer_outputs, self._show_map],
            **_QUIET,
        )
        self._show_map.click(
            self._render_activation,
            inputs[:2],
            [*self._viewer_outputs, self._show_map],
            **{**_QUIET, "show_progress": "minimal"},
        )
        for button, create_file, file_inputs in (
            (self._json, film_session.as_json, inputs),
            (self._dicom_results, dicom_results.as_zip, inputs),
            (self._pdf, film_session.as_pdf, [*inputs[:2], self._note, self._prevalence]),
        ):
            button.click(partial(self._make_file, create_file), file_inputs, self._download, **_QUIET).then(
                None, self._download, None, js=_SAVE, **_QUIET
            )

    def _connect_prevalence(self) -> None:
        """Another prevalence changes the texts that name it, without another run of the network."""
        inputs, texts = [self._session_film, self._point, self._headline], [self._headline, self._depth]
        options: dict[str, Any] = {**_QUIET, "trigger_mode": "always_last"}
        self._prevalence_slider.input(
            self._change_prevalence, [self._prevalence_slider, *inputs], [self._prevalence, *texts], **options
        )
        self._prevalence_reset.click(
            self._reset_prevalence, inputs, [self._prevalence_slider, self._prevalence, *texts], **options
        )

    def _connect_age(self) -> None:
        """Another age group reads the film on the page again; its picture stays."""
        texts = [*self._answer_outputs, self._comparison]
        script = deferred(_script, _CLEAR_ANSWER, [*film_session.NO_ANSWER, ""])
        self._age.input(None, texts, texts, js=script, **_QUIET)
        inputs = [self._session_film, self._point, self._age, self._headline, self._prevalence]
        reread = self._age.input(self._change_age, inputs, self._film_outputs, **_SCORING)
        reread.failure(self._reject_busy, None, [*self._film_outputs, self._film], queue=False, **_QUIET)
        self._compare_after(reread)
        self._connect_viewer(reread)

    def _connect_film_event(self, event: Callable[..., Any], handler: Callable[..., Any], inputs: list[Any]) -> Any:
        """Register a film event: clear the page at once, answer when the film leaves the queue, then display the film.

        The page is cleared in the browser, so that the previous answer never appears with a film that is still queued
        or was rejected by a full queue.
        """
        outputs = [*self._answer_outputs, *self._viewer_outputs, self._comparison]
        script = deferred(_script, "() => %s", [*film_session.NO_ANSWER, None, None, "", ""])
        event(None, None, outputs, js=script, **_QUIET)
        opening = event(handler, inputs, self._film_outputs, **_SCORING)
        opening.failure(self._reject_busy, None, [*self._film_outputs, self._film], queue=False, **_QUIET)
        self._compare_after(opening)
        self._connect_viewer(opening)
        return opening

    def _connect_viewer(self, opening: Any) -> None:
        """After the answer: the preview of the film, then its values for the viewer."""
        outputs = [self._film_image, self._view, self._values]
        opening.then(film_view.show, self._viewed_film, outputs, **_QUIET).then(
            None, [*outputs[1:], self._answered], None, js=events.SHOW, **_QUIET
        )

    def _compare_after(self, reading: Any) -> None:
        """After the answer to a film that the gate refused: the film beside a class average."""
        compare = partial(film_session.comparison, self._predictor)
        reading.then(compare, self._session_film, self._comparison, **_QUIET)
        reading.then(dicom_results.show_button, self._session_film, self._dicom_results, **_QUIET)
        if self._opinion is not None:
            reading.then(self._opinion.show, self._session_film, self._opinion.outputs, queue=False, **_QUIET)

    def _reject_busy(self) -> tuple[Any, ...]:
        """Outputs if the queue was full: the error, no data of the previous film, and an empty drop zone."""
        message = page_text.failure(Failure(None, queue_full.queue_full_error()))
        hidden = gr.Button(visible=False), gr.Column(visible=False), ""
        unchanged = (gr.skip(),) * (len(self._model_outputs) + 2)
        return None, message, *film_session.NO_ANSWER, None, None, "", *hidden, *unchanged, None, None, None

    @property
    def _answer_outputs(self) -> list[gr.components.Component]:
        return [self._headline, self._bars, self._depth, self._steps, self._guide]

    @property
    def _viewer_outputs(self) -> list[gr.components.Component]:
        return [self._film_image, self._map_image, self._activation]

    @property
    def _film_outputs(self) -> list[Any]:
        return [
            self._session_film,
            *self._answer_outputs,
            *self._viewer_outputs,
            self._show_map,
            self._report,
            self._note,
            *self._model_outputs,
            self._age,
            self._age_used,
            self._viewed_film,
            self._answered,
        ]

    @property
    def _model_outputs(self) -> list[Any]:
        """Texts with the figures of the model that answered."""
        return [self._point, self._point_note, self._model, self._prevalence_slider]

    def _open_film(
        self, film: Any, point: str, age_group: str, age_used: bool, prevalence: float | None = None
    ) -> tuple[Any, ...]:
        """Outputs for a new film: its answer, and no data of the previous film.

        An age group that was chosen for the previous film does not apply to this one, of perhaps another patient.
        """
        age_group = age_groups.FROM_FILE if age_used else age_group
        opened = self._open(self._predictor, film, point, age_group, prevalence)
        return self._show_film(opened, age_group, prevalence, film)

    def _change_age(
        self,
        session_film: film_session.SessionFilm | None,
        point: str,
        age_group: str,
        headline: str,
        prevalence: float | None = None,
    ) -> tuple[Any, ...]:
        """Outputs for another age group: the film is read again. Before the first film, the group is for that film."""
        if session_film is not None:
            opened = self._reread(self._predictor, session_film, point, age_group, prevalence)
            return self._show_film(opened, age_group, prevalence, session_film.source)
        skipped = (gr.skip(),) * (len(self._film_outputs) - 5)
        return gr.skip(), self._without_film(headline), *skipped, False, gr.skip(), gr.skip()

    def _show_film(
        self, opened: tuple[Any, ...], age_group: str, prevalence: float | None, film: Any
    ) -> tuple[Any, ...]:
        """Outputs for a film that was read: answer, texts of its model, and the age group with which it was read."""
        session_film, *answer = opened
        viewed_film = film_view.ViewedFilm.of(film, None if session_film is None else session_film.reading)
        is_open = session_film is not None
        was_scored = session_film is not None and session_film.reading.activation is not None
        choices, note, model_lines = film_session.model_texts(self._predictor, session_film)
        shown = gr.Button(visible=was_scored), gr.Column(visible=is_open), ""
        return (
            *(session_film, *answer, None, None, "", *shown),
            *(gr.update(choices=choices), note, model_lines),
            prevalence_control.shown_percent(self._predictor, session_film, prevalence),
            *(age_group, True),
            viewed_film,
            None if viewed_film is None else {"film": viewed_film.token},
        )

    def _change_prevalence(
        self, percent: Any, session_film: film_session.SessionFilm | None, point: str, headline: str
    ) -> tuple[Any, ...]:
        """Outputs for another prevalence: the state, and the texts that name it."""
        prevalence = prevalence_control.to_share(percent)
        if session_film is None or prevalence is None:
            return gr.skip() if prevalence is None else prevalence, self._without_film(headline), gr.skip()
        return prevalence, *self._texts_at(session_film, point, prevalence)

    def _reset_prevalence(
        self, session_film: film_session.SessionFilm | None, point: str, headline: str
    ) -> tuple[Any, ...]:
        """Outputs for the prevalence of the calibration: the slider, the state, and the texts that name it."""
        percent = prevalence_control.shown_percent(self._predictor, session_film, None)
        if session_film is None:
            return percent, None, self._without_film(headline), gr.skip()
        return percent, None, *self._texts_at(session_film, point, None)

    def _texts_at(
        self, session_film: film_session.SessionFilm, point: str, prevalence: float | None
    ) -> tuple[str, str]:
        headline, _, depth, *_ = film_session.render_answer(self._predictor, session_film, point, prevalence)
        return headline, depth

    def _without_film(self, headline: str) -> Any:
        """The headline if there is no film: unchanged before the first one, else that it was deleted."""
        return gr.skip() if headline == page_text.no_film() or "failed" in headline else page_text.film_deleted()

    def _change_point(
        self,
        session_film: film_session.SessionFilm | None,
        point: str,
        headline: str,
        activation: str,
        prevalence: float | None = None,
    ) -> tuple[Any, ...]:
        """Outputs for another operating point: the new answer.

        A map on the page stays if the new answer has one too. Otherwise map and panel are cleared.
        """
        unchanged = (gr.skip(),) * (len(self._viewer_outputs) + 1)
        if session_film is None:
            is_deleted = headline != page_text.no_film()
            texts = (gr.skip(),) * (len(self._answer_outputs) - 1)
            return page_text.film_deleted() if is_deleted else gr.skip(), *texts, *unchanged
        answer = film_session.render_answer(self._predictor, session_film, point, prevalence)
        if not activation or film_session.has_map(self._predictor, session_film, point) == ("opacity" in activation):
            return *answer, *unchanged
        return *answer, gr.skip(), None, "", gr.Button(visible=True)

    def _make_file(self, create_file: Callable[..., dict[str, str] | None], *inputs: Any) -> dict[str, str] | None:
        """A file for `save.js`; None and a warning on the page if the film was deleted."""
        file = create_file(self._predictor, *inputs)
        if file is None:
            gr.Warning(translate(page_text.deletion_message()))
        return file

    def _render_activation(self, session_film: film_session.SessionFilm | None, point: str) -> tuple[Any, ...]:
        is_shown = session_film is not None and not session_film.is_deleted
        view = film_session.render_activation(self._predictor, session_film, point)
        return gr.skip() if is_shown else None, *view, gr.Button(visible=False)


def _script(script: str, others: list[Any]) -> str:
    """A function for the browser that shows that a film is being read, with values for the outputs after the answer."""
    return script % json.dumps([page_text.reading(), *others])


def _image(alt_text: str, elem_id: str) -> gr.Image:
    return gr.Image(
        interactive=False,
        format="png",
        buttons=[],
        show_label=False,
        container=False,
        alt_text=alt_text,
        elem_id=elem_id,
        elem_classes="picture",
    )
