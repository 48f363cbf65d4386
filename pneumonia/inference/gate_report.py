"""What the gate measured of a refused film, and the class average that the film resembles most.

It is computed on request, after the answer: reading a film runs the gate only (`routing`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .. import imaging
from .gate import Limits
from .gate_views import MIN_CONTRAST, Features, Floats
from .model import Model
from .reading import Reading
from .routing import GATE_REFUSALS

_LOG_ODDS_SCALE = 2.0
"""Distance of a measure above its near limit that counts as much as the far limit, where it has none: the classifier's
measures are logarithms of odds, and the other one of them has its far limit there."""

MAX_MAIN_MEASURES = 2
"""Number of reasons that a reader takes in at a glance; the others are in the table."""


@dataclass(frozen=True)
class GateMeasure:
    """One measure of a gate for one film: the `view` and `name` of `Gate.limits`, its value and its limits."""

    view: str
    name: str
    value: float
    limits: Limits

    @property
    def is_exceeded(self) -> bool:
        """Whether the value is above a limit, so that it is a reason for the refusal."""
        return self.limits.exceeded_limit(self.value) is not None

    @property
    def excess(self) -> float:
        """How far the value is above the near limit: 0 at this limit, 1 at the far limit; negative below."""
        far, near = self.limits.far, self.limits.near
        scale = _LOG_ODDS_SCALE if far is None or far <= near else far - near
        return (self.value - near) / scale


@dataclass(frozen=True)
class ClassAverage:
    """The average of the training films of a class: its file, and its similarity to the film.

    `similarity` is the correlation of the block brightness of both, -1..1.
    """

    path: Path
    similarity: float


@dataclass(frozen=True)
class GateReport:
    """What a gate measured of a film: the measures from the one that exceeds its limit most to the least.

    `input_image` `[150, 150]` is the film as the gate received it, `deviation` its standard deviation in 8-bit grey
    levels, `average` the class average of the model that the film resembles most, None if the bundle has none.
    """

    model: Model
    input_image: npt.NDArray[np.uint8]
    measures: tuple[GateMeasure, ...]
    deviation: float
    average: ClassAverage | None

    @property
    def has_contrast(self) -> bool:
        """Whether the film has enough contrast to be measured."""
        return self.deviation >= MIN_CONTRAST

    @property
    def main_measures(self) -> tuple[GateMeasure, ...]:
        """The measures that exceed their limits most, at most `MAX_MAIN_MEASURES`."""
        return tuple(measure for measure in self.measures if measure.is_exceeded)[:MAX_MAIN_MEASURES]


def gate_report(model: Model, reading: Reading, source: imaging.Source) -> GateReport | None:
    """What the gate of `model` measured of the film of a reading; None if no gate refused it.

    A film whose header declares a lateral view or another body part, whose age no model covers, or that is a strip of a
    film, was not measured; a photograph of a film was accepted by the gate. Such readings have no assessment.
    `source` is read again. Raises the errors of `imaging.read`.
    """
    if reading.refusal is None or reading.refusal.code not in GATE_REFUSALS or reading.assessment is None:
        return None
    return measure_film(model, imaging.to_input(imaging.read(source)))


def measure_film(model: Model, input_image: npt.NDArray[np.uint8]) -> GateReport:
    """What the gate of `model` measures of an input image `[150, 150, 3]`."""
    features = Features.of(input_image)
    limits = model.gate.limits
    measures = [
        GateMeasure(view, name, value, limits[view][name])
        for view, values in model.gate.measures(features).items()
        for name, value in values.items()
        if name in limits.get(view, {})
    ]
    measures.sort(key=lambda measure: (not measure.is_exceeded, -measure.excess))
    grey = input_image[:, :, 0]
    return GateReport(model, grey, tuple(measures), float(grey.std()), _closest_average(model, features))


def _closest_average(model: Model, features: Features) -> ClassAverage | None:
    brightness = features.views["brightness"][0]
    averages = [
        ClassAverage(path, float(np.mean(brightness * _average_brightness(path)))) for path in model.bundle.examples
    ]
    return max(averages, key=lambda average: average.similarity, default=None)


@cache
def _average_brightness(path: Path) -> Floats:
    """`[900]`: block brightness of a class average, standardised as that of a film."""
    brightness: Floats = Features.of(imaging.to_input(imaging.read(path))).views["brightness"][0]
    return brightness
