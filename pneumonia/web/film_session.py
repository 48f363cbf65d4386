"""One film in a browser session: scored once; answers, images and reports are then created from the stored score."""

from __future__ import annotations

import base64
import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

from ..inference import map_overlay
from ..inference.decision import DEFAULT_POINT, Failure, Prediction
from ..inference.gate_report import GateReport, gate_report
from ..inference.model import Model
from ..inference.predictor import Predictor
from ..inference.reading import Reading
from ..messages import join
from ..monitoring.recorder import observer
from ..reporting import pdf_pictures, pdf_report, reading_guide
from ..reporting.unbroken_figures import message_with_unbroken_figures as unbroken
from ..reporting.unbroken_percent import markdown_with_unbroken_percent
from . import activation_panel, age_groups, answer_panel, comparison_panel, handlers, page_text
from .model_line import model_line
from .server import request_log
from .server.upload import Upload

AnswerParts: TypeAlias = tuple[str, str, str, str, str]
"""(headline, bars, what the numbers mean, next steps, reading guide): four HTML texts and a Markdown text."""

PAGE = "page"
"""Source of the films of this tab in the counts of `monitoring`."""

NO_ANSWER = ("", "", "", "")
"""The texts beside the headline if there is no answer."""

ActivationView: TypeAlias = tuple[Any, str]
"""(activation map, panel): an image or None, and an HTML text."""

_NO_PIXELS = np.empty((0, 0), np.uint8)


@dataclass(frozen=True)
class StatedOpinion:
    """A user's opinion on an answer, a value of `monitoring.counts.OPINIONS`, as it was counted."""

    prediction: Prediction
    reading: Reading
    opinion: str


@dataclass(frozen=True, eq=False)
class SessionFilm:
    """Session state of one film: its reading, from which answers are decided, and the source of its images.

    It contains no pixels and no file name. `source` is the path of an upload, which stays on disk for its retention
    time and is read again for each image, or the bytes of an example. `eq=False`, because Gradio hashes the session
    state, and an activation map is not hashable.
    """

    reading: Reading
    source: Path | bytes
    size: tuple[int, int]
    """(width, height) of the film as it was scored; a large JPEG is smaller than in its file."""
    opinions: list[StatedOpinion] = dataclasses.field(default_factory=list)
    """What the user has stated about the film; the last one counts. It is kept when the film is read again."""

    @classmethod
    def from_reading(cls, reading: Reading, source: Path | bytes) -> SessionFilm:
        """The state for a reading, without its pixels."""
        film = dataclasses.replace(reading.film, pixels=_NO_PIXELS)
        return cls(dataclasses.replace(reading, film=film), source, (reading.film.width, reading.film.height))

    @property
    def is_deleted(self) -> bool:
        """True if the upload was deleted after its retention time."""
        return isinstance(self.source, Path) and not self.source.exists()


def open_film(
    predictor: Predictor,
    film: Upload | bytes | None,
    point: str = DEFAULT_POINT,
    age_group: str = age_groups.FROM_FILE,
    prevalence: float | None = None,
) -> tuple[SessionFilm | None, str, str, str, str, str]:
    """Read, score and decide a film of a patient of an age group; logs one line.

    Returns the session's state (None after a failure), followed by the `AnswerParts`. After a failure the headline
    contains the error, and the other texts are empty.
    """
    # The examples are no films of the site.
    observe = None if isinstance(film, bytes) else observer(PAGE)

    def read() -> SessionFilm:
        source = film if isinstance(film, bytes) else handlers.require_upload(film).path
        return SessionFilm.from_reading(age_groups.read(predictor, source, age_group), source)

    with request_log.film("page", film) as log_entry:
        result: SessionFilm | Failure = handlers.result_or_failure(read, None)
        outcome = result if isinstance(result, Failure) else predictor.decide(result.reading, point)
        log_entry.outcome = outcome
    if observe is not None:
        observe(outcome, None if isinstance(result, Failure) else result.reading)
    if isinstance(result, Failure):
        return None, page_text.failure(result), *NO_ANSWER
    return result, *render_answer(predictor, result, point, prevalence)


def reread_film(
    predictor: Predictor, session_film: SessionFilm, point: str, age_group: str, prevalence: float | None = None
) -> tuple[SessionFilm | None, str, str, str, str, str]:
    """Read and score the film of the session again, as that of a patient of another age group; see `open_film`."""
    if session_film.is_deleted:
        return None, page_text.film_deleted(), *NO_ANSWER
    source = session_film.source
    film = source if isinstance(source, bytes) else Upload(source, source.name)
    opened = open_film(predictor, film, point, age_group, prevalence)
    if opened[0] is not None:
        opened[0].opinions.extend(session_film.opinions)
    return opened


def render_answer(
    predictor: Predictor, session_film: SessionFilm, point: str, prevalence: float | None = None
) -> AnswerParts:
    """Answer at an operating point and a prevalence, decided from the existing score."""
    prediction = predictor.decide(session_film.reading, point, prevalence=prevalence)
    model = predictor.model_of(session_film.reading)
    return (
        page_text.headline(prediction, model.bundle),
        answer_panel.bars(prediction, model.operating_points[point], model.bundle.calibration),
        answer_panel.depth(prediction, model),
        answer_panel.steps(prediction),
        reading_guide.reading_guide(prediction),
    )


