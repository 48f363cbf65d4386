"""The question below an answer: does the physician agree? Only counts are kept (`monitoring`), never the film."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ..inference.decision import DEFAULT_POINT
from ..inference.predictor import Predictor
from ..messages import message
from ..monitoring.counts import OPINION_NAMES, OPINIONS
from ..monitoring.recorder import recorder
from .film_session import PAGE, SessionFilm, StatedOpinion
from .rendering import render

LABEL = message("Do you agree? Your own reading of this film (only counts are kept):")


class OpinionControl:
    """Three choices that are shown with the answer to a film of the user, and a line that confirms a choice."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        choices = [(name, opinion) for opinion, name in OPINION_NAMES.items()]
        with gr.Column(elem_id="opinion-block"):
            self._opinion = gr.Radio(choices, value=None, label=LABEL, visible=False, elem_id="opinion")
            self._note = gr.HTML(elem_id="opinion-note", apply_default_css=False)

    @property
    def outputs(self) -> list[Any]:
        """The components that `show` updates."""
        return [self._opinion, self._note]

    def connect(self, session_film: gr.State, point: gr.Radio, **options: Any) -> None:
        """Count a choice when it is made."""
        self._opinion.input(self._count, [self._opinion, session_film, point], self._note, **options)

    def show(self, session_film: SessionFilm | None) -> tuple[Any, str]:
        """Outputs for an answer: the choices with the opinion that was stated on this film, if any.

        The examples are no films of the site, and without an answer there is nothing to agree with.
        """
        if session_film is None or isinstance(session_film.source, bytes):
            return gr.update(value=None, visible=False), ""
        stated = session_film.opinions
        return gr.update(value=stated[-1].opinion if stated else None, visible=True), ""

    def _count(self, opinion: str | None, session_film: SessionFilm | None, point: str = DEFAULT_POINT) -> str:
        """Count an opinion on the answer at an operating point, in place of the earlier one on the same film."""
        active = recorder()
        if active is None or session_film is None or opinion not in OPINIONS:
            return ""
        reading = session_film.reading
        while session_film.opinions:
            earlier = session_film.opinions.pop()
            active.record_opinion(earlier.prediction, earlier.reading, PAGE, earlier.opinion, films=-1)
        stated = StatedOpinion(self._predictor.decide(reading, point), reading, opinion)
        active.record_opinion(stated.prediction, stated.reading, PAGE, opinion)
        session_film.opinions.append(stated)
        return render("opinion_counted.html")
