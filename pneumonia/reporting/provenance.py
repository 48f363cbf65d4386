"""One line about an answer: the patient's age as used, the model that answered, its test, and a restricted licence."""

from __future__ import annotations

import math

from ..inference.bundle import Bundle
from ..inference.decision import ModelIdentity, Prediction
from ..inference.reading import FROM_FILE, STATED
from ..messages import Message, join, message, number, plural_message

_RECOGNISED = {
    "children": message("No age stated: recognised by the film as that of a child of 1-5 years."),
    "adults": message("No age stated: recognised by the film as that of an adult."),
}
_STATED_GROUP = {
    "children": message("Age group as stated: a child of 1-5 years."),
    "adults": message("Age group as stated: an adult."),
}


_TERMS: dict[str, str] = {
    terms: terms
    for terms in (
        message("Non-commercial research only, because of the terms of the films on which the model was trained."),
    )
}
"""Sentences on a licence that a bundle's config may contain -> the same as messages."""


def describe(prediction: Prediction, bundle: Bundle) -> Message:
    """Sentences on age, model, test and licence, without a line break; `bundle` is that of `Prediction.model`."""
    return join([describe_age(prediction), describe_model(bundle) if prediction.population is not None else ""])


def describe_age(prediction: Prediction) -> Message:
    """The age that was used, or how the model was chosen without one."""
    if prediction.age is not None:
        age = _format_age(prediction.age)
        if prediction.age_source == FROM_FILE:
            return message("Age {age} from the file.", age=age)
        return message("Age {age} as stated.", age=age)
    group = prediction.population or ""
    if prediction.age_source is not None:
        return _STATED_GROUP.get(group) or message("Age group as stated: other.")
    return _RECOGNISED.get(group) or message("No age stated.")


def describe_model(bundle: Bundle) -> Message:
    """For whom the model was made, on what it was tested, the site file, and a licence that restricts its use."""
    licence = bundle.config.get("licence") or {}
    terms = licence["terms"] if licence.get("non_commercial") else ""
    return join([_describe_test(bundle), describe_site(bundle.identity), _TERMS.get(terms, terms)])


def describe_identity(model: ModelIdentity) -> Message:
    """Name, revision and sha256 of the model that answered."""
    return message(
        "Model {name}, revision {revision}, sha256 {sha256}.",
        name=model.name,
        revision=model.revision,
        sha256=model.sha256,
    )


def describe_site(model: ModelIdentity) -> Message:
    """The site file with which the model answers; empty without one."""
    if model.site is None:
        return join(())
    return message("Its operating point and probabilities were adjusted by the site file {name}.", name=model.site)


def _describe_test(bundle: Bundle) -> Message:
    run, patients = bundle.served_run, bundle.population.description
    if run is None or not run.get("films"):
        return message("Model for {patients}, not tested.", patients=patients)
    films = run["films"]["total"]
    if run["protocol"] == "official":
        return message(
            "Model for {patients}, tested on {count:,} films of the official test set.", patients=patients, count=films
        )
    return message("Model for {patients}, tested on {count:,} films of other patients.", patients=patients, count=films)


def format_age(prediction: Prediction) -> Message:
    """The age that was used and its source, for a table cell: "54, file", "stated" for an age group, "" without one."""
    source = _SOURCES.get(prediction.age_source or "", join(()))
    return join(["" if prediction.age is None else _format_age(prediction.age), source], ", ")


_SOURCES = {STATED: message("stated"), FROM_FILE: message("file")}


def _format_age(years: float) -> Message:
    """Completed years; under two years, completed months."""
    if years >= 2:
        return number(math.floor(years), "d")
    months = math.floor(12 * years + 1e-6)
    return plural_message("{count} month", "{count} months", months)
