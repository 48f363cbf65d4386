"""One film in one browser session: opened once, then decided, looked at and reported on as often as someone asks."""

from __future__ import annotations

import base64
import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

from ..inference import explain
from ..inference.decision import DEFAULT_POINT, Failure
from ..inference.predictor import Predictor, Reading
from ..reporting import pdf_report, reading_guide
from . import activation_panel, answer_panel, handlers, page_text
from .server import request_log
from .server.upload import Upload

AnswerParts: TypeAlias = tuple[str, str, str, str]
"""Headline, bars and steps (HTML), reading guide (Markdown)."""

ActivationView: TypeAlias = tuple[Any, Any, str]
"""Film, map and panel (HTML) of "what the model looked at"."""

FULL_SIDE = 4300
"""Longest side in pixels of what is shown at full resolution: that of the largest detectors' films (43 cm)."""

_NO_PIXELS = np.empty((0, 0), np.uint8)


@dataclass(frozen=True, eq=False)
class SessionFilm:
    """A reading, for further decisions, and where its film lies, for further pictures.

    It holds no pixels and no name: an upload lies on disk until its time is over and is read again when someone asks
    for a picture. An example is the page's own and comes as bytes. `eq=False`, since gradio hashes what a session
    holds, and an activation map has no hash.
    """

    reading: Reading
    source: Path | bytes

    @classmethod
    def from_reading(cls, reading: Reading, source: Path | bytes) -> SessionFilm:
        film = dataclasses.replace(reading.film, pixels=_NO_PIXELS)
        return cls(dataclasses.replace(reading, film=film), source)

    @property
    def is_deleted(self) -> bool:
        """Whether the film's time was over and it was deleted."""
        return isinstance(self.source, Path) and not self.source.exists()


def open_film(
    predictor: Predictor, film: Upload | bytes | None, point: str = DEFAULT_POINT
) -> tuple[SessionFilm | None, str, str, str, str]:
    """Read and score a film, once: what the session keeps of it, then what the page says."""

    def read() -> SessionFilm:
        source = film if isinstance(film, bytes) else handlers.require_upload(film).path
        return SessionFilm.from_reading(predictor.read(source), source)

    with request_log.film("page", film) as log_entry:
        result: SessionFilm | Failure = handlers.result_or_failure(read, None)
        log_entry.outcome = result if isinstance(result, Failure) else predictor.decide(result.reading, point)
    if isinstance(result, Failure):
        return None, page_text.failure(result), "", "", ""
    return result, *render_answer(predictor, result, point)


def render_answer(predictor: Predictor, session_film: SessionFilm, point: str) -> AnswerParts:
    """What the page says of a film at an operating point, from the score that is there."""
    prediction = predictor.decide(session_film.reading, point)
    return (
        page_text.headline(prediction),
        answer_panel.bars(prediction, predictor.operating_points[point]),
        answer_panel.steps(prediction),
        reading_guide.reading_guide(prediction),
    )


def has_map(predictor: Predictor, session_film: SessionFilm, point: str) -> bool:
    """Whether the answer at an operating point comes with a map."""
    return predictor.decide(session_film.reading, point).zones is not None


def picture(session_film: SessionFilm | None, side: int = handlers.PREVIEW_SIDE) -> Image.Image | None:
    """The film as the model saw it: grey, windowed, bones bright; None where it is gone."""
    if session_film is None or session_film.is_deleted:
        return None
    image: Image.Image | Failure = handlers.result_or_failure(
        lambda: handlers.display_image(session_film.source, session_film.reading, side), None
    )
    return None if isinstance(image, Failure) else image


def render_activation(predictor: Predictor, session_film: SessionFilm | None, point: str) -> ActivationView:
    """What the model looked at: the film at full resolution, the map to lie over it, and the panel beneath."""
    film = picture(session_film, FULL_SIDE)
    if session_film is None or film is None:
        return None, None, page_text.film_deleted()
    prediction, activation = predictor.decide(session_film.reading, point), session_film.reading.activation
    layer = None if activation is None or prediction.zones is None else explain.map_layer(activation, film.size)
    return film, layer, activation_panel.panel(prediction, predictor.bundle.served_run)


def as_json(predictor: Predictor, session_film: SessionFilm | None, point: str) -> dict[str, str] | None:
    """The answer's JSON as a file for the browser to save; it names no file, since a name may be a patient's."""
    if session_film is None:
        return None
    text = json.dumps(predictor.decide(session_film.reading, point).as_dict(), indent=1, ensure_ascii=False) + "\n"
    return download("chest-film-answer.json", "application/json", text.encode())


def as_pdf(predictor: Predictor, session_film: SessionFilm | None, point: str, note: str = "") -> dict[str, str] | None:
    """The report as a file for the browser to save; of the patient it holds what the user typed, and nothing else."""
    film = picture(session_film, pdf_report.PICTURE_SIDE)
    if session_film is None or film is None:
        return None
    prediction = predictor.decide(session_film.reading, point)
    page = pdf_report.render_pdf(np.asarray(film), prediction, session_film.reading.activation, note=note)
    return download("chest-film-report.pdf", "application/pdf", page)


def download(name: str, kind: str, content: bytes) -> dict[str, str]:
    """A file that goes to the browser in the answer itself: it never lies on the server's disk."""
    return {"name": name, "kind": kind, "content": base64.b64encode(content).decode()}
