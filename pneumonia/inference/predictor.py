"""Prediction pipeline for one radiograph: read, gate, score, decide. Thread-safe."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from .. import imaging
from ..errors import InternalError, PneumoniaError, UsageError
from ..imaging import Area, Radiograph, Source
from . import explain
from .decision import (
    CLASSES,
    DEFAULT_POINT,
    PHOTOGRAPH_ADVICE,
    UNKNOWN,
    Failure,
    Prediction,
    Reason,
    check_prevalence,
    get_operating_point,
)
from .graph import Activation, LungField
from .model import Model
from .named_film import NamedFilm, name_of, source_of
from .sources import load_bundle

Result = TypeVar("Result")

QUEUED_FILMS_PER_THREAD = 4
"""Maximum number of films per thread whose results have not been consumed yet; limits the memory of long runs."""


@dataclass(frozen=True)
class Reading:
    """The result for a film before an operating point is applied; `Predictor.decide` turns it into predictions.

    `film` is the radiograph as scored; if the film in the file was inverted, `inverted` is true and `film` is the
    corrected one. `refusal` is the reason why the model was not run; then `probability` and `activation` are None.
    `probability` is the calibrated P(pneumonia), `activation` the map `[h, w]`, and `lung_field` the predicted lung
    field `[h, w]`, None if the model predicts none.
    """

    film: Radiograph
    refusal: Reason | None
    probability: float | None
    activation: Activation | None
    inverted: bool = False
    lung_field: LungField | None = None

    @property
    def area(self) -> Area:
        """The part of the film, without a uniform frame, that the model received; the activation map covers it."""
        return self.film.area or imaging.WHOLE

    def display(self, source: Source) -> npt.NDArray[np.uint8]:
        """Read `source` at full resolution for display: uint8 `[H, W]`, inverted if `inverted` is true.

        A uniform frame is displayed too.
        """
        film = imaging.read(source, full_resolution=True)
        return imaging.to_display(imaging.invert(film) if self.inverted else film)


class Predictor:
    """Predicts films with one model per population; created by `load_predictor`. Raises `UsageError` for no model."""

    def __init__(self, models: Sequence[Model]) -> None:
        if not models:
            raise UsageError("A predictor needs a model. Allowed: one for each population. Received: none.")
        self.models = tuple(models)

    @property
    def threads(self) -> int:
        """The number of films that are predicted at the same time."""
        return max(model.threads for model in self.models)

    @property
    def point_names(self) -> tuple[str, ...]:
        """Names of the operating points that every model has."""
        first, *others = (model.operating_points for model in self.models)
        return tuple(name for name in first if all(name in points for points in others))

    def with_threads(self, threads: int) -> Predictor:
        """A predictor of the same bundles with `threads` threads and interpreters of its own."""
        return Predictor([Model(model.bundle, threads) for model in self.models])

    def describe(self) -> dict[str, Any]:
        """The JSON of `/model`: identity, operating points, and the figures of this recipe's runs by protocol."""
        return self.models[0].describe()

    def predict(
        self,
        source: Source,
        operating_point: str = DEFAULT_POINT,
        *,
        file: str | None = None,
        prevalence: float | None = None,
    ) -> Prediction:
        """Predict one film: a path, bytes, a PIL image, or an array (uint8, uint16, or float in 0..1).

        `file` is the name in the prediction, by default the path. For `prevalence` see `decide`. Raises a
        `PneumoniaError`.
        """
        self.check_options(operating_point, prevalence)
        name = file or name_of(source)
        return self.decide(self.read(source), operating_point, file=name, prevalence=prevalence)

    def predict_many(
        self,
        sources: Iterable[Source | NamedFilm],
        operating_point: str = DEFAULT_POINT,
        *,
        prevalence: float | None = None,
    ) -> Iterator[Prediction | Failure]:
        """Predict films lazily; yields one result per film, in order. A film that cannot be read becomes a `Failure`.

        Raises `UsageError` for an invalid operating point or prevalence. No error of a single film is raised.
        """
        self.check_options(operating_point, prevalence)

        def predict(source: Source, name: str | None) -> Prediction:
            return self.decide(self.read(source), operating_point, file=name, prevalence=prevalence)

        return self.map_films(sources, predict)

    def map_films(
        self, films: Iterable[Source | NamedFilm], function: Callable[[Source, str | None], Result]
    ) -> Iterator[Result | Failure]:
        """Call `function(source, name)` for each film on all threads; yields its results lazily and in order.

        If a call raises an exception, the result of the film is a `Failure`. At most `QUEUED_FILMS_PER_THREAD` films
        per thread are in progress, which limits memory for any number of films.
        """
        pending: deque[Future[Result | Failure]] = deque()
        with ThreadPoolExecutor(self.threads, thread_name_prefix="film") as pool:
            try:
                for film in films:
                    pending.append(pool.submit(_result_or_failure, film, function))
                    if len(pending) > QUEUED_FILMS_PER_THREAD * self.threads:
                        yield pending.popleft().result()
                while pending:
                    yield pending.popleft().result()
            finally:
                for future in pending:
                    future.cancel()

    def read(self, source: Source) -> Reading:
        """Read, gate and score one film.

        If the gate refuses a film but accepts its inverted copy, the copy is scored. A film whose header declares a
        lateral view or another body part is refused without running the gate. A large JPEG is always decoded at the
        same reduced size, so that page, API and command line agree; `Reading.display` decodes it at full resolution.
        """
        film = imaging.read(source)
        if film.is_other_body_part:
            return Reading(film, Reason("not_a_chest_film"), None, None)
        if film.is_lateral:
            return Reading(film, Reason("unlike_training_films"), None, None)
        input_image = imaging.to_input(film)
        refusal = self.models[0].gate.check(input_image)
        inverted = refusal is not None and self.models[0].gate.check(255 - input_image) is None
        if inverted:
            film = imaging.invert(film)
            input_image = imaging.to_input(film)
        elif refusal is not None:
            return Reading(film, _refusal(refusal, film), None, None)
        score = self.models[0].score(input_image)
        return Reading(film, None, score.probability, score.activation, inverted, score.lung_field)

    def decide(
        self,
        reading: Reading,
        operating_point: str = DEFAULT_POINT,
        *,
        file: str | None = None,
        prevalence: float | None = None,
    ) -> Prediction:
        """The prediction for a reading at an operating point; the film is not scored again.

        `prevalence` is the share of films with pneumonia at the caller's site; by default the calibration's. It changes
        the probabilities, not the label, since operating points are defined at the calibration's prevalence. Raises
        `UsageError` for an unknown operating point or an invalid prevalence.
        """
        check_prevalence(prevalence)
        point = get_operating_point(self.models[0].operating_points, operating_point)
        label = UNKNOWN if reading.probability is None else point.label(reading.probability)
        reason = reading.refusal or (Reason("inconclusive") if label == UNKNOWN else None)
        activation = None if label == CLASSES[0] else reading.activation
        return Prediction(
            file=file,
            label=label,
            probability=self._probability(reading, prevalence),
            operating_point=operating_point,
            reason=reason,
            zones=None if activation is None else explain.zone_shares(activation),
            model=self.models[0].identity,
            warnings=_warnings(reading, prevalence),
        )

    def check_options(self, operating_point: str, prevalence: float | None) -> None:
        """Raise `UsageError` for an unknown operating point or an invalid prevalence, before any film is read."""
        for model in self.models:
            get_operating_point(model.operating_points, operating_point)
        check_prevalence(prevalence)

    def _probability(self, reading: Reading, prevalence: float | None) -> float | None:
        if reading.probability is None or prevalence is None:
            return reading.probability
        return self.models[0].bundle.calibration.at_prevalence(prevalence, reading.probability)


