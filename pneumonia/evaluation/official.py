"""Re-evaluation by protocol `official`: any model on any folder with a test part, compared with the model's card."""

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

MAX_DIFFERENCE = 5e-4
"""Maximum difference of a figure from the card: the served graph rounds differently on different processors."""

PRINTED = ("figures", "known_prevalence", "operating_points", "kinds", "robustness", "shortcuts")
NAME_WIDTH = 78
"""Width in characters of the column with the path of each figure."""


def reevaluate(predictor: Predictor, data: Path, out: Path | None = None) -> bool:
    """Prints every figure beside the card's. Returns False if the same films give other figures.

    Writes `evaluation.json` and `curves.png` of this evaluation to the folder `out` if it is given. Raises
    `DatasetError`.
    """
    test = load_films(data, ("test",))
    print(test.report())
    entry = {
        **evaluate(test, score_films(predictor, test), predictor),
        **audits(predictor, test, "official"),
    }
    name = f"{predictor.bundle.config['recipe']}/official"
    card_run = predictor.bundle.evaluation["runs"].get(name)
    same_films = card_run is not None and card_run.get("fingerprint") == entry["fingerprint"]
    _print(entry, card_run, "the card" if same_films else "the card (other films)")
    if out is not None:
        files.atomic_write(
            out / bundle.EVALUATION, (json.dumps({"format": 1, "runs": {name: entry}}, indent=1)).encode()
        )
        files.atomic_write(out / "curves.png", curve_plots.curves(entry))
    if card_run is not None and same_films and not _agree(entry["figures"], card_run["figures"]):
        print("The figures differ from the card's on the same films. Do not use this installation.")
        return False
    return True


def _print(entry: Mapping[str, Any], card_run: Mapping[str, Any] | None, heading: str) -> None:
    """Every figure by its path in `evaluation.json`, now and in the card."""
    before = dict(_figures({part: card_run[part] for part in PRINTED if part in card_run})) if card_run else {}
    print(f"{'':<{NAME_WIDTH}}  {'now':<28} {heading}")
    for name, text in _figures({part: entry[part] for part in PRINTED}):
        print(f"{name:<{NAME_WIDTH}}  {text:<28} {before.get(name, '-')}")


def _figures(tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """(path, text) of every figure with an interval, and of every plain share."""
    for name, value in tree.items():
        inner_path = (*path, name)
        if isinstance(value, float):
            yield ": ".join(inner_path), f"{value:.3f}"
        elif isinstance(value, Mapping) and {"value", "low", "high"} == set(value):
            yield ": ".join(inner_path), points(value) if name == "loss" else format_metric(name, value)
        elif isinstance(value, Mapping):
            yield from _figures(value, inner_path)


def _agree(now: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    # The films are the same, so a value that needs both classes is missing on both sides or on neither.
    pairs = ((now[name]["value"], before[name]["value"]) for name in before)
    return all(value == expected or abs(value - expected) <= MAX_DIFFERENCE for value, expected in pairs)
