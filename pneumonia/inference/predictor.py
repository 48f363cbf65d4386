"""Prediction pipeline for one radiograph: read, route to a model by age or gate, score, decide. Thread-safe."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from ..errors import InternalError, PneumoniaError, UsageError
from ..imaging import Sides, Source
from ..messages import message
from . import explain, zone_names
from .decision import (
    CLASSES,
    DEFAULT_POINT,
    UNKNOWN,
    Failure,
    ModelIdentity,
    Prediction,
    Reason,
    check_age,
    check_prevalence,
    get_operating_point,
)
from .model import Model
from .named_film import NamedFilm, name_of, source_of
from .reading import Reading, read_film
from .site_overlay import apply_site
from .sources import load_bundle, load_bundles

Result = TypeVar("Result")
Observer = Callable[[Prediction | Failure, Reading | None], None]
"""Called with each result and the reading behind it, None for a failure. It runs on the thread of the film."""

QUEUED_FILMS_PER_THREAD = 4
"""Maximum number of films per thread whose results have not been consumed yet; limits the memory of long runs."""


class Predictor:
    """Predicts films with one model per population; created by `load_predictor`.

    Raises `UsageError` for no model, or two of one population.
    """

    def __init__(self, models: Sequence[Model]) -> None:
        names = [model.population.name for model in models]
        if not names or len(set(names)) < len(names):
            raise UsageError(
                message(
                    "Invalid models. Allowed: one for each population. Received: {names}.",
                    names=", ".join(names) or "none",
                )
            )
        self.models = tuple(models)

    @property
    def threads(self) -> int:
        """The number of films that are predicted at the same time."""
        return max(model.threads for model in self.models)

    @property
    def identity(self) -> ModelIdentity:
        """The identity of the model; for several models their names, revisions and hashes, joined by " + "."""
        identities = [model.identity for model in self.models]
        names, revisions, digests = (
            " + ".join(dict.fromkeys(getattr(identity, key) for identity in identities))
            for key in ("name", "revision", "sha256")
        )
        sites = dict.fromkeys(identity.site for identity in identities if identity.site)
        return ModelIdentity(names, revisions, digests, " + ".join(sites) or None)

    @property
    def point_names(self) -> tuple[str, ...]:
        """Names of the operating points that every model has."""
        first, *others = (model.operating_points for model in self.models)
        return tuple(name for name in first if all(name in points for points in others))

    def with_threads(self, threads: int) -> Predictor:
        """A predictor of the same bundles with `threads` threads and interpreters of its own."""
        return Predictor([Model(model.bundle, threads) for model in self.models])

    def describe(self) -> dict[str, Any]:
        """The JSON of `/model`: the description of the first model, and under `populations` that of each model."""
        # Gradio's JSON encoder takes only plain strings as keys, and the name is a message.
        populations = {str(model.population.name): model.describe() for model in self.models}
        return {**self.models[0].describe(), "populations": populations}

    def predict(
        self,
        source: Source,
        operating_point: str = DEFAULT_POINT,
        *,
        file: str | None = None,
        prevalence: float | None = None,
        age: float | None = None,
        observe: Observer | None = None,
    ) -> Prediction:
        """Predict one film: a path, bytes, a PIL image, or an array (uint8, uint16, or float in 0..1).

        `file` is the name in the prediction, by default the path. For `age` see `read`, for `prevalence` see `decide`.
        `observe` is called with a prediction, not with an error. Raises a `PneumoniaError`.
        """
        self.check_options(operating_point, prevalence, age)
        name = file or name_of(source)
        return self._read_and_decide(source, name, operating_point, prevalence, age, observe)

    def predict_many(
        self,
        sources: Iterable[Source | NamedFilm],
        operating_point: str = DEFAULT_POINT,
        *,
        prevalence: float | None = None,
        age: float | None = None,
        observe: Observer | None = None,
    ) -> Iterator[Prediction | Failure]:
        """Predict films lazily; yields one result per film, in order. A film that cannot be read becomes a `Failure`.

        `age` is that of all patients. `observe` is called with each result, before it is yielded. Raises `UsageError`
        for an invalid operating point, prevalence or age. No error of a single film is raised.
        """
        self.check_options(operating_point, prevalence, age)

        def predict(source: Source, name: str | None) -> Prediction:
            return self._read_and_decide(source, name, operating_point, prevalence, age, observe)

        results = self.map_films(sources, predict)
        return results if observe is None else _with_failures_observed(results, observe)

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

    def read(self, source: Source, age: float | None = None) -> Reading:
        """Read one film, choose its model, and score it.

        `age` is the patient's in years, by default that in the DICOM header; if it is known, the model for it applies,
        otherwise the gates choose, see `routing`. If the gates refuse a film but accept its inverted copy, the copy is
        scored. A film whose header declares a lateral view or another body part, or whose patient's age no model
        covers, is refused without running a gate. A large JPEG is always decoded at the same reduced size, so that
        page, API and command line agree; `Reading.display` decodes it at full resolution. Raises `UsageError` for an
        invalid age, and the errors of `imaging.read`.
        """
        check_age(age)
        return read_film(self.models, source, age)

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
        `Prediction.probability_at_prevalence` and `predictive_value`. The label and the probability beside it are at
        the calibration's prevalence, for which operating points are defined, so that they never contradict each other.
        Raises `UsageError` for an unknown operating point or an invalid prevalence.
        """
        check_prevalence(prevalence)
        model = self.model_of(reading)
        point = get_operating_point(model.operating_points, operating_point)
        probability = reading.probability
        label = UNKNOWN if probability is None else point.label(probability)
        reason = reading.refusal or (Reason("inconclusive") if label == UNKNOWN else None)
        activation = None if label == CLASSES[0] else reading.activation
        zones = None if activation is None else explain.zone_shares(activation, reading.lung_field)
        is_side_known = reading.sides is not Sides.UNKNOWN
        named_zones = None if zones is None else zone_names.named(zones, reading.sides)
        return Prediction(
            file=file,
            label=label,
            probability=None if probability is None else model.bundle.calibration.supported(probability),
            operating_point=operating_point,
            reason=reason,
            zones=named_zones if is_side_known else None,
            image_zones=None if is_side_known else named_zones,
            sides=reading.sides,
            model=model.identity,
            warnings=reading.film.warnings,
            population=None if probability is None else model.population.name,
            age=reading.age,
            age_source=reading.age_source,
            **_at_prevalence(model, label, operating_point, probability, prevalence),
        )

    def _read_and_decide(
        self,
        source: Source,
        name: str | None,
        operating_point: str,
        prevalence: float | None,
        age: float | None,
        observe: Observer | None,
    ) -> Prediction:
        reading = self.read(source, age)
        prediction = self.decide(reading, operating_point, file=name, prevalence=prevalence)
        if observe is not None:
            observe(prediction, reading)
        return prediction

    def check_options(self, operating_point: str, prevalence: float | None, age: float | None = None) -> None:
        """Raise `UsageError` for an unknown operating point, or an invalid prevalence or age, before a film is read."""
        for model in self.models:
            get_operating_point(model.operating_points, operating_point)
        check_prevalence(prevalence)
        check_age(age)

    def model_of(self, reading: Reading) -> Model:
        """The model that scored the film, or whose gate refused it; see `Prediction.model`."""
        return next((model for model in self.models if model.population is reading.population), self.models[0])


