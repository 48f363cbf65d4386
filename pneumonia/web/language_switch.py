"""The film on the page survives a change of the language, which loads the page again: see `language_switch.js`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from ..inference.predictor import Predictor
from . import film_session
from .film_layout import FilmLayout
from .kept_films import KeptFilm, KeptFilms
from .server import login

_QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}

_KEEP_TOKEN = """(token) => {
  try {
    sessionStorage.setItem("kept-film", token);
  } catch {} // storage is blocked: the film is not shown again
  document.dispatchEvent(new Event("filmkept"));
}"""
_TAKE_TOKEN = """() => {
  const token = sessionStorage.getItem("kept-film");
  sessionStorage.removeItem("kept-film");
  return token;
}"""


class LanguageSwitch:
    """Its invisible components, and their handlers.

    `show_film(opened, point, age_group, prevalence, source)` returns the values of `layout.film_outputs`.
    """

    def __init__(self, predictor: Predictor, layout: FilmLayout, show_film: Callable[..., tuple[Any, ...]]) -> None:
        self._predictor, self._layout, self._show_film = predictor, layout, show_film
        self._films = KeptFilms()
        self._keep_button = gr.Button(visible="hidden", elem_id="keep-film")
        self._restore_button = gr.Button(visible="hidden", elem_id="restore-film")
        self._token = gr.Textbox(visible="hidden", elem_id="kept-film")

    def connect(self) -> Any:
        """Connect the components; returns the event after which the film is on the page again."""
        ui = self._layout
        inputs = [ui.session_film, ui.point, ui.age, ui.prevalence]
        kept = self._keep_button.click(self._keep, inputs, self._token, queue=False, **_QUIET)
        kept.then(None, self._token, None, js=_KEEP_TOKEN, **_QUIET)
        outputs = [*ui.film_outputs, ui.prevalence]
        return self._restore_button.click(self._restore, self._token, outputs, js=_TAKE_TOKEN, **_QUIET)

    def _keep(
        self,
        session_film: film_session.SessionFilm | None,
        point: str,
        age_group: str,
        prevalence: float | None,
        request: gr.Request,
    ) -> str:
        """The token of the film; "" without a film."""
        if session_film is None:
            return ""
        film = KeptFilm(session_film, point, age_group, prevalence)
        return self._films.keep(film, login.owner_name(request.username))

    def _restore(self, token: str | None, request: gr.Request) -> tuple[Any, ...]:
        """Outputs for the film of a token: its answer in the language of this page, decided from the existing score."""
        outputs = self._layout.film_outputs
        kept = self._films.take(token, login.owner_name(request.username))
        if kept is None:
            return (gr.skip(),) * (len(outputs) + 1)
        answer = film_session.render_answer(self._predictor, kept.film, kept.point, kept.prevalence)
        shown = list(
            self._show_film((kept.film, *answer), kept.point, kept.age_group, kept.prevalence, kept.film.source)
        )
        point = outputs.index(self._layout.point)
        shown[point] = {**shown[point], "value": kept.point}
        return *shown, kept.prevalence
