"""The run of one split: train, export and evaluate, or for a recipe search train and validate."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import keras
import numpy as np

from .. import files
from ..evaluation import curve_plots
from ..evaluation.assess import FilmScores
from ..evaluation.dataset import FilmSet
from ..evaluation.lung_masks import load_masks
from ..evaluation.protocols import Split
from . import provenance
from .bundle_evaluation import evaluate_bundle
from .bundle_export import export_bundle
from .checkpoint import History
from .json_file import write_json
from .train_args import TrainArgs
from .training import train_ensemble
from .training_films import TrainingFilms
from .validation_scores import score_validation


def run_split(args: TrainArgs, films: FilmSet, split: Split, out: Path) -> tuple[dict[str, Any], FilmScores]:
    """Train, export and evaluate one split; returns its entry in `evaluation.json` and the test films' scores.

    Raises `Busy` if another process writes into `out`.
    """
    with _exclusive_run(out):
        network, history = _train_split(args, films, split, out)
        train, validation = films.subset(split.train), films.subset(split.validation)
        config = export_bundle(args, network, train, validation, films.fingerprint, out)
        _save_history(out / "training", history)
        training = _training_entry(args, len(train.films), history)
        return evaluate_bundle(args, config, training, films.subset(split.test), out)


def validate_split(args: TrainArgs, films: FilmSet, split: Split, out: Path) -> None:
    """Train one split and write `validation.json`, for a recipe search. Test films are not used.

    Raises `Busy` if another process writes into `out`.
    """
    with _exclusive_run(out):
        network, history = _train_split(args, films, split, out)
        _, metrics = score_validation(network, films.subset(split.validation))
        _save_history(out / "training", history)
        write_json(out / "validation.json", {"recipe": args.recipe.name, "seconds": _total_seconds(history), **metrics})


def _exclusive_run(out: Path) -> AbstractContextManager[None]:
    """Lock the run folder for this process; raises `Busy` if another one writes into it."""
    message = f"Another process writes into {out}. Allowed: one process per folder. Wait, or choose another --out."
    return files.exclusive_lock(out / ".in-use", message)


def _train_split(args: TrainArgs, films: FilmSet, split: Split, out: Path) -> tuple[keras.Model, History]:
    train, validation = films.subset(split.train), films.subset(split.validation)
    started = time.perf_counter()
    network, history = train_ensemble(
        args.recipe,
        _training_films(train, args.masks),
        (validation.inputs, validation.labels),
        out / "training",
        seed=args.seed,
        resume=args.resume,
    )
    print(f"trained in {time.perf_counter() - started:.0f} s, not counting epochs before --resume")
    return network, history


def _training_films(films: FilmSet, masks_folder: Path | None) -> TrainingFilms:
    if masks_folder is None:
        return TrainingFilms.without_masks(films.inputs, films.labels)
    lung_masks = load_masks(masks_folder, films)
    print(f"{np.count_nonzero(lung_masks.has_mask):,} of {len(films.films):,} training films have a lung mask")
    groups = np.full(len(films.films), "children")
    return TrainingFilms(films.inputs, films.labels, lung_masks.masks, lung_masks.has_mask, groups)


def _save_history(folder: Path, history: History) -> None:
    write_json(folder / "history.json", history)
    files.atomic_write(folder / "history.png", curve_plots.history(history))


def _training_entry(args: TrainArgs, film_count: int, history: History) -> Mapping[str, Any]:
    return {
        "films": film_count,
        "members": args.recipe.members,
        "epochs": args.recipe.epochs,
        "seconds": _total_seconds(history),
        "machine": provenance.machine(),
    }


def _total_seconds(history: History) -> int:
    return round(sum(row["seconds"] for row in history))
