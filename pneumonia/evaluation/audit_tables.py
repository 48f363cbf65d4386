"""Tables of the audits, built once for the model card (Markdown), the web page (HTML) and the commands.

Serving imports this module, so it must not import scikit-learn, SciPy or Matplotlib, directly or indirectly. Every
function takes an entry of `evaluation.json` and returns a table without rows if the entry is missing or empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..inference.decision import CLASSES, LABEL_NAMES
from ..messages import Message, join, message
from . import tables
from .number_format import decimal, percent, score, share
from .table import Table

Json = Mapping[str, Any]

VARIANTS = {"dilated": message("masks dilated by 8 % of the side"), "as_drawn": message("masks as drawn")}


def evidence(entry: Json | None) -> Table:
    """Distribution, by class, of the share of evidence inside the drawn lung masks."""
    rows = []
    for variant, name in VARIANTS.items() if entry else ():
        groups = entry[variant] if entry else {}
        rows.append([message("evenly spread evidence, {name}", name=name), "", share(groups["chance"]), "", "-"])
        rows += [
            [
                _evidence_group(group, name),
                f"{row['count']:,}",
                percent(row["median"]),
                percent(row["lower_decile"]),
                percent(row["at_least_half"]),
            ]
            for group in ("all", *CLASSES)
            if (row := groups[group])["count"]
        ]
    columns = [
        message("Evidence inside the lung masks"),
        message("Films"),
        message("Median"),
        message("10th percentile"),
        message("Films with at least half inside"),
    ]
    return Table(message("Location of the evidence"), columns, rows)


def _evidence_group(group: str, name: Message) -> Message:
    if group == "all":
        return message("all films, {name}", name=name)
    return message("{group} films, {name}", group=LABEL_NAMES[group], name=name)


def lung_field(entry: Json | None) -> Table:
    """Agreement of the predicted lung field with the drawn masks."""
    names = {"pixels": message("on the grid of the masks"), "cells": message("on the grid of the field")}
    dice = (entry or {}).get("dice", {})
    rows = [
        [name, score(dice[grid]["median"]), score(dice[grid]["percentile_5"])]
        for grid, name in names.items()
        if grid in dice
    ]
    return Table(
        message("Predicted lung field"),
        [message("Dice coefficient with the drawn mask"), message("Median"), message("5th percentile")],
        rows,
    )


def hidden(entry: Json | None) -> Table:
    """AUROC with the lungs erased, and with everything else erased."""
    rows = []
    if entry:
        rows = [[message("nothing"), "", score(entry["baseline"]["auroc"]), "-"]]
        for part, name in {"lungs": message("the lungs"), "outside": message("everything but the lungs")}.items():
            rows += [[name, fill, score(row["auroc"]), decimal_loss(row["lost"])] for fill, row in entry[part].items()]
    return Table(
        message("Lungs erased, and everything else erased"),
        [message("Erased"), message("Filled with"), "AUROC", message("AUROC lost")],
        rows,
    )


def border(entry: Json | None) -> Table:
    """AUROC and answers with the border of a film of the other class."""
    rows: list[list[str]] = []
    if entry:
        rows = [
            [message("AUROC, own border"), score(entry["baseline"]["auroc"])],
            [message("AUROC, border of the other class"), score(entry["exchanged"]["auroc"])],
            [message("AUROC lost"), decimal_loss(entry["lost"])],
            *_change_rows(entry),
        ]
    return Table(
        message("Borders exchanged between the classes"),
        [message("Borders exchanged"), message("Value (95 % interval)")],
        rows,
    )


def frames(entry: Json | None) -> Table:
    """Answers for films inside uniform frames, at the network and through the service."""
    rows = []
    for place, name in (
        {"network": message("network, frame left in"), "service": message("service")}.items() if entry else ()
    ):
        part = entry[place] if entry else {}
        named = {**part["depths"], message("all of {count} frames", count=part["all"]["frames"]): part["all"]}
        named[message("worst: {frame}", frame=part["worst"]["frame"])] = part["worst"]
        rows += [
            [
                join([name, frame], ": "),
                f"{part['films']:,}",
                percent(row["same"]),
                str(row["missed"]),
                str(row["raised"]),
            ]
            for frame, row in named.items()
        ]
    columns = [
        message("Frame"),
        message("Films"),
        message("Answers unchanged"),
        message("Pneumonia to Normal"),
        message("Normal to Pneumonia"),
    ]
    return Table(message("Films inside frames"), columns, rows)


def perturbations(entry: Json | None) -> Table:
    """Accuracy of the network on the audited films under perturbations."""
    return tables.robustness(entry, message("Audited films under perturbations"))


DELETION_CURVES = {
    "deletion": message("Deletion (lower is better)"),
    "insertion": message("Insertion (higher is better)"),
    "deletion_to_normal": message("Deletion, replaced by the average normal film"),
    "insertion_from_normal": message("Insertion into the average normal film"),
}


def deletion(entry: Json | None) -> Table:
    """Areas under the deletion and insertion curves of the evidence map and of the reference maps."""
    rows = []
    if entry:
        curves = [entry[key] for key in DELETION_CURVES]
        rows = [[name, *(score(curve["area"][name]) for curve in curves)] for name in curves[0]["area"]]
        rows.append(
            [message("films with better evidence than random"), *(percent(curve["better"]) for curve in curves)]
        )
    columns = [message("Order of the pixels"), *DELETION_CURVES.values()]
    return Table(message("Deletion and insertion"), columns, rows)


def devices(entry: Json | None) -> Table:
    """Answers with simulated devices and letters, and with letters blanked out."""
    rows = []
    if entry:
        rows = [[message("unchanged"), "-", "-", "-", percent(entry["baseline"]["refused"])]]
        rows += [
            [name, *(value for _, value in _change_rows(row)), percent(row["refused"]) if "refused" in row else "-"]
            for name, row in _device_rows(entry).items()
        ]
    columns = [
        message("Devices and letters"),
        message("Answers unchanged"),
        message("Pneumonia to Normal"),
        message("Normal to Pneumonia"),
    ]
    return Table(message("Devices and letters: answers"), [*columns, message("Refused by the gate")], rows)


def device_scores(entry: Json | None) -> Table:
    """AUROC with simulated devices and letters in all films and in those of one class, and with letters blanked out."""
    rows = []
    if entry:
        rows = [[message("unchanged"), score(entry["baseline"]["auroc"]), "-", "-", "-"]]
        for name, row in _device_rows(entry).items():
            one_class = [score(row[key]) if key in row else "-" for key in ("normal_only", "pneumonia_only")]
            rows.append([name, score(row["auroc"]), decimal_loss(row["lost"]), *one_class])
    columns = [message("Devices and letters"), "AUROC", message("AUROC lost")]
    columns += [message("AUROC, drawn in normal films only"), message("AUROC, drawn in pneumonia films only")]
    return Table(message("Devices and letters: AUROC"), columns, rows)


def letters(entry: Json | None) -> Table:
    """Share of the films of each class in which bright letters are found."""
    keys = ("normal_with_letters", "pneumonia_with_letters")
    rows = [
        [LABEL_NAMES[name], percent(entry["letters_blanked"][key])]
        for name, key in zip(CLASSES, keys, strict=True)
        if entry
    ]
    return Table(message("Films with letters"), [message("Class"), message("Films in which letters are found")], rows)


def _device_rows(entry: Json) -> dict[str, Json]:
    rows: dict[str, Json] = {message("drawn: {name}", name=name): row for name, row in entry["drawn"].items()}
    blanked = entry["letters_blanked"]
    if blanked["count"]:
        rows[message("letters blanked, {count} films", count=blanked["count"])] = blanked
    return rows


def projection(entry: Json | None) -> Table:
    """AUROC of the score for AP against PA within a class, and for pneumonia within a projection."""
    columns = [
        message("Comparison"),
        message("Films"),
        message("AUROC if only disease were read"),
        message("Measured AUROC"),
    ]
    rows = [*_rows_within_class(entry), *_rows_within_projection(entry)] if entry else []
    return Table(message("Projection (AP or PA)"), columns, rows)


def _rows_within_class(entry: Json) -> Iterator[list[str]]:
    counts = entry["films"]
    for name, figure in entry["reads_view"].items():
        comparison = message("AP against PA, {name} films", name=LABEL_NAMES[name])
        yield [comparison, f"{counts[f'{name} AP']} / {counts[f'{name} PA']}", decimal(0.5), score(figure)]


def _rows_within_projection(entry: Json) -> Iterator[list[str]]:
    """Pneumonia against normal for the films of each projection, then for all films."""
    counts, (normal, pneumonia) = entry["films"], CLASSES
    names = {"pneumonia": LABEL_NAMES[pneumonia], "normal": LABEL_NAMES[normal]}
    for view, figure in entry["by_view"].items():
        comparison = message("{pneumonia} against {normal}, {view} films", view=view, **names)
        yield [comparison, f"{counts[f'{pneumonia} {view}']} / {counts[f'{normal} {view}']}", "1", score(figure)]
    totals = [sum(counts[f"{name} {view}"] for view in entry["by_view"]) for name in (pneumonia, normal)]
    comparison = message("{pneumonia} against {normal}, all films", **names)
    yield [comparison, " / ".join(map(str, totals)), "1", score(entry["all"])]


def _change_rows(row: Json) -> list[list[str]]:
    return [
        [message("answers unchanged"), percent(row["same"])],
        [message("Pneumonia to Normal"), str(row["missed"])],
        [message("Normal to Pneumonia"), str(row["raised"])],
    ]


def decimal_loss(figure: Mapping[str, float | None]) -> str:
    """A difference of two scores with its interval: `.012 (-.003 to .025)`; a dash if there is no value."""
    if figure["value"] is None:
        return "-"
    value, low, high = (_signed(figure[key] or 0.0) for key in ("value", "low", "high"))
    return message("{value} ({low} to {high})", value=value, low=low, high=high)


def _signed(value: float) -> str:
    text = decimal(abs(value))
    return f"-{text}" if value < 0 and text.strip(".0") else text


AUDIT_TABLES = {
    "evidence": (evidence, lung_field),
    "hidden": (hidden,),
    "border": (border,),
    "frames": (frames,),
    "robustness": (perturbations,),
    "deletion": (deletion,),
    "devices": (devices, device_scores, letters),
    "projection": (projection,),
}
"""Name of an audit in a run of `evaluation.json` -> the tables of its entry."""


def audit_tables(audits: Json) -> list[Table]:
    """The tables of a run's `audits`; those without rows are left out."""
    built = [build(audits.get(name)) for name, builders in AUDIT_TABLES.items() for build in builders]
    return [table for table in built if table.rows]
