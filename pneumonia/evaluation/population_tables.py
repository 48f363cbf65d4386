"""Tables of answers by class, reading and source, and of the model that answers a film whose age nobody states.

Serving imports this module, so it must not import scikit-learn, SciPy or Matplotlib, directly or indirectly. Every
function takes parts of `evaluation.json` and returns a table without rows if the data is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..inference.decision import CLASSES, UNKNOWN
from ..messages import message
from .number_format import percent, score
from .table import Table

Json = Mapping[str, Any]

SOURCE_NAMES = {
    "kermany": message("Kermany (children, Guangzhou)"),
    "siim": message("SIIM-FISABIO-RSNA (adults, Spain and USA)"),
    "rsna_normal": message("RSNA's healthy films of NIH ChestX-ray14 (adults)"),
    "lung_masks": message("lung masks of V7 Labs"),
}
"""Name of a source in `config.json` and `evaluation.json` -> its name in texts."""

ROUTING_NAMES = {
    "children": message("Children's model"),
    "adults": message("Adults' model"),
    "population_unclear": message("Population unclear"),
    "refused": message("Refused"),
}
"""Outcome in an entry of `routing` -> its name in tables."""


def source_name(source: str) -> str:
    """The name of a source in texts; an unknown source keeps its own."""
    return SOURCE_NAMES.get(source, source)


def answers(run: Json) -> Table:
    """Answers at `balanced` to the films of each class: shares of Normal, Pneumonia and Unknown."""
    return _answers(message("Answers by class"), message("Class of the film"), run.get("classes", {}))


def readings(run: Json) -> Table:
    """The same by the radiologists' reading, with the AUROC of each reading of pneumonia against SIIM's negatives."""
    return _answers(
        message("Answers by reading"), message("Radiologists' reading"), run.get("readings", {}), ("auroc",)
    )


def sources(run: Json) -> Table:
    """The same by source, with the AUROCs of `evaluation.adult_figures`."""
    entries = {source_name(name): entry for name, entry in run.get("sources", {}).items()}
    return _answers(message("Answers by source"), message("Source"), entries, ("auroc", "auroc_typical"))


_AUROCS = {"auroc": "AUROC", "auroc_typical": message("AUROC, typical films")}


def _answers(caption: str, group: str, entries: Json, aurocs: Sequence[str] = ()) -> Table:
    aurocs = [name for name in aurocs if any(name in entry for entry in entries.values())]
    rows = [
        [
            name.replace("_", " "),
            f"{entry['films']:,}",
            *(percent(entry[answer]) for answer in (*CLASSES, UNKNOWN)),
            percent(entry["answered_accuracy"]),
            *(score(entry[auroc]) if auroc in entry else "-" for auroc in aurocs),
        ]
        for name, entry in entries.items()
    ]
    answer_columns = [message("Answered Normal"), message("Answered Pneumonia"), message("Answered Unknown")]
    columns = [
        group,
        message("Films"),
        *answer_columns,
        message("Accuracy of the answered"),
        *(_AUROCS[name] for name in aurocs),
    ]
    return Table(caption, columns, rows)


def routing(caption: str, entries: Sequence[Json]) -> Table:
    """What happens to films of known populations whose age is not stated; `entries` as in `evaluation.routing`."""
    rows = [
        [entry["name"], f"{entry['images']:,}", *(percent(entry[outcome]) for outcome in ROUTING_NAMES)]
        for entry in entries
    ]
    return Table(caption, [message("Films or images"), message("Count"), *ROUTING_NAMES.values()], rows)
