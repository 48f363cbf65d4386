"""The tab for one film: drop it, read the answer, ask for more where more is wanted."""

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
from ..reporting import pdf_report
from . import answer_panel, film_session, page_text, queue_full
from .examples import examples
from .server.upload import film_file

SHARED_QUEUE = "films"
"""The lane of single films, on page and API. Batches have one of their own (`batch_tab.LANE`) in the same queue."""

_SAVE = (Path(__file__).parent / "save.js").read_text(encoding="utf-8")
_CLEARED = f"() => {json.dumps([page_text.READING, '', '', '', None, None, ''])}"
_QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
_SCORING: dict[str, Any] = {"api_visibility": "private", "concurrency_id": SHARED_QUEUE, "show_progress": "minimal"}


def add(predictor: Predictor) -> None:
    """The tab, inside the page's `gr.Tabs`."""
    with gr.Tab("One film", id="one-film"):
        _FilmTab(predictor)


class _FilmTab:
    """The tab's components and what a click on each does."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        # The session forgets a film when the server does.
        self._held = gr.State(None, time_to_live=settings.RETENTION_S.read())
        with gr.Column(elem_id="desk"):
            self._film = film_file(label=f"Film: {imaging.FORMATS}", elem_id="film", height=150)
            self._lay_out_examples()
            self._lay_out_answer()
            self._lay_out_stage()
            self._lay_out_choice()
            self._guide = gr.Markdown(elem_id="characteristics")
        self._connect()

    def _lay_out_examples(self) -> None:
        self._offered = examples(self._predictor.bundle)
        with gr.Column(elem_id="examples"):
            gr.Markdown("No film at hand? Try one of these:")
            with gr.Row():
                self._buttons = [gr.Button(example.name, size="sm", min_width=150) for example in self._offered]

    def _lay_out_answer(self) -> None:
        with gr.Column(elem_id="verdict"):
            self._headline = gr.HTML(page_text.WAITING, elem_id="headline", apply_default_css=False)
            self._bars = gr.HTML(elem_id="bars", apply_default_css=False)
            self._steps = gr.HTML(elem_id="steps", apply_default_css=False)

    def _lay_out_choice(self) -> None:
        """What someone may want after the answer: another operating point, a report, which model it was."""
        choices = answer_panel.point_choices(self._predictor.operating_points, self._predictor.bundle.served_run)
        note = page_text.prevalence_note(self._predictor.bundle.calibration.prevalence)
        with gr.Column(elem_id="choice"):
            self._point = gr.Radio(choices, value=DEFAULT_POINT, label="Operating point", elem_id="point")
            gr.Markdown(f"{answer_panel.POINTS_NOTE} {note}", elem_id="prevalence")
            self._lay_out_report()
            official = self._predictor.describe()["figures"]
            gr.Markdown(page_text.model_line(self._predictor.model, official), elem_id="model")

    def _lay_out_report(self) -> None:
        """What someone takes away from a film: a page to print or file, and the answer for a program."""
        with gr.Column(elem_id="report", visible=False) as self._report:
            self._noted = gr.Textbox(
                label="Note for the report (optional, kept nowhere else)",
                max_length=pdf_report.MAX_NOTE_LENGTH,
                elem_id="noted",
            )
            with gr.Row():
                self._pdf = gr.Button("Report (PDF)", size="sm", min_width=120)
                self._json = gr.Button("Answer (JSON)", size="sm", min_width=120)
        self._file = gr.JSON(visible="hidden", elem_id="file")

    def _lay_out_stage(self) -> None:
        with gr.Column(elem_id="stage"):
            self._shown = _picture("The chest film that was dropped", "shown")
            self._map = _picture("Where the activation lies, bright where it is strongest", "map")
            gr.HTML(page_text.STAGE, elem_id="caption", apply_default_css=False)
            self._ask = gr.Button("Show what the model looked at", elem_id="ask", visible=False)
            self._look = gr.HTML(elem_id="look", apply_default_css=False)

    def _connect(self) -> None:
        shown = self._answer_when(self._film.upload, self._open, [self._film, self._point])
        # An empty drop zone takes the next film at once.
        shown.then(lambda: None, None, self._film, queue=False, **_QUIET)
        for example, button in zip(self._offered, self._buttons, strict=True):
            self._answer_when(button.click, partial(self._open, example.picture), [self._point])
        asked = [self._held, self._point]
        self._point.input(
            self._decide, [*asked, self._headline, self._look], [*self._said, *self._looked, self._ask], **_QUIET
        )
        self._ask.click(self._show_look, asked, [*self._looked, self._ask], **{**_QUIET, "show_progress": "minimal"})
        for button, make, given in (
            (self._json, film_session.as_json, asked),
            (self._pdf, film_session.as_pdf, [*asked, self._noted]),
        ):
            button.click(partial(self._made, make), given, self._file, **_QUIET).then(
                None, self._file, None, js=_SAVE, **_QUIET
            )

    def _answer_when(self, happens: Callable[..., Any], answered: Callable[..., Any], given: list[Any]) -> Any:
        """Clear the page at once, in the browser; then answer, when it is the film's turn; then show the film.

        A film that waits, or is turned away by a full queue, must not stand beside the answer of the one before.
        """
        cleared = [*self._said, *self._looked]
        happens(None, None, cleared, js=_CLEARED, **_QUIET)
        opening = happens(answered, given, self._opened, **_SCORING)
        opening.failure(self._turned_away, None, [*self._opened, self._film], queue=False, **_QUIET)
        return opening.then(film_session.picture, self._held, self._shown, **_QUIET)

    def _turned_away(self) -> tuple[Any, ...]:
        """Where the server took no film: nothing of the film before, why there is no answer, and an empty drop zone."""
        said = page_text.failure(Failure(None, queue_full.queue_full_error()))
        return None, said, "", "", "", None, None, "", gr.Button(visible=False), gr.Column(visible=False), "", None

    @property
    def _said(self) -> list[gr.components.Component]:
        return [self._headline, self._bars, self._steps, self._guide]

    @property
    def _looked(self) -> list[gr.components.Component]:
        return [self._shown, self._map, self._look]

    @property
    def _opened(self) -> list[Any]:
        return [self._held, *self._said, *self._looked, self._ask, self._report, self._noted]

    def _open(self, film: Any, point: str) -> tuple[Any, ...]:
        """A new film: its answer, and nothing of the film before it."""
        held, *said = film_session.open_film(self._predictor, film, point)
        more, asked = held is not None, held is not None and held.reading.activation is not None
        return held, *said, None, None, "", gr.Button(visible=asked), gr.Column(visible=more), ""

    def _decide(self, held: film_session.SessionFilm | None, point: str, headline: str, look: str) -> tuple[Any, ...]:
        """Another operating point: another decision; the map stays unless the answer has none, or had none."""
        unchanged = (gr.skip(),) * 4
        if held is None:
            forgotten = headline != page_text.WAITING
            return page_text.forgotten() if forgotten else gr.skip(), *unchanged[1:], *unchanged
        said = film_session.render_answer(self._predictor, held, point)
        if not look or film_session.has_map(self._predictor, held, point) == ("opacity" in look):
            return *said, *unchanged
        return *said, gr.skip(), None, "", gr.Button(visible=True)

    def _made(self, make: Callable[..., dict[str, str] | None], *given: Any) -> dict[str, str] | None:
        """A file for the browser to save, or a word why there is none."""
        file = make(self._predictor, *given)
        if file is None:
            gr.Warning(page_text.deleted())
        return file

    def _show_look(self, held: film_session.SessionFilm | None, point: str) -> tuple[Any, ...]:
        return *film_session.render_activation(self._predictor, held, point), gr.Button(visible=False)


def _picture(alternative: str, name: str) -> gr.Image:
    return gr.Image(
        interactive=False,
        format="png",
        buttons=[],
        show_label=False,
        container=False,
        alt_text=alternative,
        elem_id=name,
        elem_classes="picture",
    )
