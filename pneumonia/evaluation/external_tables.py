"""Tables of films of other hospitals by age, built once for the model card (Markdown), the page (HTML) and the command.

Serving imports this module, so it must not import scikit-learn, SciPy or Matplotlib, directly or indirectly. Every
function takes an entry of `evaluation.json` and returns a table without rows if the entry is missing or empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..inference.decision import CLASSES, LABEL_NAMES
from ..inference.populations import POPULATIONS
from ..messages import Message, join, message
from .number_format import percent, score, share
from .table import Table

Json = Mapping[str, Any]

_GROUP_NAMES = {"18 and over": message("18 and over"), "unknown": message("unknown")}
"""Age group of `evaluation.json` -> its name, if it has words."""

_LABEL_SETS = ("all", "without_contradicted")


def nih_answers(entry: Json | None) -> Table:
    """Answers of the service for each age group and class, with the age given and without."""
    rows = []
    for group, row in (entry or {"groups": {}})["groups"].items():
        for key, name in {"answers": message("age given"), "answers_without_age": message("age not given")}.items():
            rows += [
                [
                    join([_group_name(group), LABEL_NAMES[class_name], name], ", "),
                    f"{row[class_name]:,}",
                    _counts(row[key][class_name]),
                ]
                for class_name in CLASSES
                if row[class_name]
            ]
    return Table(
        message("NIH ChestX-ray14: answers by age"),
        [message("Age in years, label"), message("Films"), message("Answers")],
        rows,
    )


def nih_network(entry: Json | None) -> Table:
    """Figures of the network of each age group's population, with and without the contradicted labels."""
    rows = []
    for group, row in (entry or {"groups": {}})["groups"].items():
        for key in _LABEL_SETS if "network" in row else ():
            figures = row["network"][key]
            rows.append(
                [
                    _network_name(group, row["network"]["population"], key),
                    f"{figures['pneumonia']} / {figures['films'] - figures['pneumonia']}",
                    *(score(figures["auroc"]), percent(figures["sensitivity"]), percent(figures["specificity"])),
                ]
            )
    columns = [
        message("Age in years, films"),
        message("Pneumonia / without finding"),
        "AUROC",
        message("Sensitivity"),
        message("Specificity"),
    ]
    return Table(message("NIH ChestX-ray14: network by age and reading"), columns, rows)


def covid_children(entry: Json | None) -> Table:
    """The answer for each film of a child with COVID-19."""
    rows = [
        [row["film"], _answer(row["answer"]), share(row["probability"]), _answer(row["answer_without_age"])]
        for row in (entry or {"rows": []})["rows"]
    ]
    columns = [message("Film"), message("Answer, age given"), "P(pneumonia)", message("Answer, age not given")]
    return Table(message("Children with COVID-19"), columns, rows)


def external_tables(entries: Json) -> list[Table]:
    """The tables of the entries that `external_nih` writes; those without rows are left out."""
    nih = entries.get("nih_by_age")
    built = [nih_answers(nih), nih_network(nih), covid_children(entries.get("covid_children"))]
    return [table for table in built if table.rows]


def _counts(counts: Mapping[str, int]) -> str:
    return join((join([str(count), _answer(name)], " ") for name, count in counts.items()), ", ") or "-"


def _answer(name: str) -> str:
    """The name of an answer; that of an error is its code."""
    return LABEL_NAMES.get(name, name)


def _group_name(group: str) -> str:
    return _GROUP_NAMES.get(group, group)


def _network_name(group: str, population: str, label_set: str) -> Message:
    values = {"group": _group_name(group), "population": POPULATIONS[population].name}
    if label_set == "all":
        return message("{group}, model for {population}, all", **values)
    return message("{group}, model for {population}, without contradicted labels", **values)
