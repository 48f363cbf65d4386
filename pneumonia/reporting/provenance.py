"""One line about an answer: the patient's age as used, the model that answered, its test, and a restricted licence."""

from __future__ import annotations

import math

from ..inference.bundle import Bundle
from ..inference.decision import Prediction
from ..inference.reading import FROM_FILE

_SINGULAR = {"children": "a child of 1-5 years", "adults": "an adult"}
_TESTS = {
    "official": "films of the official test set",
    "adults": "films of other patients",
    "grouped80": "films of other patients",
}
"""Protocol of the served run -> what its test films are."""


def describe(prediction: Prediction, bundle: Bundle) -> str:
    """Sentences on age, model, test and licence, without a line break; `bundle` is that of `Prediction.model`."""
    sentences = [describe_age(prediction)]
    if prediction.population is not None:
        sentences.append(describe_model(bundle))
    return " ".join(sentences)


def describe_age(prediction: Prediction) -> str:
    """The age that was used, or how the model was chosen without one."""
    if prediction.age is not None:
        origin = "from the file" if prediction.age_source == FROM_FILE else "as stated"
        return f"Age {_format_age(prediction.age)} {origin}."
    group = _SINGULAR.get(prediction.population or "")
    if prediction.age_source is not None:
        return f"Age group as stated: {group}." if group else "Age group as stated: other."
    return f"No age stated: recognised by the film as that of {group}." if group else "No age stated."


def describe_model(bundle: Bundle) -> str:
    """For whom the model was made, on what it was tested, and its licence if that restricts its use."""
    description = f"Model for {bundle.population.description}, {_describe_test(bundle)}."
    licence = bundle.config.get("licence") or {}
    return f"{description} {licence['terms']}" if licence.get("non_commercial") else description


def _describe_test(bundle: Bundle) -> str:
    run = bundle.served_run
    if run is None or not run.get("films"):
        return "not tested"
    return f"tested on {run['films']['total']:,} {_TESTS.get(run['protocol'], 'films of other patients')}"


def format_age(prediction: Prediction) -> str:
    """The age that was used and its source, for a table cell: "54, file", "stated" for an age group, "" without one."""
    if prediction.age is None:
        return prediction.age_source or ""
    return f"{_format_age(prediction.age)}, {prediction.age_source}"


def _format_age(years: float) -> str:
    """Completed years; under two years, completed months."""
    if years >= 2:
        return f"{math.floor(years)}"
    months = math.floor(12 * years + 1e-6)
    return "1 month" if months == 1 else f"{months} months"
