"""Card section on the audits of validation films: each in plain words with its main figure, then its tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...inference.decision import CLASSES
from ..audit_tables import AUDIT_TABLES, decimal_loss
from ..number_format import percent, points, score, share

Entry = Mapping[str, Any]

NORMAL, PNEUMONIA = CLASSES


def audits(run: Mapping[str, Any]) -> str:
    """The sections as Markdown; "" without audits. Parts that were not measured are left out."""
    sections = [_section(title, text, run.get(key, {})) for key, (title, text) in _SECTIONS.items()]
    return "\n\n".join(section for section in sections if section)


def _section(title: str, text: str, entries: Entry) -> str:
    parts = [_part(name, entries[name]) for name in SENTENCES if _has_figures(entries.get(name, {}))]
    counts = ", ".join(f"{key} {value}" for key, value in entries.get("films", {}).items())
    return (
        "\n\n".join([f"## {title}\n\n{_INTRODUCTION} {text}{f' ({counts})' if counts else ''}.", *parts])
        if parts
        else ""
    )


def _has_figures(entry: Entry) -> bool:
    return any(isinstance(value, Mapping) for value in entry.values())


_INTRODUCTION = """The audits change films in one respect and compare the answers, or measure where the evidence lies.
The gate is not applied unless a row says so."""

_SECTIONS = {
    "audits": (
        "Audits: what the network reads",
        "They were made on validation films of this model's population",
    ),
    "test_audits": ("Audits of the test films", "They were repeated on test films"),
}
"""Key of a run -> title and introduction of its audits."""


def _part(name: str, entry: Entry) -> str:
    tables = [table.to_markdown() for build in AUDIT_TABLES[name] if (table := build(entry)).rows]
    title, sentence = SENTENCES[name]
    return "\n\n".join([f"### {title}", sentence(entry), *tables])


def _evidence(entry: Entry) -> str:
    row = entry["dilated"][PNEUMONIA]
    if not row["count"]:
        return "No pneumonia film of the audit has a lung mask."
    return (
        f"Of the evidence of a pneumonia film, {percent(row['median'])} (median) lies inside the lungs as people drew "
        f"them, widened by 8 % of the side. {percent(row['at_least_half'])} of these films have at least half of their "
        f"evidence there. Evidence that is spread evenly would have {share(entry['dilated']['chance'])}."
    )


def _hidden(entry: Entry) -> str:
    aurocs = {name: row["auroc"]["value"] or 0.0 for name, row in entry["lungs"].items()}
    worst = max(aurocs, key=lambda name: aurocs[name])
    return (
        "A network that reads the lungs alone has an AUROC of .5 if they are erased. They were erased with a margin. "
        f'The fill that leaves most is "{worst}": AUROC {score(entry["lungs"][worst]["auroc"])}. A blurred film still '
        "shows a white lung, and the outline of what was erased can tell the class."
    )


def _border(entry: Entry) -> str:
    return (
        "Each film gets the border of a film of the other class. A network that reads borders would now take one class "
        f"for the other. The AUROC lost is {decimal_loss(entry['lost'])}. Answers that change from Pneumonia to "
        f"Normal: "
        f"{entry['missed']}."
    )


def _frames(entry: Entry) -> str:
    network, service = entry["network"]["all"], entry["service"]["all"]
    return (
        "Films were put into frames of several widths and grey levels. If the frame is left in, "
        f"{percent(network['same'])} of the answers are unchanged. The service finds and removes frames first: then "
        f"{percent(service['same'])} are unchanged. Answers of the service that change from Pneumonia to Normal: "
        f"{service['missed']} over all frames."
    )


def _robustness(entry: Entry) -> str:
    losses = {name: row["loss"] for name, row in entry["changes"].items()}
    worst = max(losses, key=lambda name: losses[name]["value"] or 0.0)
    return (
        f"Each film was resized to {entry['side']} x {entry['side']} pixels and perturbed in one way at a time. The "
        f"network without the gate answered every film at the threshold {entry['threshold']:.3f}. The perturbation "
        f'that costs most is "{worst}": {points(losses[worst])} points of accuracy.'
    )


def _deletion(entry: Entry) -> str:
    return (
        "If the map shows what moves the score, the score falls quickly when the pixels with the most evidence are "
        "deleted first, and rises quickly when they are inserted first. Deletion removes evidence better than a random "
        f"order in {percent(entry['deletion']['better'])} of the films. A map that is not better than a random one "
        "inside the lungs shows where the lungs are, not where the disease is."
    )


def _devices(entry: Entry) -> str:
    worst = min(entry["drawn"], key=lambda name: entry["drawn"][name]["same"]["value"] or 0.0)
    return (
        "Tubes, lines, pacemakers and letters were drawn into films, in both classes and in one class only. The one "
        f'that changes most answers is "{worst}": {percent(entry["drawn"][worst]["same"])} are unchanged. If letters '
        "are found more often in the films of one class, they give the class away."
    )


def _projection(entry: Entry) -> str:
    return (
        "Sick patients are filmed in bed, AP. Among films of one class, a network that reads disease alone cannot "
        "tell AP "
        f"from PA: AUROC .5. Measured on {entry['of']}: {score(entry['reads_view'][NORMAL])} for films without "
        f"finding. "
        "Films taken in bed are less often free of any disease, which raises it too."
    )


SENTENCES: dict[str, tuple[str, Callable[[Entry], str]]] = {
    "evidence": ("Where the evidence lies", _evidence),
    "hidden": ("Lungs erased", _hidden),
    "border": ("Borders exchanged", _border),
    "frames": ("Frames", _frames),
    "robustness": ("Perturbations", _robustness),
    "devices": ("Devices and letters", _devices),
    "projection": ("Projection", _projection),
    "deletion": ("Deletion and insertion", _deletion),
}
"""Name of an audit -> (title, function of its sentence), in the order of the card."""
