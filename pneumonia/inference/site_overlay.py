"""Site overlay: operating points and recalibration that a site measured on its own films.

`python -m pneumonia validate --save-site` writes it: a small JSON file, bound to each model by the sha256 of its
config. A model that was trained anew needs a new validation.

{"format": 1, "name": "Clinic North", "created": "2026-11-26", "models": {"adults": {"sha256": "...", "films":
{"Normal": 120, "Pneumonia": 120}, "recalibration": {"slope": 0.9, "intercept": -0.2},
"operating_points": {"balanced": {"low": 0.3, "threshold": 0.4, "high": 0.6}}, "answers": {"balanced": ...}}}}

The recalibration applies to the calibrated log odds. The model's other operating points are recalibrated too, so that
they make the same decisions, except where the label would contradict the new probability: that film becomes Unknown.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import settings
from ..errors import SiteCorrupt, SiteMismatch
from ..messages import message
from .bundle import Bundle
from .decision import CLASSES, Calibration, OperatingPoint, supported_limit
from .populations import POPULATIONS

FORMAT = 1
MAX_BYTES = 100_000
"""Maximum size of a file; one with both populations has 1 kB."""

MAX_NAME_LENGTH = 80


@dataclass(frozen=True)
class ModelOverlay:
    """The part of an overlay for one model.

    `sha256`: that of the model's config. `normal`, `positive`: numbers of films. `slope`, `intercept`: recalibration of
    the calibrated log odds. `operating_points`: those that replace the model's.
    """

    sha256: str
    normal: int
    positive: int
    slope: float
    intercept: float
    operating_points: dict[str, OperatingPoint]
    answers: dict[str, Any]
    """For each of these points the shares of answers to the films of each class, as in `evaluation.json`, or none."""

    def as_dict(self) -> dict[str, Any]:
        """The entry of the file."""
        return {
            "sha256": self.sha256,
            "films": dict(zip(CLASSES, (self.normal, self.positive), strict=True)),
            "recalibration": {"slope": self.slope, "intercept": self.intercept},
            "operating_points": {name: vars(point) for name, point in self.operating_points.items()},
            "answers": self.answers,
        }


@dataclass(frozen=True)
class SiteOverlay:
    """An overlay: name of the site, date (ISO 8601), and the part for the model of each population."""

    name: str
    created: str
    models: dict[str, ModelOverlay]
    digest: str = ""
    """sha256 of the file; "" before it is written."""

    @property
    def label(self) -> str:
        """Name and start of the digest, with which every answer names the overlay."""
        return f"{self.name}@{self.digest[:12]}"

    def to_bytes(self) -> bytes:
        """The content of the file."""
        models = {population: overlay.as_dict() for population, overlay in self.models.items()}
        content = {"format": FORMAT, "name": self.name, "created": self.created, "models": models}
        return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def apply_site(bundles: Sequence[Bundle], site: Path | str | None = None) -> list[Bundle]:
    """The bundles with the overlay in the file `site`; None reads `PNEUMONIA_SITE`, "" applies none.

    Raises `SiteCorrupt` if the file cannot be read, and `SiteMismatch` if it is for other models than the loaded ones.
    """
    path = settings.SITE.read() if site is None else site
    if not path:
        return list(bundles)
    overlay = load_site(Path(path))
    _check_models(overlay, bundles)
    return [
        apply_overlay(bundle, overlay) if bundle.population.name in overlay.models else bundle for bundle in bundles
    ]


def load_site(path: Path) -> SiteOverlay:
    """Read and check a file; raises `SiteCorrupt`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SiteCorrupt(
            message("The site file cannot be opened: {reason}. Received: {path}.", reason=error.strerror, path=path)
        ) from None
    try:
        return parse_site(data)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SiteCorrupt(
            message(
                "The site file is damaged or was edited ({reason}). Allowed: a file as validate --save-site writes it. "
                "Received: {path}.",
                reason=_describe(error),
                path=path,
            )
        ) from None


