"""Re-evaluation of a model by protocol `official` on a folder with a test part, compared with the model's card."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .. import files
from ..inference import bundle
from ..inference.model import Model
from . import curve_plots
from .assess import evaluate, score_films
from .audits import audits
from .dataset import load_films
from .number_format import format_metric, points

MAX_DIFFERENCE = 5e-4
"""Maximum difference of a figure from the card. Processors round differently when they run the graph."""

PRINTED_KEYS = ("figures", "known_prevalence", "operating_points", "kinds", "robustness", "shortcuts")
"""Keys of a run in `evaluation.json` whose figures are printed."""

NAME_WIDTH = 78
"""Width in characters of the column with the path of each figure."""


def reevaluate(model: Model, data: Path, out: Path | None = None) -> bool:
    """Evaluate the test films below `data` and print every figure beside that of the card.

    Returns False if the films are those of the card and a figure differs. With `out`, writes `evaluation.json` and
    `curves.png` to this folder. Raises `DatasetError`.
    """
    test = load_films(data, ("test",))
    print(test.report())
    entry = {
        **evaluate(test, score_films(model, test), model),
        **audits(model, test, "official"),
    }
    name = f"{model.bundle.config['recipe']}/official"
    card_run = model.bundle.evaluation["runs"].get(name)
    same_films = card_run is not None and card_run.get("fingerprint") == entry["fingerprint"]
    _print(entry, card_run, "the card" if same_films else "the card (other films)")
    if out is not None:
        files.atomic_write(
            out / bundle.EVALUATION, (json.dumps({"format": 1, "runs": {name: entry}}, indent=1)).encode()
        )
        files.atomic_write(out / "curves.png", curve_plots.curves(entry))
    if card_run is not None and same_films and not _agree(entry["figures"], card_run["figures"]):
        print("The figures differ from those of the card on the same films. Do not use this installation.")
        return False
    return True


def _print(entry: Mapping[str, Any], card_run: Mapping[str, Any] | None, heading: str) -> None:
    """Print each figure with its path in `evaluation.json`: the new value and that of the card."""
    card_texts = dict(_figures({key: card_run[key] for key in PRINTED_KEYS if key in card_run})) if card_run else {}
    print(f"{'':<{NAME_WIDTH}}  {'now':<28} {heading}")
    for name, text in _figures({key: entry[key] for key in PRINTED_KEYS}):
        print(f"{name:<{NAME_WIDTH}}  {text:<28} {card_texts.get(name, '-')}")


def _figures(tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Yield (path, text) of every figure with an interval, and of every float."""
    for name, value in tree.items():
        inner_path = (*path, name)
        if isinstance(value, float):
            yield ": ".join(inner_path), f"{value:.3f}"
        elif isinstance(value, Mapping) and {"value", "low", "high"} == set(value):
            yield ": ".join(inner_path), points(value) if name == "loss" else format_metric(name, value)
        elif isinstance(value, Mapping):
            yield from _figures(value, inner_path)


def _agree(figures: Mapping[str, Any], card_figures: Mapping[str, Any]) -> bool:
    # The films are the same, so a value that needs both classes is None on both sides or on neither.
    pairs = ((figures[name]["value"], card_figures[name]["value"]) for name in card_figures)
    return all(value == expected or abs(value - expected) <= MAX_DIFFERENCE for value, expected in pairs)
