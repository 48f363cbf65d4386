"""The site overlay of a validation: what `--save-site` writes and `PNEUMONIA_SITE` reads."""

from __future__ import annotations

from datetime import date

import numpy as np

from ..errors import UsageError
from ..inference.decision import CLASSES
from ..inference.predictor import Predictor
from ..inference.site_overlay import MAX_NAME_LENGTH, ModelOverlay, SiteOverlay
from ..messages import message
from .evaluate import Question, Validation
from .local_point import MIN_FILMS, LocalPoint

DEFAULT_NAME = "local"


def site_overlay(predictor: Predictor, validation: Validation, question: Question) -> SiteOverlay:
    """The overlay with the local point of each model that has enough films, under the name of the operating point.

    If the predictor has an overlay already, the new recalibration is joined to it, so that the file refers to the model
    itself. Raises `UsageError` if no model has enough films, or the name is too long.
    """
    name = question.site_name.strip() or DEFAULT_NAME
    if len(name) > MAX_NAME_LENGTH:
        raise UsageError(
            message(
                "The name of the site is too long. Allowed: {allowed} characters. Received: {received}.",
                allowed=MAX_NAME_LENGTH,
                received=len(name),
            )
        )
    if not validation.local:
        raise UsageError(
            message(
                "No site file: a local operating point needs {minimum} scored films of each class, and a model that "
                "separates them.",
                minimum=MIN_FILMS,
            )
        )
    models = {
        population: _model_overlay(predictor, population, point, validation, question.operating_point)
        for population, point in validation.local.items()
    }
    return SiteOverlay(name, date.today().isoformat(), models)


def _model_overlay(
    predictor: Predictor, population: str, local: LocalPoint, validation: Validation, name: str
) -> ModelOverlay:
    model = next(model for model in predictor.models if model.population.name == population)
    scored = [
        result.film.label
        for result in validation.results
        if result.population == population and result.probability is not None
    ]
    normal, positive = np.bincount(scored, minlength=len(CLASSES)).tolist()
    base, served = model.bundle.calibration_of_config, model.bundle.calibration
    # Slope and intercept from the calibration of the config to the served one; 1 and 0 without an earlier overlay.
    slope = served.slope / base.slope
    intercept = served.intercept - slope * base.intercept
    own = local.recalibration
    fitted = validation.figures["models"][population]["local"]["cross_fitted"]
    answers = fitted["answers"] if fitted else None
    return ModelOverlay(
        model.identity.sha256,
        normal,
        positive,
        own.slope * slope,
        own.slope * intercept + own.intercept,
        {name: local.point},
        {name: answers} if answers else {},
    )
