"""What was asked of the model before it was trained, beside what it reached: a target missed is told, not left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ...inference.decision import DEFAULT_POINT
from .numbers import percent, points, score, share, table

Run = Mapping[str, Any]
Figure = Mapping[str, float | None]

OFFICIAL = {"gated_accuracy": 0.93, "gated_sensitivity": 0.95, "gated_specificity": 0.89, "auroc": 0.985}
FOLDS = {"accuracy": 0.97, "precision": 0.98, "sensitivity": 0.98, "f1": 0.98}
ECE_OUT_OF_FOLD, ECE_OFFICIAL = 0.02, 0.05
ANSWERED, COVERAGE = 0.97, 0.90
REFUSED_OF_A_KIND = 0.02
LOST_TO_A_CHANGE = 0.02
REFUSED = {
    "photographs": 0.99,
    "documents": 0.99,
    "brain MRI": 0.99,
    "noise": 0.99,
    "blank": 0.99,
    "hand": 0.95,
    "spine": 0.95,
    "lateral chest": 0.90,
}
"""The least share of each kind of image that the gate is to refuse."""


class Target(NamedTuple):
    """A row: what, how much was asked, how much was reached, whether that is enough."""

    what: str
    asked: str
    reached: str
    met: bool


def targets(run: Run, folds: Run | None, kinds: Sequence[Mapping[str, Any]]) -> str:
    """The section: `run` is of protocol `official`, `folds` the same recipe's, `kinds` what the gate refuses."""
    found = [*_official(run), *_folds(folds), *_service(run), *_gate(run, kinds), *_robustness(run)]
    missed = sum(not target.met for target in found)
    rows = [[target.what, target.asked, target.reached, "met" if target.met else "**missed**"] for target in found]
    return f"""
## Targets

Set before training, for three convolutions trained from scratch; {len(found) - missed} of {len(found)} are met by the
value, whatever its interval. What was tried and how far each attempt got: `docs/experiments.md`.

{table(["what", "asked", "reached", ""], rows)}
"""


def _official(run: Run) -> Iterator[Target]:
    names = {"gated_accuracy": "accuracy", "gated_sensitivity": "sensitivity", "gated_specificity": "specificity"}
    for key, asked in OFFICIAL.items():
        figure = run["figures"][key]
        if key == "auroc":
            yield _least("official test: AUROC", f"{asked:.3f}".removeprefix("0"), score(figure), figure, asked)
        else:
            what = f"official test, forced, a refused film counts as wrong: {names[key]}"
            yield _least(what, share(asked), percent(figure), figure, asked)
    figure = run["figures"]["ece"]
    yield _most("official test: ECE", f"{ECE_OFFICIAL:.2f}".removeprefix("0"), score(figure), figure, ECE_OFFICIAL)


def _folds(folds: Run | None) -> Iterator[Target]:
    if folds is None:
        return
    for key, asked in FOLDS.items():
        figure = folds["figures"][key]
        yield _least(f"five folds: {key}", share(asked), percent(figure), figure, asked)
    if "out_of_fold" not in folds:
        return
    figure = folds["out_of_fold"]["figures"]["ece"]
    most = f"{ECE_OUT_OF_FOLD:.2f}".removeprefix("0")
    yield _most("out of fold: ECE", most, score(figure), figure, ECE_OUT_OF_FOLD)


def _service(run: Run) -> Iterator[Target]:
    found = run["operating_points"][DEFAULT_POINT]
    right, answered = found["answered_accuracy"], found["coverage"]
    what = f"official test at {DEFAULT_POINT}: accuracy of the answered"
    yield _least(what, share(ANSWERED), percent(right), right, ANSWERED)
    yield _least(f"official test at {DEFAULT_POINT}: answered", share(COVERAGE), percent(answered), answered, COVERAGE)


def _gate(run: Run, kinds: Sequence[Mapping[str, Any]]) -> Iterator[Target]:
    for kind, facts in run["kinds"].items():
        refused = facts["refused"]
        what = f"official test, refused: {kind} films"
        yield _most(what, share(REFUSED_OF_A_KIND), percent(refused), refused, REFUSED_OF_A_KIND)
    for facts in kinds:
        if facts["name"] in REFUSED:
            asked, refused = REFUSED[facts["name"]], facts["refused"]
            yield _least(f"refused: {facts['name']}", share(asked), percent(refused), refused, asked)


def _robustness(run: Run) -> Iterator[Target]:
    for name, row in run.get("robustness", {}).get("changes", {}).items():
        lost = row["loss"]
        asked = f"{100 * LOST_TO_A_CHANGE:.0f}"
        yield _most(f"official test, points lost: {name}", asked, points(lost), lost, LOST_TO_A_CHANGE)


def _least(what: str, asked: str, reached: str, figure: Figure, limit: float) -> Target:
    return Target(what, f"at least {asked}", reached, figure["value"] is not None and figure["value"] >= limit)


def _most(what: str, asked: str, reached: str, figure: Figure, limit: float) -> Target:
    return Target(what, f"at most {asked}", reached, figure["value"] is not None and figure["value"] <= limit)
