"""Scoring of the films of a validation with the served models."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from .. import imaging
from ..errors import PneumoniaError
from ..evaluation.reference_measures import gate_measures
from ..imaging import Source
from ..imaging.radiograph import Radiograph
from ..inference.decision import UNKNOWN, Failure, Prediction
from ..inference.named_film import NamedFilm
from ..inference.predictor import Predictor
from ..inference.reading import Reading
from ..inference.routing import GATE_REFUSALS
from ..messages import message
from .site_films import Problem, SiteFilm

THUMBNAIL_SIDE = 220
"""Longest side of a thumbnail in pixels: enough to see an opacity, 6 KB each."""


@dataclass(frozen=True)
class FilmResult:
    """The result of one film.

    `prediction` is None if the file could not be read; then `error` says why. `probability`: calibrated P(pneumonia)
    without limits, None if the film was not scored. `population`: that of the model that scored or refused it.
    `measures`: gate measures, see `evaluation.reference_measures`; empty if no gate was run. `digest` identifies the
    pixels. `thumbnail`: JPEG, only for a film on the wrong side of one half.
    """

    film: SiteFilm
    prediction: Prediction | None
    error: PneumoniaError | None
    probability: float | None
    population: str | None
    measures: dict[str, float]
    digest: str
    thumbnail: bytes

    @property
    def name(self) -> str:
        return self.film.film.name

    @property
    def answer(self) -> str:
        """Normal, Pneumonia or Unknown; Unknown for a file that could not be read."""
        return UNKNOWN if self.prediction is None else self.prediction.label

    @property
    def reason_code(self) -> str:
        """Why there is no answer: code of the reason for Unknown, or of the error; "" for an answer."""
        if self.error is not None:
            return self.error.code
        return self.prediction.reason.code if self.prediction and self.prediction.reason else ""

    @property
    def outcome(self) -> Prediction | Failure:
        """The prediction, or the failure of a file that could not be read."""
        if self.prediction is not None:
            return self.prediction
        assert self.error is not None
        return Failure(self.name, self.error)

    @property
    def age(self) -> float | None:
        """Age in years as used, from the table or the file."""
        return self.film.age if self.prediction is None else self.prediction.age


def score_films(
    predictor: Predictor,
    films: Sequence[SiteFilm],
    operating_point: str,
    *,
    age: float | None = None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Iterator[FilmResult]:
    """Yield the result of each film, in order, until `is_stopped`.

    `age` in years is that of all patients of whom the table states none. Raises `UsageError` for an invalid operating
    point or age; no error of a film is raised.
    """
    predictor.check_options(operating_point, None, age)

    def score(source: Source, index: str | None) -> FilmResult:
        film = films[int(index or 0)]
        reading = predictor.read(source, age if film.age is None else film.age)
        prediction = predictor.decide(reading, operating_point, file=film.film.name)
        population = None if reading.population is None else reading.population.name
        measures = _measures(predictor, reading)
        digest, thumbnail = _digest(reading.film), _thumbnail(reading, film.label)
        return FilmResult(film, prediction, None, reading.probability, population, measures, digest, thumbnail)

    results = predictor.map_films(_numbered(films, is_stopped), score)
    for film, result in zip(films, results, strict=False):
        if isinstance(result, Failure):
            yield FilmResult(film, None, result.error, None, None, {}, "", b"")
        else:
            yield result


def without_repeats(results: Iterable[FilmResult]) -> tuple[list[FilmResult], list[Problem]]:
    """The results without films that occur twice, and a problem for each that is left out.

    Of equal films with one label the first counts; if their labels differ, none does.
    """
    listed = list(results)
    labels: dict[str, set[int]] = {}
    for result in listed:
        labels.setdefault(result.digest, set()).add(result.film.label)
    unique, problems, first = [], [], dict[str, str]()
    for result in listed:
        other = first.setdefault(result.digest, result.name) if result.digest else result.name
        if result.digest and len(labels[result.digest]) > 1:
            problems.append(Problem(result.name, "same_film_other_label"))
        elif other is not result.name:
            problems.append(Problem(result.name, "same_film", message("The other file: {name}.", name=other)))
        else:
            unique.append(result)
    return unique, problems


def _numbered(films: Sequence[SiteFilm], is_stopped: Callable[[], bool]) -> Iterator[NamedFilm]:
    """The films under their index: two films of a ZIP may have the same name."""
    for index, film in enumerate(films):
        if is_stopped():
            return
        yield NamedFilm(str(index), film.film.source)


def _measures(predictor: Predictor, reading: Reading) -> dict[str, float]:
    refusal = reading.refusal.code if reading.refusal else None
    if reading.population is None or refusal not in {None, *GATE_REFUSALS} or reading.film.is_lateral:
        return {}
    return gate_measures(predictor.model_of(reading).gate, imaging.to_input(reading.film))


def _digest(film: Radiograph) -> str:
    pixels = np.ascontiguousarray(film.pixels)
    return hashlib.sha256(f"{pixels.shape} {pixels.dtype}".encode() + pixels.tobytes()).hexdigest()


def _thumbnail(reading: Reading, label: int) -> bytes:
    if reading.probability is None or (reading.probability >= 0.5) == (label == 1):
        return b""
    image = Image.fromarray(imaging.to_display(reading.film))
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
