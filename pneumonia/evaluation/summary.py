"""Three sentences about a model: for whom it is and under which terms, how good it is, and how far that can be trusted.

Serving imports this module, so it must not import scikit-learn, SciPy or Matplotlib, directly or indirectly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..inference.decision import CLASSES, UNKNOWN
from ..inference.populations import CHILDREN, POPULATIONS
from .number_format import percent, score

Json = Mapping[str, Any]

NORMAL, PNEUMONIA = CLASSES


def sentences(config: Json, evaluation: Json) -> list[str]:
    """The sentences; those whose data is missing are left out."""
    run = evaluation["runs"].get(f"{config['recipe']}/{config['protocol']}", {})
    return [sentence for sentence in (_purpose(config), _figures(config, run), _trust(evaluation, run)) if sentence]


def _purpose(config: Json) -> str:
    population = POPULATIONS[config.get("population", CHILDREN.name)]
    licence = config.get("licence")
    terms = f" {licence['terms']}" if licence else ""
    if licence and licence["non_commercial"]:
        terms += " It is not for use in care."
    return f"This model answers for {population.description}.{terms}"


_TESTS = {
    "official": "the official test of the data set, which was saved differently from the training films",
    "adults": "adults of patients who are in no training film",
}


def _figures(config: Json, run: Json) -> str:
    if not run:
        return ""
    films = f"{run['films']['total']:,} films" if "films" in run else "films"
    where = _TESTS.get(str(config["protocol"]), "films of patients who are in no training film")
    text = (
        f"On {films} ({where}) the network's sensitivity is {percent(run['figures']['sensitivity'])}, its specificity "
        f"{percent(run['figures']['specificity'])}"
    )
    normal = run.get("classes", {}).get(NORMAL)
    if normal:
        text += (
            f"; with gate and undecided band, normal films are answered Normal in {percent(normal[NORMAL])}, "
            f"Pneumonia in {percent(normal[PNEUMONIA])} and {UNKNOWN} in {percent(normal[UNKNOWN])}"
        )
    return f"{text}."


def _trust(evaluation: Json, run: Json) -> str:
    """Figures where both classes are from the same hospitals, on other films, and of the evidence in the lungs."""
    parts = []
    siim = run.get("sources", {}).get("siim", {}).get("auroc")
    if siim:
        parts.append(f"where both classes are from the same hospitals its AUROC is {score(siim)}")
    for entry in evaluation.get("external") or []:
        parts.append(f"on {entry['of']} it is {entry['verdict']} (AUROC {score(entry['figures']['auroc'])})")
    evidence = run.get("audits", {}).get("evidence", {}).get("dilated", {}).get(PNEUMONIA, {})
    if evidence.get("count"):
        parts.append(
            f"half of the pneumonia films have at least {percent(evidence['median'])} of their evidence in the lungs"
        )
    if not parts:
        return "No figure on films of another hospital exists."
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."
