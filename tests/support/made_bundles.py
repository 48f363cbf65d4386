"""Made bundles of the populations: the embedded children's bundle with another population, gate limits and score."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import numpy as np

from pneumonia.inference import bundle, sources
from pneumonia.inference.bundle import Bundle
from pneumonia.inference.gate import Assessment, Gate
from pneumonia.inference.gate_views import Features, Films
from pneumonia.inference.model import Model
from pneumonia.inference.predictor import Predictor


@dataclass(frozen=True)
class MadeGate:
    """A gate with a fixed judgement of films that the embedded gate accepts; it counts its calls.

    Films that the embedded gate refuses, and inverted ones, are refused as by that gate, so that real kinds of films
    can be tried.
    """

    embedded: Gate
    reason: str | None
    resemblance: float

    def assess(self, features: Features) -> Assessment:
        judgement = self.embedded.assess(features)
        return Assessment(judgement.reason or self.reason, self.resemblance, judgement.distance)

    def check(self, input_image: Films) -> str | None:
        return self.assess(Features.of(input_image)).reason


def made_bundle(
    population: str,
    *,
    reason: str | None = None,
    resemblance: float = 0.0,
    probability: float | None = None,
    **config: Any,
) -> Bundle:
    """The embedded children's bundle as one of `population`, whose gate gives `reason` and `resemblance`.

    With `probability`, every film gets this calibrated P(pneumonia).
    """
    embedded = bundle.load(sources.EMBEDDED_FOLDER, "made")
    gate = cast("Gate", MadeGate(embedded.gate, reason, resemblance))
    made = replace(
        embedded,
        identity=replace(embedded.identity, name=population, sha256=sha256(population.encode()).hexdigest()),
        config={**embedded.config, "population": population, **config},
        gate=gate,
    )
    if probability is None:
        return made
    logit = math.log(probability / (1 - probability))
    return replace(made, calibration=replace(made.calibration, slope=1e-9, intercept=logit))


def made_predictor(**options: Mapping[str, Any]) -> Predictor:
    """A predictor with a made bundle for each population, given as `made_predictor(children={...}, adults={...})`."""
    return Predictor([Model(made_bundle(name, **values), 1) for name, values in options.items()])


def write_bundle(folder: Path, population: str) -> Path:
    """Write the embedded children's bundle as one of `population` to `folder`."""
    config, _ = bundle.read_config(sources.EMBEDDED_FOLDER)
    for name in config["files"]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((sources.EMBEDDED_FOLDER / name).read_bytes())
    bundle.write_config(folder, {**config, "population": population})
    return folder


def lung_field(height: int = 12, width: int = 12) -> Any:
    """A predicted field `[h, w]` of two lungs with soft edges, the patient's right lung on the left of the image."""
    rows, columns = np.mgrid[0:height, 0:width] + 0.5
    lungs = [((rows / height - 0.48) / 0.34) ** 2 + ((columns / width - x) / 0.15) ** 2 for x in (0.3, 0.7)]
    return (1 / (1 + np.exp(4 * (np.minimum(*lungs) - 1)))).astype(np.float32)