def model_texts(predictor: Predictor, session_film: SessionFilm | None) -> tuple[list[tuple[str, str]], str, str]:
    """(choices of the operating point, note on them, lines on the models).

    The figures are those of the model that answered, or of the only model. Without an answer of one of several models,
    no figures are given, and each model has a line.
    """
    models, was_scored = predictor.models, session_film is not None and session_film.reading.activation is not None
    if session_film is not None and was_scored:
        models = (predictor.model_of(session_film.reading),)
    lines = markdown_with_unbroken_percent(join(map(_model_line, models), "\n\n"))
    if len(models) > 1:
        points = {name: models[0].operating_points[name] for name in predictor.point_names}
        return answer_panel.point_choices(points, None), answer_panel.POINTS_NOTE, lines
    (model,) = models
    points = {name: model.operating_points[name] for name in predictor.point_names}
    choices: list[tuple[str, str]] = [
        (unbroken(text), name) for text, name in answer_panel.point_choices(points, model.bundle.served_run)
    ]
    return choices, join([answer_panel.FIGURES_NOTE, answer_panel.POINTS_NOTE]), lines


def _model_line(model: Model) -> str:
    return model_line(model.identity, model.bundle.served_run, model.population.description)


def map_offer(predictor: Predictor, session_film: SessionFilm | None, point: str) -> tuple[bool, str]:
    """Whether the answer at an operating point has an activation map, and why a scored film has none, as HTML.

    The page offers no map that it cannot show. For a film that was not scored, the answer itself says why.
    """
    if session_film is None or session_film.reading.activation is None:
        return False, ""
    prediction = predictor.decide(session_film.reading, point)
    has_map = prediction.zone_shares is not None
    return has_map, "" if has_map else activation_panel.panel(prediction, None)


def picture(session_film: SessionFilm | None, side: int = handlers.PREVIEW_SIDE) -> Image.Image | None:
    """The film as the model received it (greyscale, windowed, bones bright), its longest side at most `side` pixels.

    None if there is no film, or if it was deleted or cannot be read.
    """
    if session_film is None or session_film.is_deleted:
        return None
    image: Image.Image | Failure = handlers.result_or_failure(
        lambda: handlers.display_image(session_film.source, session_film.reading, side), None
    )
    return None if isinstance(image, Failure) else image


def gate_report_of(predictor: Predictor, session_film: SessionFilm | None) -> GateReport | None:
    """What the gate measured of the film; None if there is none, or if it was deleted or not refused by the gate."""
    if session_film is None or session_film.is_deleted:
        return None
    model = predictor.model_of(session_film.reading)
    report: GateReport | Failure | None = handlers.result_or_failure(
        lambda: gate_report(model, session_film.reading, session_film.source), None
    )
    return None if isinstance(report, Failure) else report


def comparison(predictor: Predictor, session_film: SessionFilm | None) -> str:
    """HTML with the film beside a class average if the gate refused it; "" otherwise."""
    report = gate_report_of(predictor, session_film)
    return "" if report is None else comparison_panel.comparison(report)


def render_activation(predictor: Predictor, session_film: SessionFilm | None, point: str) -> ActivationView:
    """(map, panel): the map as a layer over the film, in the size of its preview, and the HTML of the panel below.

    The map is None if there is no activation map, or if the film was deleted; the panel says so.
    """
    if session_film is None or session_film.is_deleted:
        return None, page_text.film_deleted()
    reading = session_film.reading
    prediction, activation, layer = predictor.decide(reading, point), reading.activation, None
    if activation is not None and prediction.zone_shares is not None:
        layer = map_overlay.map_layer(activation, _preview_size(session_film), reading.area, reading.lung_field)
    run, in_lungs = predictor.model_of(reading).bundle.served_run, reading.lung_field is not None
    return layer, activation_panel.panel(prediction, run, in_lungs=in_lungs)


def _preview_size(session_film: SessionFilm) -> tuple[int, int]:
    """(width, height) of the preview; the map is smooth, so it needs no more pixels."""
    width, height = session_film.size
    scale = min(1.0, handlers.PREVIEW_SIDE / max(width, height))
    return max(1, round(scale * width)), max(1, round(scale * height))


def as_json(
    predictor: Predictor, session_film: SessionFilm | None, point: str, prevalence: float | None = None
) -> dict[str, str] | None:
    """The answer as a JSON file for `save.js`; None without a film.

    It does not contain the film's file name, which may be the patient's name.
    """
    if session_film is None:
        return None
    prediction = predictor.decide(session_film.reading, point, prevalence=prevalence)
    text = json.dumps(prediction.as_dict(), indent=1, ensure_ascii=False) + "\n"
    return download("chest-film-answer.json", "application/json", text.encode())


def as_pdf(
    predictor: Predictor,
    session_film: SessionFilm | None,
    point: str,
    note: str = "",
    prevalence: float | None = None,
) -> dict[str, str] | None:
    """The report as a PDF file for `save.js`; None without a film, or if it was deleted.

    It contains no data of the patient except the age that was used, and `note`, which the user has typed.
    """
    film = picture(session_film, pdf_pictures.PICTURE_SIDE)
    if session_film is None or film is None:
        return None
    prediction = predictor.decide(session_film.reading, point, prevalence=prevalence)
    reading = session_film.reading
    page = pdf_report.render_pdf(
        np.asarray(film),
        prediction,
        reading.activation,
        area=reading.area,
        lung_field=reading.lung_field,
        bundle=predictor.model_of(reading).bundle,
        gate=gate_report_of(predictor, session_film),
        note=note,
    )
    return download("chest-film-report.pdf", "application/pdf", page)


def download(name: str, kind: str, content: bytes) -> dict[str, str]:
    """A file as JSON for `save.js`: name, MIME type and base64 content. It is never stored on the server's disk."""
    return {"name": name, "kind": kind, "content": base64.b64encode(content).decode()}
