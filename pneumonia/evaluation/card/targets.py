"""Card section on the targets that were set before training, with the measured values. It includes missed targets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ...inference.decision import DEFAULT_POINT
from ..number_format import Figure, decimal, percent, points, score, share
from ..table import Table

Run = Mapping[str, Any]

MIN_OFFICIAL = {"gated_accuracy": 0.93, "gated_sensitivity": 0.95, "gated_specificity": 0.89, "auroc": 0.985}
MIN_FOLDS = {"accuracy": 0.97, "precision": 0.98, "sensitivity": 0.98, "f1": 0.98}
MAX_ECE_OUT_OF_FOLD, MAX_ECE_OFFICIAL = 0.02, 0.05
MIN_ANSWERED_ACCURACY, MIN_COVERAGE = 0.97, 0.90
MAX_REFUSED_PER_SUBGROUP = 0.02
MAX_ACCURACY_LOSS = 0.02
MIN_REFUSED = {
    "photographs": 0.99,
    "documents": 0.99,
    "brain MRI": 0.99,
    "noise": 0.99,
    "blank": 0.99,
    "hand": 0.95,
    "spine": 0.95,
    "lateral chest": 0.90,
}
"""Kind of image -> minimum share that the gate must refuse."""


class Target(NamedTuple):
    """A row of the table: criterion, required value, measured value with interval, and result."""

    criterion: str
    required: str
    measured: str
    is_met: bool


def targets(run: Run, folds: Run | None, kinds: Sequence[Mapping[str, Any]]) -> str:
    """The section as Markdown.

    `run` is of protocol `official`, `folds` of `folds5` with the same recipe. `kinds` are the gate's refusals by kind
    of image, as in `evaluation.json`.
    """
    rows = [*_official(run), *_folds(folds), *_service(run), *_gate(run, kinds), *_robustness(run)]
    cells = [[row.criterion, row.required, row.measured, "met" if row.is_met else "**missed**"] for row in rows]
    return f"""
## Targets

The targets were set before training, for a network of three convolutions trained from scratch. The point estimates meet
{sum(row.is_met for row in rows)} of {len(rows)} targets; intervals are not considered. `docs/experiments.md` lists the
experiments and their results.

{Table("Targets", ["Criterion", "Required", "Measured", "Result"], cells).to_markdown()}
"""


def _official(run: Run) -> Iterator[Target]:
    names = {"gated_accuracy": "accuracy", "gated_sensitivity": "sensitivity", "gated_specificity": "specificity"}
    for key, minimum in MIN_OFFICIAL.items():
        figure = run["figures"][key]
        if key == "auroc":
            yield _at_least("official test: AUROC", decimal(minimum), score(figure), figure, minimum)
        else:
            criterion = f"official test, refused films counted as wrong: {names[key]}"
            yield _at_least(criterion, share(minimum), percent(figure), figure, minimum)
    ece = run["figures"]["ece"]
    yield _at_most("official test: ECE", decimal(MAX_ECE_OFFICIAL, 2), score(ece), ece, MAX_ECE_OFFICIAL)


def _folds(folds: Run | None) -> Iterator[Target]:
    if folds is None:
        return
    for key, minimum in MIN_FOLDS.items():
        figure = folds["figures"][key]
        yield _at_least(f"five folds: {key}", share(minimum), percent(figure), figure, minimum)
    if "out_of_fold" in folds:
        ece = folds["out_of_fold"]["figures"]["ece"]
        yield _at_most("out-of-fold: ECE", decimal(MAX_ECE_OUT_OF_FOLD, 2), score(ece), ece, MAX_ECE_OUT_OF_FOLD)


def _service(run: Run) -> Iterator[Target]:
    metrics = run["operating_points"][DEFAULT_POINT]
    for key, name, minimum in (
        ("answered_accuracy", "accuracy of answered films", MIN_ANSWERED_ACCURACY),
        ("coverage", "coverage (films answered)", MIN_COVERAGE),
    ):
        criterion = f"official test at {DEFAULT_POINT}: {name}"
        yield _at_least(criterion, share(minimum), percent(metrics[key]), metrics[key], minimum)


def _gate(run: Run, kinds: Sequence[Mapping[str, Any]]) -> Iterator[Target]:
    limit = MAX_REFUSED_PER_SUBGROUP
    for name, subgroup in run["kinds"].items():
        refused = subgroup["refused"]
        yield _at_most(f"official test, refused: {name} films", share(limit), percent(refused), refused, limit)
    for kind in kinds:
        if kind["name"] in MIN_REFUSED:
            minimum, refused = MIN_REFUSED[kind["name"]], kind["refused"]
            yield _at_least(f"refused: {kind['name']}", share(minimum), percent(refused), refused, minimum)


def _robustness(run: Run) -> Iterator[Target]:
    limit = f"{100 * MAX_ACCURACY_LOSS:.0f}"
    for name, row in run.get("robustness", {}).get("changes", {}).items():
        loss = row["loss"]
        criterion = f"official test, points of accuracy lost: {name}"
        yield _at_most(criterion, limit, points(loss), loss, MAX_ACCURACY_LOSS)


def _at_least(criterion: str, required: str, measured: str, figure: Figure, limit: float) -> Target:
    is_met = figure["value"] is not None and figure["value"] >= limit
    return Target(criterion, f"at least {required}", measured, is_met)


def _at_most(criterion: str, required: str, measured: str, figure: Figure, limit: float) -> Target:
    is_met = figure["value"] is not None and figure["value"] <= limit
    return Target(criterion, f"at most {required}", measured, is_met)
