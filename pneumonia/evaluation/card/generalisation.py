"""Card sections on data unlike the test films: gate, routing, robustness, external validation, shortcut audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .. import population_tables, tables
from ..external_tables import external_tables
from ..number_format import decimal, score
from ..table import Table
from .network import has_lung_head

Run = Mapping[str, Any]

COUNTERMEASURES = """Countermeasures: fine texture is averaged out before the first convolution. Augmentation varies
sharpness, noise, grey levels, aspect ratio, zoom and crop of every film, and replaces the border of some films by that
of another film. Recipes are selected by their performance under such perturbations, on blocks of films that were
collected at another time. `docs/experiments.md` lists what each countermeasure gained, and what registering the chests
or weighting films against the border would have cost."""

LUNG_COUNTERMEASURES = """Countermeasures: fine texture is averaged out before the first convolution. Only features
inside the predicted lung field are scored. Augmentation varies sharpness, noise, grey levels, aspect ratio, zoom and
crop, puts films into frames, gives films the surroundings of other films, and erases lungs, whose films then count
half for either class. `docs/experiments.md` lists the experiments."""


def gate(config: Mapping[str, Any], kinds: Mapping[str, Any] | None) -> str:
    rows = [
        [view, measure.replace("_", " "), _limit(limit["near"]), _limit(limit["far"])]
        for view, measures in config["gate"].items()
        for measure, limit in measures.items()
    ]
    columns = ["View", "Measure", "Unlike the training films above", "No chest film above"]
    return f"""
## Out-of-distribution gate

The gate projects a thumbnail of the film's brightness and a map of its edges onto the principal components of the
training films. The residual is the part of the image that the components do not explain; the distance is that from the
mean, within the space of the components. Above the first limit an image is refused as unlike the training films, above
the second as no chest film. The limits were chosen on validation films, unchanged and perturbed; the components were
not fitted on these films. {_CLASSIFIER if "classifier" in config["gate"] else ""}The section Subgroups lists the share
of test films that the gate refuses.

{Table("Limits of the gate", columns, rows).to_markdown()}

{tables.gate_refusals(kinds["kinds"]).to_markdown() if kinds else ""}
"""


_CLASSIFIER = """A classifier on the same features then separates films of this population from films of the other one
and from other kinds of images, which were made from training films and simulated. """


def routing(evaluation: Mapping[str, Any]) -> str:
    """Which model answers a film whose age nobody states; "" if it was not measured."""
    entries, cross_fit = evaluation.get("routing", []), evaluation.get("gate_cross_fit", {})
    tables_and_texts = [
        (_ROUTING, population_tables.routing("Films without a stated age", entries)),
        (_CROSS_FIT, population_tables.routing("Films, gates fitted on others", cross_fit.get("films", []))),
        (_KINDS, population_tables.routing("Other images, gates fitted without them", cross_fit.get("kinds", []))),
    ]
    parts = [f"{text}\n\n{table.to_markdown()}" for text, table in tables_and_texts if table.rows]
    return "\n\n".join(["## Which model answers", _WHO_ANSWERS, *parts]) if parts else ""


_WHO_ANSWERS = """A stated age decides (children: 1-5 years; adults: 18 years and over), and another age gets no
answer. If no age is stated, the gates of both models decide: the model whose gate accepts the film answers; if both
accept it, the one that it resembles more, provided that the difference is large enough, else the answer is Unknown."""

_ROUTING = """The embedded models, on films of known populations without their ages. Films of the training folders were
partly used to fit the gates."""

_CROSS_FIT = """Gates fitted on one half of the patients, measured on the other half. The children's gate learnt adults
from RSNA's healthy films alone: every other source of adults is left out of its fit."""

_KINDS = "Other kinds of images, each measured by gates that were fitted without its family of kinds."


def _limit(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def robustness(run: Run) -> str:
    audit = run.get("robustness")
    if not audit:
        return ""
    return f"""
## Robustness to perturbations

Each test film is resized to {audit["side"]} x {audit["side"]} pixels and perturbed in one way at a time. The network
without the gate answers every film at the threshold {audit["threshold"]:.3f}. The accuracy lost is a paired difference:
the same films are compared before and after. A negative value means that accuracy increased.

{tables.robustness(audit).to_markdown()}
"""


def external_validation(entries: Sequence[Mapping[str, Any]]) -> str:
    """A table for each external set of films; "" without entries."""
    return "\n\n".join(["## External validation", *map(_external_set, entries)]) if entries else ""


def _external_set(entry: Mapping[str, Any]) -> str:
    total, normal = entry["films"]["total"], entry["films"]["normal"]
    return f"""**{entry["name"]}**: {entry["of"]}. {total:,} films of {entry["patients"]:,} patients, labelled
{normal:,} without and {total - normal:,} with pneumonia. No decision about the model was based on them. The model
is **{entry["verdict"]}** here: AUROC {score(entry["figures"]["auroc"])}.

{tables.external_validation(entry).to_markdown()}"""


def external_by_age(entries: Mapping[str, Any]) -> str:
    """NIH's films by age and reading, and single films of sick children; "" without entries."""
    parts = [f"{table.caption}:\n\n{table.to_markdown()}" for table in external_tables(entries)]
    return "\n\n".join(["## Other hospitals, by age and reading", _BY_AGE, *parts]) if parts else ""


_BY_AGE = """Films of NIH ChestX-ray14 that were not trained on, answered by both embedded models together. The labels
are text-mined from reports. Where radiologists read a film again, some of the films labelled "Pneumonia" are normal to
them: these are the contradicted labels, and the figures are given with and without them. Most films have no second
reading. The healthy adults of the adults' training films are from the same hospital."""


def shortcuts(config: Mapping[str, Any], run: Run) -> str:
    audit = run.get("shortcuts")
    if not audit:
        return ""
    return f"""
## Shortcut audit

A network that reads only the lungs has an AUROC of .5 when the lungs are hidden. It is also not affected by the
compression, sharpening or cropping of films, even if normal and pneumonia films are treated differently.
{_region(audit)} Nevertheless, a result that differs much from the second column shows that the network does not read
the lungs alone. The network without the gate answers every film at the threshold.

{tables.shortcuts(audit).to_markdown()}

{_strongest_cue(audit["swaps"], audit["baseline"])}

{_countermeasures(config, run)}

{tables.activation(audit["activation"]).to_markdown()}
"""


def _region(audit: Mapping[str, Any]) -> str:
    if audit["activation"].get("region", "lung boxes") == "lung boxes":
        return "The lung boxes are coarse, and heart and hila, which are outside them, are informative as well."
    return (
        "The lungs are those that the network predicts, widened. They are hidden with a sharp edge, whose outline "
        "can tell "
        "the class as well, because an opaque lung changes it."
    )


def _countermeasures(config: Mapping[str, Any], run: Run) -> str:
    if has_lung_head(config):
        return LUNG_COUNTERMEASURES
    return COUNTERMEASURES if run["recipe"] in {"default", "flat"} else ""


def _strongest_cue(swaps: Mapping[str, Mapping[str, Any]], baseline: Mapping[str, Any]) -> str:
    """Sentence with the cue whose AUROC varies most over its swaps and the unchanged films."""
    aurocs = {
        cue: sorted(row["auroc"]["value"] or 0.0 for row in (baseline, *swap.values())) for cue, swap in swaps.items()
    }
    cue = max(aurocs, key=lambda name: aurocs[name][-1] - aurocs[name][0])
    low, high = decimal(aurocs[cue][0]), decimal(aurocs[cue][-1])
    return f"The cue with the largest effect is **{cue}**: AUROC {low} to {high}, depending on the swap."