def load_predictor(
    model: str | None = None, *, threads: int | None = None, site: str | Path | None = None
) -> Predictor:
    """Load a predictor: `model` is "" (embedded), a folder ("runs/best") or a Hub name ("owner/name@revision").

    Several names are separated by commas, one for each population. `model` None reads the setting `PNEUMONIA_MODEL`;
    `threads` None reads `PNEUMONIA_THREADS`. `site` is the file of a site overlay; None reads `PNEUMONIA_SITE`, ""
    applies none. Raises a `ModelError` if a model or the overlay cannot be loaded, and `UsageError` for two models of
    one population; no other model is used in its place.
    """
    return Predictor([Model(bundle, threads) for bundle in apply_site(load_bundles(model), site)])


def load_model(model: str | None = None, *, population: str | None = None, threads: int | None = None) -> Model:
    """Load the model of one population, by default the first, for evaluation.

    The other arguments and the errors are those of `load_predictor`; `ModelNotFound` if no model is of the population.
    """
    return Model(load_bundle(model, population), threads)


def _with_failures_observed(
    results: Iterator[Prediction | Failure], observe: Observer
) -> Iterator[Prediction | Failure]:
    for result in results:
        if isinstance(result, Failure):
            observe(result, None)
        yield result


def _result_or_failure(film: Source | NamedFilm, function: Callable[[Source, str | None], Result]) -> Result | Failure:
    name = None
    try:
        name = name_of(film)
        return function(source_of(film), name)
    except PneumoniaError as error:
        return Failure(name, error)
    except Exception as error:
        return Failure(name, InternalError.from_exception(error))


def _at_prevalence(
    model: Model, label: str, point: str, probability: float | None, prevalence: float | None
) -> dict[str, Any]:
    """The values of a prediction that depend on the prevalence; none if the film was not scored."""
    if probability is None:
        return {}
    calibration = model.bundle.calibration
    assumed = calibration.prevalence if prevalence is None else prevalence
    return {
        "prevalence": assumed,
        "probability_at_prevalence": calibration.supported(probability, assumed),
        "predictive_value": model.predictive_value(label, point, assumed),
    }
