"""The run of one split: train, export and evaluate, or for a recipe search train and validate."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from .. import files
from ..evaluation import curve_plots
from ..evaluation.assess import FilmScores
from ..evaluation.dataset import FilmSet
from ..evaluation.perturbations import UNCHANGED
from ..evaluation.protocols import Split
from . import provenance
from .bundle_evaluation import evaluate_bundle
from .bundle_export import Origin, export_bundle
from .checkpoint import History
from .held_out_scores import write_held_out_scores
from .json_file import write_json
from .lung_targets import lung_targets
from .run_films import RunFilms, SplitFilms
from .train_args import TrainArgs
from .training import train_ensemble
from .training_films import TrainingFilms
from .validation_scores import score_validation


def run_split(args: TrainArgs, films: RunFilms, split: Split, out: Path) -> tuple[dict[str, Any], FilmScores]:
    """Train, export and evaluate one split; returns its entry in `evaluation.json` and the test films' scores.

    Raises `Busy` if another process writes into `out`.
    """
    with _exclusive_run(out):
        split_films = films.of_split(split)
        network, history, lung_target_kind = _train_split(args, split_films, out)
        origin = Origin(split_films, films.fingerprint, lung_target_kind)
        config = export_bundle(args, network, origin, out)
        _save_history(out / "training", history)
        training = _training_entry(args, split_films, history)
        return evaluate_bundle(args, config, training, split_films.test, out)


def validate_split(args: TrainArgs, films: RunFilms, split: Split, out: Path) -> None:
    """Train one split and write `validation.json`, for a recipe search. Test films are not used.

    Raises `Busy` if another process writes into `out`.
    """
    with _exclusive_run(out):
        split_films = films.of_split(split)
        network, history, _ = _train_split(args, split_films, out)
        scores, metrics = score_validation(network, split_films.validation)
        write_held_out_scores(out, split_films.validation.labels, scores[UNCHANGED])
        _save_history(out / "training", history)
        write_json(out / "validation.json", {"recipe": args.recipe.name, "seconds": _total_seconds(history), **metrics})


def _exclusive_run(out: Path) -> AbstractContextManager[None]:
    """Lock the run folder for this process; raises `Busy` if another one writes into it."""
    message = f"Another process writes into {out}. Allowed: one process per folder. Wait, or choose another --out."
    return files.exclusive_lock(out / ".in-use", message)


def _train_split(args: TrainArgs, films: SplitFilms, out: Path) -> tuple[keras.Model, History, str | None]:
    """Train the network; returns it with its history and the kind of its lung targets, None without a lung head."""
    started = time.perf_counter()
    training_films, lung_target_kind = _training_films(args, films.all_train)
    network, history = train_ensemble(
        args.recipe,
        training_films,
        (films.validation.inputs, films.validation.labels),
        out / "training",
        seed=args.seed,
        resume=args.resume,
    )
    print(f"trained in {time.perf_counter() - started:.0f} s, not counting epochs before --resume")
    return network, history, lung_target_kind


def _training_films(args: TrainArgs, films: FilmSet) -> tuple[TrainingFilms, str | None]:
    groups = films.sources  # a balance across sources would make the source a sign of the class
    if args.recipe.head != "lungs":
        return replace(TrainingFilms.without_masks(films.inputs, films.labels), groups=groups), None
    targets = lung_targets(args.data.masks, films)
    masks = targets.masks
    return TrainingFilms(films.inputs, films.labels, masks.masks, masks.has_mask, groups), targets.kind


def _save_history(folder: Path, history: History) -> None:
    write_json(folder / "history.json", history)
    files.atomic_write(folder / "history.png", curve_plots.history(history))


def _training_entry(args: TrainArgs, films: SplitFilms, history: History) -> Mapping[str, Any]:
    return {
        "films": sum(films.train_counts.values()),
        "sources": films.train_counts,
        "members": args.recipe.members,
        "epochs": args.recipe.epochs,
        "seconds": _total_seconds(history),
        "machine": provenance.machine(),
    }


def _total_seconds(history: History) -> int:
    return round(sum(row["seconds"] for row in history))
