"""Goals for the models that score the lung field, and the values that were reached.

python -m pneumonia.evaluation.targets [BUNDLE ...]

The goals were set before the models were trained. "Required" is the least that was wanted, "aim" what was hoped for.
The values come from `config.json` and `evaluation.json` of the bundles, by default the embedded ones; what was not
measured is listed as such.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..command_line import entry_point
from ..inference import bundle, sources
from ..inference.decision import CLASSES, DEFAULT_POINT, UNKNOWN
from ..inference.populations import ADULTS, CHILDREN
from .number_format import Figure, decimal, percent, points, score, share
from .population_tables import source_name
from .table import Table

Json = Mapping[str, Any]

NORMAL, PNEUMONIA = CLASSES
MET, AIM_MET, MISSED, NOT_MEASURED = "met", "met, aim too", "**missed**", "not measured"


@dataclass(frozen=True)
class Goal:
    """A goal: `required` and `aim` are minima, or maxima if `is_maximum`.

    `measured` is a figure of `evaluation.json`, a count, or None if it was not measured. `unit`: `share`, `score`,
    `points` (a difference of shares) or `count`, for the notation.
    """

    criterion: str
    required: float
    aim: float
    measured: Figure | int | None
    unit: str = "share"
    is_maximum: bool = False

    @property
    def value(self) -> float | None:
        """The point estimate; None if it was not measured."""
        return self.measured["value"] if isinstance(self.measured, Mapping) else self.measured

    @property
    def result(self) -> str:
        """Whether the point estimate reaches the goal; intervals are not considered."""
        if self.value is None:
            return NOT_MEASURED
        if self._reaches(self.aim):
            return AIM_MET
        return MET if self._reaches(self.required) else MISSED

    def cells(self) -> list[str]:
        """The row of the table."""
        bound = "at most" if self.is_maximum else "at least"
        return [
            self.criterion,
            f"{bound} {self._text(self.required)}",
            self._text(self.aim),
            self._measured(),
            self.result,
        ]

    def _reaches(self, limit: float) -> bool:
        value = self.value
        return value is not None and (value <= limit if self.is_maximum else value >= limit)

    def _text(self, value: float) -> str:
        return _NOTATIONS[self.unit](value)

    def _measured(self) -> str:
        if self.measured is None:
            return "-"
        if not isinstance(self.measured, Mapping):
            return str(self.measured)
        return {"score": score, "points": points}.get(self.unit, percent)(self.measured)


_NOTATIONS: dict[str, Callable[[float], str]] = {
    "share": share,
    "score": decimal,
    "points": lambda value: f"{100 * value:.1f} points",
    "count": lambda value: f"{value:.0f}",
}
"""Unit of a goal -> notation of its limits."""


def goals(config: Json, evaluation: Json) -> list[Goal]:
    """The goals of the model's population with the values of its evaluation."""
    runs = evaluation["runs"]
    run = runs[f"{config['recipe']}/{config['protocol']}"]
    rows: list[Goal] = []
    if config.get("population", CHILDREN.name) == CHILDREN.name:
        rows += _official(run)
        rows += _grouped(runs.get(f"{config['recipe']}/grouped80"))
        rows += _calibration(run, runs.get(f"{config['recipe']}/folds5", {}))
        rows += _robustness(run)
    else:
        rows += _adults(run, _get(evaluation, "nih_by_age", "groups", "18 and over", "network", "without_contradicted"))
    rows += _audits(run.get("audits", {}), has_masks=config.get("population") != ADULTS.name)
    rows += _routing(evaluation, config.get("population", CHILDREN.name))
    return rows


def _official(run: Json) -> Iterator[Goal]:
    names = {"accuracy": (0.93, 0.96), "sensitivity": (0.95, 0.98), "specificity": (0.89, 0.92)}
    for name, (required, aim) in names.items():
        criterion = f"official test, refused films counted as wrong: {name}"
        yield Goal(criterion, required, aim, run["figures"].get(f"gated_{name}"))
    yield Goal("official test: AUROC", 0.985, 0.99, run["figures"]["auroc"], "score")
    answers = _get(run, "classes", NORMAL) or {}
    limits = {NORMAL: (0.8, 0.9, False), PNEUMONIA: (0.09, 0.04, True), UNKNOWN: (0.11, 0.06, True)}
    for answer, (required, aim, is_maximum) in limits.items():
        criterion = f"official test, normal films at {DEFAULT_POINT}: answered {answer}"
        yield Goal(criterion, required, aim, answers.get(answer), is_maximum=is_maximum)


def _grouped(run: Json | None) -> Iterator[Goal]:
    from .card.performance import metrics_at_half  # the card imports this module

    values = metrics_at_half(run) if run else {}
    for name, required in {"accuracy": 0.96, "precision": 0.95, "sensitivity": 0.97, "f1": 0.96}.items():
        figure = {"value": values[name], "low": None, "high": None} if values else None
        yield Goal(f"80/20 by patient at one half: {name}", required, 0.97, figure)


def _calibration(run: Json, folds: Json) -> Iterator[Goal]:
    out_of_fold = folds.get("out_of_fold", {})
    own, known = (_get(part, "figures", "ece") for part in (out_of_fold, out_of_fold.get("known_prevalence") or {}))
    yield Goal("out-of-fold: ECE", 0.02, 0.012, own, "score", is_maximum=True)
    yield Goal("out-of-fold: ECE at the prevalence of the films", 0.02, 0.012, known, "score", is_maximum=True)
    yield Goal("official test: ECE", 0.08, 0.05, run["figures"]["ece"], "score", is_maximum=True)


