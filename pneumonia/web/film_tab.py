"""The tab for one film: what happens when a film is dropped or an option is changed.

Its components, drop zone, answer, viewer with activation map, operating points and report, are those of `film_layout`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from ..inference.decision import Failure
from ..inference.predictor import Predictor
from ..messages import deferred, message, translate
from . import age_groups, dicom_results, film_session, page_text, prevalence_control, refused_calls
from .film_layout import FilmLayout
from .lane import Lane
from .language_switch import LanguageSwitch
from .viewer import events, film_view

FILM_CONCURRENCY_ID = "films"
"""Concurrency group of single films, on page and API. Batches are in another group (`batch_tab.BATCH_CONCURRENCY`) of
the same queue."""

_SAVE = (Path(__file__).parent / "save.js").read_text(encoding="utf-8")
_CLEAR_ANSWER = """(...texts) => document.querySelector("#result .answer:not(.waiting):not(.failed)") ? %s : texts"""
"""Clears the answer in the browser if there is one, so that it never appears with another age group than its own."""

_QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
_FOLLOWING: dict[str, Any] = {**_QUIET, "trigger_mode": "always_last"}
"""What follows an answer: for the next film it runs again, also if it still runs for the one before."""

_SCORING: dict[str, Any] = {
    "api_visibility": "private",
    "concurrency_id": FILM_CONCURRENCY_ID,
    "show_progress": "hidden",  # Gradio's would cover the text that says what happens
}


def add(predictor: Predictor, lane: Lane) -> None:
    """Build the tab inside the `gr.Tabs` that is open. Films wait for their turn in `lane` before they are read."""
    with gr.Tab(message("One film"), id="one-film"):
        _FilmTab(predictor, lane)


class _FilmTab:
    """The event handlers of the tab, connected to its components."""

    def __init__(self, predictor: Predictor, lane: Lane) -> None:
        self._predictor = predictor
        self._open, self._reread = lane.wrap(film_session.open_film), lane.wrap(film_session.reread_film)
        self._layout = FilmLayout(predictor)
        self._language_switch = LanguageSwitch(predictor, self._layout, self._show_film)
        self._connect()

    def _connect(self) -> None:
        ui = self._layout
        state = [ui.point, ui.age, ui.age_used, ui.prevalence]
        opened = self._connect_film_event(ui.film.upload, self._open_film, [ui.film, *state])
        # The drop zone is emptied, so that it accepts the next film.
        opened.then(lambda: None, None, ui.film, queue=False, **_QUIET)
        for example, button in zip(ui.examples, ui.buttons, strict=True):
            self._connect_film_event(button.click, partial(self._open_film, example.image), state)
        self._connect_age()
        self._connect_prevalence()
        self._show_after(self._language_switch.connect())
        if ui.opinion is not None:
            ui.opinion.connect(ui.session_film, ui.point, **_QUIET)
        self._connect_point_and_map()
        self._connect_downloads()

    def _connect_point_and_map(self) -> None:
        ui = self._layout
        ui.map_image.change(None, ui.map_image, None, js=events.SET_MAP, **_QUIET)
        ui.point.input(
            self._change_point,
            [ui.session_film, ui.point, ui.headline, ui.activation, ui.prevalence],
            [*ui.answer_outputs, *ui.viewer_outputs, ui.show_map],
            **_QUIET,
        )
        ui.show_map.click(
            self._render_activation,
            [ui.session_film, ui.point],
            [*ui.viewer_outputs, ui.show_map],
            **{**_QUIET, "show_progress": "minimal"},
        )

    def _connect_downloads(self) -> None:
        ui = self._layout
        inputs = [ui.session_film, ui.point, ui.prevalence]
        for button, create_file, file_inputs in (
            (ui.json, film_session.as_json, inputs),
            (ui.dicom_results, dicom_results.as_zip, inputs),
            (ui.pdf, film_session.as_pdf, [ui.session_film, ui.point, ui.note, ui.prevalence]),
        ):
            button.click(partial(self._make_file, create_file), file_inputs, ui.download, **_QUIET).then(
                None, ui.download, None, js=_SAVE, **_QUIET
            )

    def _connect_prevalence(self) -> None:
        """Another prevalence changes the texts that name it, without another run of the network."""
        ui = self._layout
        inputs, texts = [ui.session_film, ui.point, ui.headline], [ui.headline, ui.depth]
        options: dict[str, Any] = {**_QUIET, "trigger_mode": "always_last"}
        ui.prevalence_slider.input(
            self._change_prevalence, [ui.prevalence_slider, *inputs], [ui.prevalence, *texts], **options
        )
        ui.prevalence_reset.click(
            self._reset_prevalence, inputs, [ui.prevalence_slider, ui.prevalence, *texts], **options
        )

    def _connect_age(self) -> None:
        """Another age group reads the film on the page again; its picture stays."""
        ui = self._layout
        texts = [*ui.answer_outputs, ui.comparison]
        script = deferred(_script, _CLEAR_ANSWER, [*film_session.NO_ANSWER, ""])
        ui.age.input(None, texts, texts, js=script, **_QUIET)
        inputs = [ui.session_film, ui.point, ui.age, ui.headline, ui.prevalence]
        reread = ui.age.input(self._change_age, inputs, ui.film_outputs, **_SCORING)
        reread.failure(self._reject_busy, None, [*ui.film_outputs, ui.film], queue=False, **_QUIET)
        self._show_after(reread)

    def _connect_film_event(self, event: Callable[..., Any], handler: Callable[..., Any], inputs: list[Any]) -> Any:
        """Register a film event: clear the page at once, answer when the film leaves the queue, then display the film.

        The page is cleared in the browser, so that the previous answer never appears with a film that is still queued
        or was rejected by a full queue.
        """
        ui = self._layout
        outputs = [*ui.answer_outputs, *ui.viewer_outputs, ui.comparison]
        script = deferred(_script, "() => %s", [*film_session.NO_ANSWER, None, None, "", ""])
        event(None, None, outputs, js=script, **_QUIET)
        opening = event(handler, inputs, ui.film_outputs, **_SCORING)
        opening.failure(self._reject_busy, None, [*ui.film_outputs, ui.film], queue=False, **_QUIET)
        self._show_after(opening)
        return opening

    def _show_after(self, reading: Any) -> None:
        """After an answer: what depends on the film, and the film itself.

        This is one call. Of calls that a page makes at the same time, Gradio's client loses the result of one whose id
        arrives late, after the stream of the others has ended.
        """
        ui = self._layout
        outputs = [ui.comparison, ui.dicom_results, ui.film_image, ui.view, ui.values]
        shown = reading.then(self._show_details, [ui.session_film, ui.viewed_film], outputs, **_FOLLOWING)
        shown.then(None, [ui.view, ui.values, ui.answered], None, js=events.SHOW, **_FOLLOWING)
        if ui.opinion is not None:
            reading.then(
                ui.opinion.show,
                ui.session_film,
                ui.opinion.outputs,
                queue=False,
                **_FOLLOWING,
            )

    def _show_details(
        self, session_film: film_session.SessionFilm | None, viewed_film: film_view.ViewedFilm | None
    ) -> Iterator[tuple[Any, ...]]:
        """Yields the film beside a class average if the gate refused it, the button, and the parts of the viewer."""
        comparison = film_session.comparison(self._predictor, session_film)
        button = dicom_results.show_button(session_film)
        for parts in film_view.show(viewed_film):
            yield comparison, button, *parts

    def _reject_busy(self) -> tuple[Any, ...]:
        """Outputs if the queue was full: the error, no data of the previous film, and an empty drop zone."""
        message = page_text.failure(Failure(None, refused_calls.queue_full_error()))
        hidden = gr.Button(visible=False), gr.Column(visible=False), ""
        unchanged = (gr.skip(),) * (len(self._layout.model_outputs) + 2)
        return None, message, *film_session.NO_ANSWER, None, None, "", *hidden, *unchanged, None, None, None

    def _open_film(
        self, film: Any, point: str, age_group: str, age_used: bool, prevalence: float | None = None
    ) -> tuple[Any, ...]:
        """Outputs for a new film: its answer, and no data of the previous film.

        An age group that was chosen for the previous film does not apply to this one, of perhaps another patient.
        """
        age_group = age_groups.FROM_FILE if age_used else age_group
        opened = self._open(self._predictor, film, point, age_group, prevalence)
        return self._show_film(opened, point, age_group, prevalence, film)

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
            return self._show_film(opened, point, age_group, prevalence, session_film.source)
        skipped = (gr.skip(),) * (len(self._layout.film_outputs) - 5)
        return gr.skip(), self._without_film(headline), *skipped, False, gr.skip(), gr.skip()

    def _show_film(
        self, opened: tuple[Any, ...], point: str, age_group: str, prevalence: float | None, film: Any
    ) -> tuple[Any, ...]:
        """Outputs for a film that was read: answer, texts of its model, and the age group with which it was read."""
        session_film, *answer = opened
        viewed_film = film_view.ViewedFilm.of(film, None if session_film is None else session_film.reading)
        is_open = session_film is not None
        has_map, no_map = film_session.map_offer(self._predictor, session_film, point)
        choices, note, model_lines = film_session.model_texts(self._predictor, session_film)
        shown = gr.Button(visible=has_map), gr.Column(visible=is_open), ""
        return (
            *(session_film, *answer, None, None, no_map, *shown),
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

        A map on the page, or the button for it, stays if the new answer has one too.
        """
        unchanged = (gr.skip(),) * (len(self._layout.viewer_outputs) + 1)
        if session_film is None:
            is_deleted = headline != page_text.no_film()
            texts = (gr.skip(),) * (len(self._layout.answer_outputs) - 1)
            return page_text.film_deleted() if is_deleted else gr.skip(), *texts, *unchanged
        answer = film_session.render_answer(self._predictor, session_film, point, prevalence)
        has_map, no_map = film_session.map_offer(self._predictor, session_film, point)
        if has_map == (not activation or "opacity" in activation):
            return *answer, *unchanged
        return *answer, gr.skip(), None, no_map, gr.Button(visible=has_map)

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
