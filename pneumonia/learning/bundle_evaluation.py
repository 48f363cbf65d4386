"""Evaluation of an exported bundle on its test films, through the same code that serves it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import files
from ..evaluation import card, curve_plots
from ..evaluation.assess import FilmScores, score_films
from ..evaluation.dataset import FilmSet
from ..evaluation.number_format import format_metric, percent
from ..evaluation.run_entry import run_entry
from ..inference import bundle
from ..inference.model import Model
from ..inference.predictor import Predictor
from .json_file import write_json
from .train_args import TrainArgs


def evaluate_bundle(
    args: TrainArgs, config: Mapping[str, Any], training: Mapping[str, Any], test: FilmSet, out: Path
) -> tuple[dict[str, Any], FilmScores]:
    """Evaluate the bundle in `out` on the test films; writes `config.json`, `evaluation.json`, card and plots.

    `training` is stored under this name in the run's entry. Returns the entry of the run in `evaluation.json`, and the
    scores of the test films.
    """
    # Only a complete bundle can be loaded, so an empty evaluation is written first.
    write_json(out / bundle.EVALUATION, {"format": 1, "runs": {}})
    bundle.write_config(out, config)
    model = Model(bundle.load(out, out.name))
    scores = score_films(model, test)
    entry = {
        "recipe": args.recipe.name,
        "protocol": args.protocol,
        "command": args.command,
        "seed": args.seed,
        "git_revision": config["revision"],
        "versions": config["versions"],
        "training": training,
        **run_entry(model, test, scores, args.protocol),
    }
    _write_evaluation(config, entry, model, out)
    _print_metrics(f"{args.recipe.name}/{args.protocol}", entry)
    return entry, scores


def _write_evaluation(config: Mapping[str, Any], entry: Mapping[str, Any], model: Model, out: Path) -> None:
    predictor = Predictor([model])
    evaluation = {
        "format": 1,
        "runs": {f"{entry['recipe']}/{entry['protocol']}": entry},
        "test_set_access_log": [],
        "examples": {path.name: predictor.predict(path).probability for path in model.bundle.examples},
    }
    write_json(out / bundle.EVALUATION, evaluation)
    files.atomic_write(out / bundle.CARD, card.write(config, evaluation).encode())
    files.atomic_write(out / "training" / "curves.png", curve_plots.curves(entry))
    bundle.write_config(out, config)


def _print_metrics(name: str, entry: Mapping[str, Any]) -> None:
    print(f"{name}, {entry['films']['total']:,} test films")
    for metric, value in entry["figures"].items():
        print(f"{metric:>24}  {format_metric(metric, value)}")
    for group in ("classes", "readings", "sources"):
        for key, values in entry.get(group, {}).items():
            figures = ((name, value) for name, value in values.items() if isinstance(value, Mapping))
            shares = (f"{name} {format_metric(name, value)}" for name, value in figures)
            print(f"{key:>24}  " + "  ".join(shares))
    for point, values in entry["operating_points"].items():
        print(f"{point:>24}  " + "  ".join(f"{metric} {percent(value)}" for metric, value in values.items()))
