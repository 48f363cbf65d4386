"""Re-evaluation of the models on the test films of their populations, compared with the models' cards."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from .. import files
from ..errors import DatasetError
from ..inference import bundle
from ..inference.model import Model
from . import adults, curve_plots
from .assess import score_films
from .dataset import FilmSet, list_films, load_films
from .number_format import format_metric, points
from .protocols import ADULTS, PROTOCOLS_OF, splits
from .run_entry import run_entry

MAX_DIFFERENCE = 5e-4
"""Maximum difference of a figure from the card. Processors round differently when they run the graph."""

PRINTED_KEYS = (
    "figures",
    "known_prevalence",
    "classes",
    "readings",
    "sources",
    "operating_points",
    "kinds",
    "robustness",
    "shortcuts",
)
"""Keys of a run in `evaluation.json` whose figures are printed."""

NAME_WIDTH = 78
"""Width in characters of the column with the path of each figure."""


def reevaluate(models: Sequence[Model], data: Path, out: Path | None = None) -> bool:
    """Evaluate each model on the test films of its population below `data`; print every figure beside the card's.

    Children: the official test. Adults: the held-out part of protocol `adults`. A model whose population has no films
    there is named and left out. Returns False if the films are those of the card and a figure differs. With `out`,
    writes `evaluation.json`, `curves.png`, and for adults beside children `curves-adults.png` to this folder. Raises
    `DatasetError` if there are no films for any model.
    """
    with_films = [model for model in models if _has_films(model, data)]
    if not with_films:
        load_test_films(models[0], data)  # raises the error that says what is missing
    runs: dict[str, Any] = {}
    agreements = []
    for model in models:
        if model not in with_films:
            print(f"No test films of {model.population.description}: their model is not evaluated.")
            continue
        name, entry, agrees = _reevaluate(model, data)
        runs[name] = entry
        agreements.append(agrees)
        if out is not None:
            suffix = "" if model is with_films[0] else f"-{model.population.name}"
            files.atomic_write(out / f"curves{suffix}.png", curve_plots.curves(entry))
    if out is not None:
        files.atomic_write(out / bundle.EVALUATION, (json.dumps({"format": 1, "runs": runs}, indent=1)).encode())
    return all(agreements)


def _reevaluate(model: Model, data: Path) -> tuple[str, dict[str, Any], bool]:
    """(name of the run, its entry, whether its figures agree with the card's) for one model; prints the figures."""
    protocol, test = _protocol(model), load_test_films(model, data)
    print(test.report())
    entry = run_entry(model, test, score_films(model, test), protocol)
    name = f"{model.bundle.config['recipe']}/{protocol}"
    card_run = model.bundle.evaluation["runs"].get(name)
    same_films = card_run is not None and card_run.get("fingerprint") == entry["fingerprint"]
    _print(entry, card_run, "the card" if same_films else "the card (other films)")
    if card_run is not None and same_films and not _agree(entry["figures"], card_run["figures"]):
        print("The figures differ from those of the card on the same films. Do not use this installation.")
        return name, entry, False
    return name, entry, True


def _protocol(model: Model) -> str:
    return PROTOCOLS_OF[model.population.name][0]


def _has_films(model: Model, data: Path) -> bool:
    if _protocol(model) == ADULTS:
        return adults.find_folder(data) is not None
    with suppress(DatasetError):
        list_films(data, ("test",))
        return True
    return False


def load_test_films(model: Model, data: Path) -> FilmSet:
    """The test films of the model's population; raises `DatasetError` if there are none."""
    if _protocol(model) != ADULTS:
        return load_films(data, ("test",))
    folder = adults.find_folder(data)
    if folder is None:
        raise DatasetError(f"No films of adults. Expected: {adults.FOLDER}/{adults.TABLE}. Received: {data}.")
    films = adults.load_adults(folder)
    return films.subset(splits(films, ADULTS)[0].test)


def _print(entry: Mapping[str, Any], card_run: Mapping[str, Any] | None, heading: str) -> None:
    """Print each figure with its path in `evaluation.json`: the new value and that of the card."""
    card_texts = dict(_figures({key: card_run[key] for key in PRINTED_KEYS if key in card_run})) if card_run else {}
    print(f"{'':<{NAME_WIDTH}}  {'now':<28} {heading}")
    for name, text in _figures({key: entry[key] for key in PRINTED_KEYS if key in entry}):
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