def parse_site(data: bytes) -> SiteOverlay:
    """The overlay in the content of a file; raises `ValueError`, `KeyError` or `TypeError` if it is invalid."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES:,} bytes")
    content = json.loads(data)
    if content["format"] != FORMAT:
        raise ValueError(f"this version reads format {FORMAT}")
    if not isinstance(content["name"], str) or not 0 < len(content["name"]) <= MAX_NAME_LENGTH:
        raise ValueError("invalid name of the site")
    models = {population: _parse_model(population, entry) for population, entry in content["models"].items()}
    if not models:
        raise ValueError("no model")
    return SiteOverlay(content["name"], str(content["created"]), models, hashlib.sha256(data).hexdigest())


def apply_overlay(bundle: Bundle, overlay: SiteOverlay) -> Bundle:
    """The bundle with the calibration and the operating points of the overlay, and its name in the identity."""
    model = overlay.models[bundle.population.name]
    base = bundle.calibration_of_config
    calibration = Calibration(
        model.slope * base.slope,
        model.slope * base.intercept + model.intercept,
        base.prevalence,
        _narrower(base.limit, supported_limit(model.normal, model.positive)),
    )
    points = {
        name: recalibrated_point(point, model.slope, model.intercept) for name, point in bundle.points_of_config.items()
    }
    identity = replace(bundle.identity, site=overlay.label)
    return replace(
        bundle,
        identity=identity,
        calibration=calibration,
        operating_points=points | model.operating_points,
        site_answers=model.answers,
    )


def recalibrated_point(point: OperatingPoint, slope: float, intercept: float) -> OperatingPoint:
    """An operating point on the recalibrated scale. Its limits stay on their side of one half."""
    low, threshold, high = (_recalibrate(value, slope, intercept) for value in (point.low, point.threshold, point.high))
    return OperatingPoint(min(low, 0.5), threshold, max(high, 0.5))


def _recalibrate(probability: float, slope: float, intercept: float) -> float:
    """The probability whose log odds are `slope` times those of `probability` plus `intercept`; 0 and 1 stay."""
    if probability in {0.0, 1.0}:
        return probability
    return 0.5 * (1 + math.tanh(0.5 * (slope * math.log(probability / (1 - probability)) + intercept)))


def _narrower(first: tuple[float, float] | None, second: tuple[float, float]) -> tuple[float, float]:
    return second if first is None else (max(first[0], second[0]), min(first[1], second[1]))


def _check_models(overlay: SiteOverlay, bundles: Sequence[Bundle]) -> None:
    loaded = {bundle.population.name: bundle.identity.sha256 for bundle in bundles}
    for population, model in overlay.models.items():
        if population not in loaded:
            raise SiteMismatch(
                message(
                    "The site file is for a model that is not loaded. Loaded: {loaded}. Received: {population}.",
                    loaded=", ".join(loaded),
                    population=population,
                )
            )
        if model.sha256 != loaded[population]:
            raise SiteMismatch(
                message(
                    "The site file was measured with another model for {population}; its thresholds do not apply to "
                    "this one. Expected: sha256 {expected}. Received: {received}. Validate again.",
                    population=population,
                    expected=loaded[population][:12],
                    received=model.sha256[:12],
                )
            )


def _parse_model(population: str, entry: Mapping[str, Any]) -> ModelOverlay:
    if population not in POPULATIONS:
        raise ValueError(f"the population must be one of {', '.join(POPULATIONS)}")
    slope, intercept = (float(entry["recalibration"][name]) for name in ("slope", "intercept"))
    if not (0 < slope < math.inf and math.isfinite(intercept)):
        raise ValueError("the slope must be above 0, the intercept a number")
    normal, positive = (int(entry["films"][name]) for name in CLASSES)
    if min(normal, positive) < 1 or len(entry["sha256"]) != 64:
        raise ValueError("invalid number of films or sha256")
    points = {name: OperatingPoint(**point) for name, point in entry["operating_points"].items()}
    answers = entry.get("answers", {})
    for shares in answers.values():
        _check_answers(shares)
    return ModelOverlay(entry["sha256"], normal, positive, slope, intercept, points, answers)


def _check_answers(shares: Mapping[str, Any]) -> None:
    for of_class in CLASSES:
        if int(shares[of_class]["films"]) < 1:
            raise ValueError("invalid number of films")
        for answer in CLASSES:
            bounds = [shares[of_class][answer][name] for name in ("value", "low", "high")]
            if not all(bound is None or 0 <= bound <= 1 for bound in bounds):
                raise ValueError("a share is not between 0 and 1")


def _describe(error: Exception) -> str:
    return f"it lacks {error}" if isinstance(error, KeyError) else str(error)
