"""The way of one film through the house: read, gate, score, decide. Thread-safe."""

from __future__ import annotations

import dataclasses
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from .. import imaging, settings
from ..errors import InternalError, PneumoniaError, UsageError
from ..imaging import Radiograph, Source
from . import explain
from .bundle import Bundle
from .decision import (
    CLASSES,
    DEFAULT_POINT,
    UNKNOWN,
    Failure,
    ModelIdentity,
    OperatingPoint,
    Prediction,
    Reason,
    check_prevalence,
    get_operating_point,
)
from .graph import Activation, Graph

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Reading:
    """What is known of a film before an operating point is chosen: any number of decisions can follow from it.

    `film` is what was judged: where the file held a negative (`inverted`), the corrected film. `refusal` is the reason
    not to ask the model; then `probability` and `activation` are None.
    """

    film: Radiograph
    refusal: Reason | None
    probability: float | None
    activation: Activation | None
    inverted: bool = False

    def display(self, source: Source) -> npt.NDArray[np.uint8]:
        """The film for a viewer, `[H, W]`: the `source` that was read, at full resolution, corrected as `film` is."""
        film = imaging.read(source, full_resolution=True)
        return imaging.to_display(imaging.invert(film) if self.inverted else film)


class Predictor:
    """Films in, predictions out, by one model. Build it with `load_predictor`."""

    def __init__(self, bundle: Bundle, threads: int | None = None) -> None:
        if threads is not None and threads < 1:
            raise UsageError(f"There must be a thread. Allowed: 1 or more. Received: {threads}.")
        self.bundle = bundle
        self.threads = threads or settings.THREADS.read()
        self._graph = Graph(bundle.graph, self.threads)

    @property
    def model(self) -> ModelIdentity:
        """Which model answers."""
        return self.bundle.identity

    @property
    def operating_points(self) -> dict[str, OperatingPoint]:
        """The model's operating points by name."""
        return self.bundle.operating_points

    def describe(self) -> dict[str, Any]:
        """The JSON of `/model`: identity, operating points, and the figures of this recipe's runs by protocol."""
        runs = self.bundle.evaluation["runs"].values()
        own = {run["protocol"]: run["figures"] for run in runs if run["recipe"] == self.bundle.config["recipe"]}
        points = {name: dataclasses.asdict(point) for name, point in self.operating_points.items()}
        return {**self.model.as_dict(), "operating_points": points, "figures": own}

    def predict(
        self,
        source: Source,
        operating_point: str = DEFAULT_POINT,
        *,
        file: str | None = None,
        prevalence: float | None = None,
    ) -> Prediction:
        """The answer for one film: a path, bytes, a PIL image, or an array (uint8, uint16, or float in 0..1).

        `file` is the name that the answer carries; a path carries its own. `prevalence` as in `decide`. Raises
        `PneumoniaError`.
        """
        self.check(operating_point, prevalence)
        return self.decide(self.read(source), operating_point, file=file or _name(source), prevalence=prevalence)

    def predict_many(
        self,
        sources: Iterable[Source | Callable[[], Source]],
        operating_point: str = DEFAULT_POINT,
        *,
        prevalence: float | None = None,
    ) -> Iterator[Prediction | Failure]:
        """An answer or a failure for each film, lazily and in order; a bad film never ends the others."""
        self.check(operating_point, prevalence)

        def answer(source: Source) -> Prediction:
            return self.predict(source, operating_point, prevalence=prevalence)

        return self.each(sources, answer)

    def each(
        self, sources: Iterable[Source | Callable[[], Source]], answer: Callable[[Source], Answer]
    ) -> Iterator[Answer | Failure]:
        """What `answer` gives for each film, or its failure, lazily and in order.

        Films are read and scored on all threads, a few ahead of the one that is asked for, so that memory stays bounded
        however many there are. A source may be a function: it is called when the film's turn comes, and a
        `PneumoniaError` that it raises is that film's failure.
        """
        waiting: deque[Future[Answer | Failure]] = deque()
        with ThreadPoolExecutor(self.threads, thread_name_prefix="film") as pool:
            try:
                for source in sources:
                    waiting.append(pool.submit(_or_fail, source, answer))
                    if len(waiting) > 4 * self.threads:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

    def read(self, source: Source) -> Reading:
        """Read, gate and score one film.

        A film that the gate refuses and whose negative it lets through goes on as its negative. A film that its file
        calls lateral, or one of another part of the body, is refused unseen. A large JPEG is always read at the same
        reduced size, so that no two front ends can disagree on a film; a viewer reads it once more at full resolution
        (`Reading.display`).
        """
        film = imaging.read(source)
        if film.is_other_body_part:
            return Reading(film, Reason("not_a_chest_film"), None, None)
        if film.is_lateral:
            return Reading(film, Reason("unlike_training_films"), None, None)
        seen = imaging.to_input(film)
        refusal = self.bundle.gate.check(seen)
        inverted = refusal is not None and self.bundle.gate.check(255 - seen) is None
        if inverted:
            film = imaging.invert(film)
            seen = imaging.to_input(film)
        elif refusal is not None:
            return Reading(film, Reason(refusal), None, None)
        probability, activation = self.score(seen)
        return Reading(film, None, probability, activation, inverted)

    def score(self, seen: npt.NDArray[np.uint8]) -> tuple[float, Activation]:
        """(calibrated probability of pneumonia, activation map) of a `[150, 150, 3]` input, without asking the gate."""
        score, activation = self._graph.score(seen)
        return self.bundle.calibration.probability(score), activation

    def decide(
        self,
        reading: Reading,
        operating_point: str = DEFAULT_POINT,
        *,
        file: str | None = None,
        prevalence: float | None = None,
    ) -> Prediction:
        """The answer that an operating point gives for a reading, without scoring again.

        `prevalence` is the share of films with pneumonia where the caller works, by default the calibration's. It moves
        the probabilities; the label stays, since operating points are defined at the calibration's prevalence.
        """
        check_prevalence(prevalence)
        point = get_operating_point(self.operating_points, operating_point)
        label = UNKNOWN if reading.probability is None else point.label(reading.probability)
        reason = reading.refusal or (Reason("inconclusive") if label == UNKNOWN else None)
        shown = reading.activation is not None and label != CLASSES[0]
        return Prediction(
            file=file,
            label=label,
            probability=self._probability(reading, prevalence),
            operating_point=operating_point,
            reason=reason,
            zones=explain.zone_shares(reading.activation) if shown and reading.activation is not None else None,
            model=self.model,
            warnings=_warnings(reading, prevalence),
        )

    def check(self, operating_point: str, prevalence: float | None) -> None:
        """Raises `UsageError` for what is not legal, before a film is read."""
        get_operating_point(self.operating_points, operating_point)
        check_prevalence(prevalence)

    def _probability(self, reading: Reading, prevalence: float | None) -> float | None:
        if reading.probability is None or prevalence is None:
            return reading.probability
        return self.bundle.calibration.at(prevalence, reading.probability)


def _or_fail(source: Source | Callable[[], Source], answer: Callable[[Source], Answer]) -> Answer | Failure:
    name = None
    try:
        source = source() if callable(source) else source
        name = _name(source)
        return answer(source)
    except PneumoniaError as error:
        return Failure(name, error)
    except Exception as error:
        return Failure(name, InternalError.from_exception(error))


def _warnings(reading: Reading, prevalence: float | None) -> tuple[str, ...]:
    if reading.probability is None or prevalence is None:
        return reading.film.warnings
    asked = f"Probabilities are for a prevalence of {100 * prevalence:g} %, as asked; the label does not depend on it."
    return (*reading.film.warnings, asked)


def _name(source: Source) -> str | None:
    return os.fspath(source) if isinstance(source, (str, os.PathLike)) else None
