"""A model: one bundle with its running graph. It scores input images of one population."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import settings
from ..errors import UsageError
from ..messages import message
from . import cut_off_lungs
from .answer_shares import answer_shares
from .bundle import Bundle
from .decision import CLASSES, UNKNOWN, ModelIdentity, OperatingPoint
from .gate import Gate
from .graph import Activation, Graph, LungField
from .populations import Population
from .predictive_value import AnswerShares, PredictiveValue


@dataclass(frozen=True)
class Score:
    """The output of a model for one input image.

    `probability` is the calibrated P(pneumonia), `activation` the map `[h, w]` of non-negative evidence, `lung_field`
    the predicted lung field `[h, w]` in 0..1; None if the graph predicts none. `lungs_at_edge` is the limit that the
    lung field exceeds at an edge, "near" or "far", see `cut_off_lungs`; above "far" the film is refused.
    """

    probability: float
    activation: Activation
    lung_field: LungField | None
    lungs_at_edge: str | None = None

    @property
    def refusal(self) -> str | None:
        """The code with which a scored film is refused; None if it is answered."""
        return "unlike_training_films" if self.lungs_at_edge == "far" else None


class Model:
    """One bundle with its graph: gate, network, calibration and operating points of one population. Thread-safe.

    `threads` is the number of films that are scored at the same time, by default `PNEUMONIA_THREADS`. Raises
    `UsageError` if it is less than 1, and `BundleCorrupt` if the graph cannot be loaded.
    """

    def __init__(self, bundle: Bundle, threads: int | None = None) -> None:
        if threads is not None and threads < 1:
            raise UsageError(
                message("Invalid number of threads. Allowed: 1 or more. Received: {threads}.", threads=threads)
            )
        self.bundle = bundle
        self.threads: int = threads or settings.THREADS.read()
        self.graph = Graph(bundle.graph, self.threads)
        self._answer_shares: dict[tuple[str, str], AnswerShares | None] = {}

    @property
    def identity(self) -> ModelIdentity:
        """Name, revision and sha256 of the bundle."""
        return self.bundle.identity

    @property
    def population(self) -> Population:
        """The patients for whom the model was trained."""
        return self.bundle.population

    @property
    def operating_points(self) -> dict[str, OperatingPoint]:
        """The operating points by name."""
        return self.bundle.operating_points

    @property
    def gate(self) -> Gate:
        """The gate of the model's population."""
        return self.bundle.gate

    def score(self, input_image: npt.NDArray[np.uint8]) -> Score:
        """The score of a `[150, 150, 3]` input image; the gate is not applied."""
        output = self.graph.score(input_image)
        field = output.lung_field
        at_edge = None if field is None else cut_off_lungs.exceeded_limit(field, self.bundle.lung_edge_limits)
        return Score(self.bundle.calibration.probability(output.score), output.activation, field, at_edge)

    def refusal(self, input_image: npt.NDArray[np.uint8], score: Score) -> str | None:
        """The code with which the gate, or the lung field of its score, refuses an input image; None if answered."""
        return self.gate.check(input_image) or score.refusal

    def answer_shares(self, point: str, label: str) -> AnswerShares | None:
        """How often the test films of each class get a label at an operating point; None if that was not measured.

        With a site overlay they are the site's films, at the operating points of the overlay.

        The figures hold for the operating point and the calibration with which the model was tested, not for others
        that replace them.
        """
        key = point, label
        if key not in self._answer_shares:
            self._answer_shares[key] = answer_shares(self._run_of(point), point, label)
        return self._answer_shares[key]

    def _run_of(self, point: str) -> Mapping[str, Any] | None:
        """The run with the answers at an operating point: those of the site for a point of its overlay."""
        if point in (self.bundle.site_answers or {}):
            return {"answers": self.bundle.site_answers}
        return self.bundle.served_run if self._is_as_tested(point) else None

    def _is_as_tested(self, point: str) -> bool:
        config, calibration = self.bundle.config, self.bundle.calibration
        tested = config["calibration"]["slope"], config["calibration"]["intercept"]
        limits = config["operating_points"].get(point)
        return limits == dataclasses.asdict(self.operating_points[point]) and tested == (
            calibration.slope,
            calibration.intercept,
        )

    def predictive_value(self, label: str, point: str, prevalence: float) -> PredictiveValue | None:
        """Of the films with a label at an operating point and a prevalence, the share for which the label is right.

        None for Unknown, and if the model was not tested at this operating point.
        """
        shares = None if label == UNKNOWN else self.answer_shares(point, label)
        if shares is None:
            return None
        return shares.predictive_value(is_positive=label == CLASSES[1], prevalence=prevalence)

    def describe(self) -> dict[str, Any]:
        """Identity, population, licence, operating points, and the figures of this recipe's runs by protocol.

        A part of `/model`. The licence (`name`, `terms`, `non_commercial`) is None if the bundle states none.
        """
        runs = self.bundle.evaluation["runs"].values()
        figures = {run["protocol"]: run["figures"] for run in runs if run["recipe"] == self.bundle.config["recipe"]}
        points = {name: dataclasses.asdict(point) for name, point in self.operating_points.items()}
        return {
            **self.identity.as_dict(),
            "population": self.population.name,
            "licence": self.bundle.config.get("licence"),
            "operating_points": points,
            "figures": figures,
        }
