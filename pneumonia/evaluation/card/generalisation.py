"""Card sections on data unlike the test films: gate, robustness, external validation, shortcut audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .. import tables
from ..number_format import decimal, score
from ..table import Table

Run = Mapping[str, Any]

COUNTERMEASURES = """Countermeasures: fine texture is averaged out before the first convolution. Augmentation varies
sharpness, noise, grey levels, aspect ratio, zoom and crop of every film, and replaces the border of some films by that
of another film. Recipes are selected by their performance under such perturbations, on blocks of films that were
collected at another time. `docs/experiments.md` lists what each countermeasure gained, and what registering the chests
or weighting films against the border would have cost."""


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
not fitted on these films. The section Subgroups lists the share of test films that the gate refuses.

{Table("Limits of the gate", columns, rows).to_markdown()}

{tables.gate_refusals(kinds["kinds"]).to_markdown() if kinds else ""}
"""


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


def shortcuts(run: Run) -> str:
    audit = run.get("shortcuts")
    if not audit:
        return ""
    return f"""
## Shortcut audit

A network that reads only the lungs has an AUROC of .5 when the lungs are hidden. It is also not affected by the
compression, sharpening or cropping of films, even if normal and pneumonia films are treated differently. The lung boxes
are coarse, and heart and hila, which are outside them, are informative as well. Nevertheless, a result that differs
much from the second column shows that the network does not read the lungs alone. The network without the gate answers
every film at the threshold.

{tables.shortcuts(audit).to_markdown()}

{_strongest_cue(audit["swaps"], audit["baseline"])}

{COUNTERMEASURES if run["recipe"] == "default" else ""}

{tables.activation(audit["activation"]).to_markdown()}
"""


def _strongest_cue(swaps: Mapping[str, Mapping[str, Any]], baseline: Mapping[str, Any]) -> str:
    """Sentence with the cue whose AUROC varies most over its swaps and the unchanged films."""
    aurocs = {
        cue: sorted(row["auroc"]["value"] or 0.0 for row in (baseline, *swap.values())) for cue, swap in swaps.items()
    }
    cue = max(aurocs, key=lambda name: aurocs[name][-1] - aurocs[name][0])
    low, high = decimal(aurocs[cue][0]), decimal(aurocs[cue][-1])
    return f"The cue with the largest effect is **{cue}**: AUROC {low} to {high}, depending on the swap."
