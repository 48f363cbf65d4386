"""Three sentences about a model: for whom it is and under which terms, how good it is, and how far that can be trusted.

Serving imports this module, so it must not import scikit-learn, SciPy or Matplotlib, directly or indirectly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..inference.decision import CLASSES, UNKNOWN
from ..inference.populations import CHILDREN, POPULATIONS
from ..messages import Message, deferred, join, message, translate
from .number_format import percent, score
from .population_tables import source_name

Json = Mapping[str, Any]

NORMAL, PNEUMONIA = CLASSES

SIIM = "siim"
"""The source of `population_tables.SOURCE_NAMES` whose classes are from the same hospitals."""


def sentences(config: Json, evaluation: Json) -> list[Message]:
    """The sentences; those whose data is missing are left out."""
    run = evaluation["runs"].get(f"{config['recipe']}/{config['protocol']}", {})
    return [sentence for sentence in (_purpose(config), _figures(config, run), _trust(evaluation, run)) if sentence]


def _purpose(config: Json) -> Message:
    population = POPULATIONS[config.get("population", CHILDREN.name)]
    licence = config.get("licence")
    terms = TERMS.get(licence["terms"], licence["terms"]) if licence else ""
    is_restricted = bool(licence and licence["non_commercial"])
    return join(
        (
            message("This model answers for {patients}.", patients=population.description),
            terms,
            message("It is not for use in care.") if is_restricted else "",
        )
    )


TERMS: dict[str, str] = {
    terms: terms
    for terms in (
        message("Non-commercial research only, because of the terms of the films on which the model was trained."),
        message("Any use under the MIT licence; name the sources of the films on which the model was trained."),
    )
}
"""Sentences on a licence that a bundle's config may contain -> the same as messages."""

_TESTS = {
    "official": message("the official test of the data set, which was saved differently from the training films"),
    "adults": message("adults of patients who are in no training film"),
}


def film_count(run: Json) -> Message:
    """How many films a run was tested on, as the start of a sentence."""
    return message("{count:,} films", count=run["films"]["total"]) if "films" in run else message("films")


def tested_films(protocol: str) -> Message:
    """Which films a protocol tests."""
    return _TESTS.get(protocol) or message("films of patients who are in no training film")


def within_hospitals(run: Json) -> Message:
    """The AUROC on the source whose classes are from the same hospitals, with its films; empty without that source.

    The figures on all films are better: a network can tell the hospitals apart.
    """
    siim = run.get("sources", {}).get(SIIM, {})
    if "auroc" not in siim:
        return join(())
    films = join([source_name(SIIM), message("{count:,} films", count=siim["films"])], ", ")
    return message("{sentence}.", sentence=join([films, _same_hospitals(siim)], ": "))


def _same_hospitals(siim: Json) -> Message:
    return message("where both classes are from the same hospitals its AUROC is {auroc}", auroc=score(siim["auroc"]))


def _figures(config: Json, run: Json) -> Message:
    if not run:
        return join(())
    values = {
        "films": film_count(run),
        "test": tested_films(config["protocol"]),
        "sensitivity": percent(run["figures"]["sensitivity"]),
        "specificity": percent(run["figures"]["specificity"]),
    }
    normal = run.get("classes", {}).get(NORMAL)
    if not normal:
        return message(
            "On {films} ({test}) the network's sensitivity is {sensitivity}, its specificity {specificity}.", **values
        )
    answers = {
        "normal": percent(normal[NORMAL]),
        "pneumonia": percent(normal[PNEUMONIA]),
        "unknown": percent(normal[UNKNOWN]),
    }
    return message(
        "On {films} ({test}) the network's sensitivity is {sensitivity}, its specificity {specificity}; with gate and "
        "undecided band, normal films are answered Normal in {normal}, Pneumonia in {pneumonia} and Unknown in "
        "{unknown}.",
        **values,
        **answers,
    )


def _trust(evaluation: Json, run: Json) -> Message:
    """Figures where both classes are from the same hospitals, on other films, and of the evidence in the lungs."""
    parts = []
    siim = run.get("sources", {}).get(SIIM, {})
    if siim.get("auroc"):
        parts.append(_same_hospitals(siim))
    for entry in evaluation.get("external") or []:
        auroc = score(entry["figures"]["auroc"])
        parts.append(
            message(
                "on {films} it is {verdict} (AUROC {auroc})", films=entry["of"], verdict=entry["verdict"], auroc=auroc
            )
        )
    evidence = run.get("audits", {}).get("evidence", {}).get("dilated", {}).get(PNEUMONIA, {})
    if evidence.get("count"):
        parts.append(
            message(
                "half of the pneumonia films have at least {share} of their evidence in the lungs",
                share=percent(evidence["median"]),
            )
        )
    if not parts:
        return message("No figure on films of another hospital exists.")
    return message("{sentence}.", sentence=deferred(_with_capital, join(parts, "; ")))


def _with_capital(text: str) -> str:
    text = translate(text)
    return f"{text[0].upper()}{text[1:]}"
