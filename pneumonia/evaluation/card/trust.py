"""When not to believe the model: what the gate refuses, what a change costs, other hospitals, shortcuts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .numbers import NAMES, percent, points, score, share, shown, table

Run = Mapping[str, Any]

DONE_ABOUT_IT = """What was done about it: fine texture is averaged away before the first convolution; training changes
sharpness, noise, grey levels, aspect, zoom and crop of every film, and gives some the border of another; recipes are
judged by how they hold under such changes, on blocks of films that were collected at another time. What each of these
bought, and what aligning the chests or weighting against the border cost, stands in `docs/experiments.md`."""


def gate(config: Mapping[str, Any], kinds: Mapping[str, Any] | None) -> str:
    rows = [
        [view, measure.replace("_", " "), f"{limit['near']:.3f}", f"{limit['far']:.3f}"]
        for view, measures in config["gate"].items()
        for measure, limit in measures.items()
    ]
    return f"""
## Gate

A thumbnail of the film's brightness and a map of its edges are held against the principal components of the training
films: how much is left unexplained (residual), how far from the middle (distance). Above the first limit an image is
refused as unlike the training films, above the second as no chest film. The limits come from validation films, as they
are and changed, on which nothing was fitted. What it refuses of the test films stands under Subgroups.

{table(["view", "measure", "unlike above", "no chest film above"], rows)}

{_refusals(kinds["kinds"]) if kinds else ""}
"""


def _refusals(kinds: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        [
            kind["name"],
            f"{kind['images']:,}",
            percent(kind["refused"]),
            "-" if kind["far"] is None else share(kind["far"]),
        ]
        for kind in kinds
    ]
    return table(["images", "how many", "refused", "as no chest film"], rows)


def robustness(run: Run) -> str:
    if "robustness" not in run:
        return ""
    found = run["robustness"]
    rows = [["as it is", *_row(found["baseline"], "-")]]
    rows += [[name, *_row(row, points(row["loss"]))] for name, row in found["changes"].items()]
    head = ["film", "accuracy", "points lost", "sensitivity", "specificity", "refused by the gate"]
    return f"""
## Robustness

The test films at {found["side"]} x {found["side"]} pixels, each changed in one way; the network alone, every film
answered at the threshold {found["threshold"]:.3f}. Points lost are of the same films before and after; below 0 the
change did good.

{table(head, rows)}
"""


def _row(figures: Mapping[str, Any], lost: str) -> list[str]:
    rest = [percent(figures[name]) for name in ("sensitivity", "specificity", "refused")]
    return [percent(figures["accuracy"]), lost, *rest]


def external(entries: Sequence[Mapping[str, Any]]) -> str:
    """A table for each foreign set of films. Nothing was chosen by them."""
    return "\n\n".join(["## External validation", *map(_elsewhere, entries)]) if entries else ""


def _elsewhere(entry: Mapping[str, Any]) -> str:
    rows = [[NAMES[key], shown(key, figure)] for key, figure in entry["figures"].items()]
    passed, service = entry["passed"], entry["service"]
    rows += [
        [f"{NAMES[key]}, of the {passed['films']:,} films that the gate lets through", percent(passed[key])]
        for key in ("accuracy", "sensitivity", "specificity")
    ]
    rows += [
        ["refused by the gate", percent(service["refused"])],
        ["with a warning", percent(service["warned"])],
        ["answered Unknown, for whatever reason", percent(service["unknown"])],
    ]
    total, normal = entry["films"]["total"], entry["films"]["normal"]
    return f"""**{entry["name"]}**: {entry["of"]}, {total:,} ({normal:,} without and {total - normal:,} with
pneumonia by their labels) of {entry["patients"]:,} patients. Nothing was chosen by them. The model
is **{entry["verdict"]}** here: AUROC {score(entry["figures"]["auroc"])}.

{table(["figure", "value (95 % interval)"], rows)}"""


def shortcuts(run: Run) -> str:
    if "shortcuts" not in run:
        return ""
    found = run["shortcuts"]
    plain = score(found["baseline"]["auroc"])
    rows = [["as it is", "-", plain, percent(found["baseline"]["accuracy"])]]
    rows += [[name, ".500 (chance)", *_pair(figures)] for name, figures in found["hidden"].items()]
    rows += [[name, "as it is", *_pair(figures)] for ways in found["swaps"].values() for name, figures in ways.items()]
    return f"""
## Shortcuts

A network that reads only the lungs would be at chance when they are hidden, and would not notice how films were saved,
sharpened or cropped, even where normal and pneumonia films are treated unlike each other. The boxes of the lungs are
coarse, and heart and hila, which lie outside them, tell something too; still, what is far from the second column is not
read from the lungs. Every film answered at the threshold.

{table(["films", "AUROC of one that reads only lungs", "AUROC of this one", "its accuracy"], rows)}

{_widest(found["swaps"], found["baseline"])}

{DONE_ABOUT_IT if run["recipe"] == "default" else ""}

{_activation(found["activation"])}
"""


def _pair(figures: Mapping[str, Any]) -> list[str]:
    return [score(figures["auroc"]), percent(figures["accuracy"])]


def _widest(swaps: Mapping[str, Mapping[str, Any]], baseline: Mapping[str, Any]) -> str:
    """The cue that takes the AUROC furthest apart, the films as they are counted in."""
    reach = {
        cue: sorted(row["auroc"]["value"] or 0.0 for row in (baseline, *ways.values())) for cue, ways in swaps.items()
    }
    cue = max(reach, key=lambda name: reach[name][-1] - reach[name][0])
    low, high = (f"{reach[cue][place]:.3f}".removeprefix("0") for place in (0, -1))
    return f"The cue that moves it most is **{cue}**: AUROC {low} to {high}, by what is done to the classes."


def _activation(found: Mapping[str, Any]) -> str:
    rows = [["a network that reads only lungs", "", "100 %", "", "100 %"]]
    rows += [["one that looks anywhere", "", share(found["chance"]), "", "-"]]
    rows += [
        [
            f"this one, {name} films",
            f"{row['count']:,}",
            share(row["median"]),
            f"{share(row['lower'])} to {share(row['upper'])}",
            percent(row["at_least_half"]),
        ]
        for name, row in found["films"].items()
        if row["count"]
    ]
    head = ["activation inside the lung boxes", "films", "median", "quartiles", "films with half of it or more inside"]
    return table(head, rows)
