"""Protocol `official` again, for any model on any folder with a test part, beside what the model's card says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .. import files
from ..inference import bundle
from ..inference.predictor import Predictor
from . import curve_plots
from .assess import evaluate, score_films
from .audits import audits
from .dataset import load_films
from .number_format import format_metric, points

AGREEMENT = 5e-4
"""The served graph rounds differently from one processor to the next; no figure may move by more than this."""

PRINTED = ("figures", "known_prevalence", "operating_points", "kinds", "robustness", "shortcuts")
NAME_WIDTH = 78
"""Characters that the longest place of a figure takes."""


def reevaluate(predictor: Predictor, data: Path, out: Path | None = None) -> bool:
    """Print every figure, now and in the card; False where the same films give other figures.

    With `out`, `evaluation.json` and `curves.png` of this evaluation are written there. Raises `DatasetError`.
    """
    test = load_films(data, ("test",))
    print(test.report())
    entry = {
        **evaluate(test, score_films(predictor, test), predictor),
        **audits(predictor, test, "official"),
    }
    name = f"{predictor.bundle.config['recipe']}/official"
    said = predictor.bundle.evaluation["runs"].get(name)
    same_films = said is not None and said.get("fingerprint") == entry["fingerprint"]
    _print(entry, said, "the card" if same_films else "the card (other films)")
    if out is not None:
        files.atomic_write(
            out / bundle.EVALUATION, (json.dumps({"format": 1, "runs": {name: entry}}, indent=1)).encode()
        )
        files.atomic_write(out / "curves.png", curve_plots.curves(entry))
    if said is not None and same_films and not _agree(entry["figures"], said["figures"]):
        print("The figures differ from the card's on the very same films: do not trust this installation.")
        return False
    return True


def _print(entry: Mapping[str, Any], said: Mapping[str, Any] | None, heading: str) -> None:
    """Every figure by its place in `evaluation.json`, now and in the card."""
    before = dict(_figures({part: said[part] for part in PRINTED if part in said})) if said else {}
    print(f"{'':<{NAME_WIDTH}}  {'now':<28} {heading}")
    for name, text in _figures({part: entry[part] for part in PRINTED}):
        print(f"{name:<{NAME_WIDTH}}  {text:<28} {before.get(name, '-')}")


def _figures(tree: Mapping[str, Any], place: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """(place, text) of every figure with an interval, and of every bare share."""
    for name, value in tree.items():
        inside = (*place, name)
        if isinstance(value, float):
            yield ": ".join(inside), f"{value:.3f}"
        elif isinstance(value, Mapping) and {"value", "low", "high"} == set(value):
            yield ": ".join(inside), points(value) if name == "loss" else format_metric(name, value)
        elif isinstance(value, Mapping):
            yield from _figures(value, inside)


def _agree(now: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    # The same films hold both classes on both sides, so that no value is missing on one of them only.
    pairs = ((now[name]["value"], before[name]["value"]) for name in before)
    return all(value == said or abs(value - said) <= AGREEMENT for value, said in pairs)