def load_predictor(model: str | None = None, *, threads: int | None = None) -> Predictor:
    """Load a predictor: `model` is "" (embedded), a folder ("runs/best") or a Hub name ("owner/name@revision").

    `model` None reads the setting `PNEUMONIA_MODEL`; `threads` None reads `PNEUMONIA_THREADS`. Raises a `ModelError` if
    the model cannot be loaded; no other model is used in its place.
    """
    return Predictor([load_model(model, threads=threads)])


def load_model(model: str | None = None, *, threads: int | None = None) -> Model:
    """Load the model of one population, for evaluation; arguments and errors are those of `load_predictor`."""
    return Model(load_bundle(model), threads)


def _result_or_failure(film: Source | NamedFilm, function: Callable[[Source, str | None], Result]) -> Result | Failure:
    name = None
    try:
        name = name_of(film)
        return function(source_of(film), name)
    except PneumoniaError as error:
        return Failure(name, error)
    except Exception as error:
        return Failure(name, InternalError.from_exception(error))


def _refusal(code: str, film: Radiograph) -> Reason:
    """The gate's reason, with advice unless the image is a DICOM file, which no camera writes."""
    is_unlike_films = code in {"not_a_chest_film", "unlike_training_films"}
    return Reason(code, PHOTOGRAPH_ADVICE if is_unlike_films and film.format != "DICOM" else "")


def _warnings(reading: Reading, prevalence: float | None) -> tuple[str, ...]:
    if reading.probability is None or prevalence is None:
        return reading.film.warnings
    warning = (
        f"Probabilities are for the requested prevalence of {100 * prevalence:g} %; the label does not depend on it."
    )
    return (*reading.film.warnings, warning)
