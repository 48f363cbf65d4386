"""The lines on the served models below the answer: name, patients, and the figures of the model's own test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from html import escape
from typing import Any

from ..evaluation import summary
from ..evaluation.number_format import percent
from ..inference.decision import ModelIdentity
from ..messages import Message, join, message
from ..reporting import provenance

METRICS = {
    "accuracy": message("accuracy"),
    "sensitivity": message("sensitivity"),
    "specificity": message("specificity"),
}
"""Figures of the network without the gate, in their order."""


def model_line(model: ModelIdentity, run: Mapping[str, Any] | None, patients: str) -> Message:
    """Markdown line with the served model, its patients, and the figures of its test, if it was tested.

    `run` is `Bundle.served_run`. A model that is adjusted by a site file has no figures: they are not those of its
    answers.
    """
    line = message(
        "Model **{name}** for {patients}, revision `{revision}`, sha256 `{sha256}`.",
        name=escape(model.name),
        patients=patients,
        revision=escape(model.revision[:12]),
        sha256=model.sha256[:12],
    )
    site = provenance.describe_site(replace(model, site=escape(model.site)) if model.site else model)
    figures = () if run is None or model.site is not None else _figures(run)
    return join([line, site, *figures])


def _figures(run: Mapping[str, Any]) -> tuple[Message, ...]:
    """Sentences with the figures on all test films, and on those whose classes are from the same hospitals."""
    figures = run["figures"]
    measured = {name: figures[key] for key, name in METRICS.items() if figures[key]["value"] is not None}
    metrics = join([join([name, percent(figure)], " ") for name, figure in measured.items()], ", ")
    if run["protocol"] == "official":  # publications compare models on this test set
        return (message("On the official test set, with 95 % intervals: {metrics}.", metrics=metrics),)
    values = {"films": summary.film_count(run), "test": summary.tested_films(run["protocol"]), "metrics": metrics}
    return message("On {films} ({test}), with 95 % intervals: {metrics}.", **values), summary.within_hospitals(run)