def _robustness(run: Json) -> Iterator[Goal]:
    for name, row in _get(run, "robustness", "changes", default={}).items():
        yield Goal(f"official test, accuracy lost: {name}", 0.02, 0.01, row["loss"], "points", is_maximum=True)


def _adults(run: Json, nih: Json | None) -> Iterator[Goal]:
    by_source = run.get("sources", {})
    siim, healthy = by_source.get("siim", {}), by_source.get("rsna_normal", {})
    yield Goal("SIIM, held-out patients: AUROC", 0.83, 0.88, siim.get("auroc"), "score")
    yield Goal("SIIM, typical against negative films: AUROC", 0.86, 0.92, siim.get("auroc_typical"), "score")
    yield Goal(f"SIIM at {DEFAULT_POINT}: answered", 0.7, 0.8, siim.get("answered"))
    yield Goal(f"SIIM at {DEFAULT_POINT}: accuracy of the answered", 0.83, 0.9, siim.get("answered_accuracy"))
    criterion = f"RSNA's healthy films at {DEFAULT_POINT}: Normal among the answered"
    yield Goal(criterion, 0.92, 0.97, healthy.get("answered_accuracy"))
    criterion = "NIH, adults, without labels that a second reading contradicts: AUROC"
    yield Goal(criterion, 0.6, 0.72, _get(nih or {}, "auroc"), "score")


def _audits(audits: Json, *, has_masks: bool) -> Iterator[Goal]:
    if has_masks:
        evidence = _get(audits, "evidence", "dilated", PNEUMONIA, default={})
        yield Goal("evidence inside the widened lung masks, median", 0.85, 0.95, evidence.get("median"))
        yield Goal("films with at least half of the evidence there", 0.95, 0.99, evidence.get("at_least_half"))
    for fill in ("black", "mean of the film"):
        auroc = _get(audits, "hidden", "lungs", fill, "auroc")
        yield Goal(f"lungs erased, fill: {fill}: AUROC", 0.75, 0.6, auroc, "score", is_maximum=True)
    lost = _get(audits, "border", "lost")
    yield Goal("border of the other class: AUROC lost", 0.01, 0.003, lost, "score", is_maximum=True)
    frames = _get(audits, "frames", "service", "all", default={})
    yield Goal("films in frames of 1-12 %: answers unchanged", 0.99, 1.0, frames.get("same"))
    yield Goal("films in frames of 1-12 %: Pneumonia to Normal", 0, 0, frames.get("missed"), "count", is_maximum=True)


def _routing(evaluation: Json, population: str) -> Iterator[Goal]:
    """Films of the population that the other model answers, and for children also those that are refused.

    Gates that were fitted on other films are preferred to the embedded ones, which were fitted on some of them.
    """
    entries = _get(evaluation, "gate_cross_fit", "films") or evaluation.get("routing", [])
    for entry in entries:
        source, _, kind = entry["name"].partition(": ")
        name = f"{source_name(source)}: {kind}"
        if population == CHILDREN.name and source == "kermany":
            wrong = entry[ADULTS.name]
            yield Goal(f"{name}, no age stated: answered as adults", 0.02, 0.01, wrong, is_maximum=True)
            yield Goal(f"{name}, no age stated: refused", 0.02, 0.01, entry["refused"], is_maximum=True)
        elif population == ADULTS.name and (source in {"siim", "rsna_normal"} or entry["name"] == "nih: 18 and over"):
            wrong = entry[CHILDREN.name]
            yield Goal(f"{name}, no age stated: answered as children", 0.02, 0.005, wrong, is_maximum=True)


def _get(tree: Json, *keys: str, default: Any = None) -> Any:
    """The value at a path of keys; `default` if a key is missing."""
    node: Any = tree
    for key in keys:
        if not isinstance(node, Mapping) or key not in node:
            return default
        node = node[key]
    return node


def table(rows: Sequence[Goal]) -> Table:
    """The table of goals."""
    columns = ["Goal", "Required", "Aim", "Reached", "Result"]
    return Table("Goals", columns, [row.cells() for row in rows])


def summary(rows: Sequence[Goal]) -> str:
    """How many goals were reached."""
    results = [row.result for row in rows]
    reached = results.count(MET) + results.count(AIM_MET)
    return (
        f"The point estimates reach {reached} of {len(rows)} goals, {results.count(AIM_MET)} of them with the aim; "
        f"{results.count(MISSED)} are missed, {results.count(NOT_MEASURED)} were not measured. Intervals are not "
        f"considered."
    )


@entry_point
def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table for each bundle; returns the exit code (2 after an error)."""
    parser = argparse.ArgumentParser("python -m pneumonia.evaluation.targets", description=__doc__)
    parser.add_argument("bundles", type=Path, nargs="*", metavar="BUNDLE", help="default: the embedded models")
    options = parser.parse_args(arguments)
    folders = options.bundles or [path for path in sources.EMBEDDED_FOLDERS.values() if path.is_dir()]
    loaded = [bundle.load(folder, folder.name) for folder in folders]
    for model in loaded:
        rows = goals(model.config, model.evaluation)
        print(f"## {model.population.description}\n\n{summary(rows)}\n\n{table(rows).to_markdown()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
