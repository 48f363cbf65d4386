"""Command line of `train.py`. It does not import Keras, so that `--help` and usage errors appear at once."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from ..evaluation.protocols import ADULTS, ORDER, PROTOCOLS, PROTOCOLS_OF
from . import provenance
from . import recipe as recipes
from .data_folders import DataFolders, find_data_folders
from .recipe import Recipe


@dataclass(frozen=True)
class TrainArgs:
    """Parsed and validated arguments of `train.py`."""

    data: DataFolders
    recipe: Recipe
    protocol: str
    out: Path
    seed: int
    resume: bool
    validate: bool
    """Stop after validation; test films are not used."""
    calibrate_on: tuple[Path, ...]
    """Folders of runs with `--validate`, on whose held-out films the calibration is fitted; empty: validation films."""
    fold: int | None
    """Fold of `folds5` or `order5` to run; None runs all folds of `folds5`."""
    command: str
    """Command that reproduces the run, without paths of this machine."""
    revision: str
    """The commit at the start of the run."""


def parse(arguments: Sequence[str]) -> TrainArgs:
    """Parse `train.py`'s arguments. Raises `UsageError`, or `DatasetError` if `--data` contains no films."""
    options = _parser().parse_args(arguments)
    recipe = recipes.get(options.recipe).with_epochs(options.epochs)
    options.split = options.split or PROTOCOLS_OF[recipe.population][0]
    _check_protocol(options, recipe)
    _check_fold(options)
    return TrainArgs(
        data=find_data_folders(options.data, recipe),
        recipe=recipe,
        protocol=options.split,
        out=options.out or Path("runs") / f"{options.recipe}-{options.split}",
        seed=options.seed,
        resume=options.resume,
        validate=options.validate,
        calibrate_on=tuple(options.calibrate_on),
        fold=options.fold,
        command=provenance.public_command(options),
        revision=provenance.git_revision(),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("train.py", description="Train the network on films and export a model bundle.")
    data_help = (
        "folders with films in Kaggle's layout, lung masks and films of adults, in any order, or one folder with the "
        "subfolders chest_xray, lung_masks and adults (docs/data.md)"
    )
    parser.add_argument("--data", type=Path, nargs="+", required=True, metavar="DIR", help=data_help)
    recipe_help = (
        f"one of: {', '.join(recipes.names())}, or an experiment listed in docs/experiments.md (default: default)"
    )
    parser.add_argument("--recipe", default="default", help=recipe_help)
    split_help = "protocol that assigns films to training, validation and test; order5 requires --validate and --fold"
    split_help += " (default: official, for a recipe for adults: adults)"
    parser.add_argument("--split", choices=(*PROTOCOLS, ORDER, ADULTS), help=split_help)
    parser.add_argument("--out", type=Path, help="run folder (default: runs/RECIPE-SPLIT)")
    parser.add_argument("--epochs", type=int, help="number of epochs (default: as in the recipe)")
    seed_help = "seed of weights, film order and augmentation; it does not affect the split (default: 1)"
    parser.add_argument("--seed", type=int, default=1, help=seed_help)
    parser.add_argument("--resume", action="store_true", help="continue an interrupted run from its last checkpoint")
    parser.add_argument(
        "--validate", action="store_true", help="train and print validation metrics only; test films are not used"
    )
    calibrate_help = "folders of runs with --validate: fit the calibration on their held-out films (docs/train.md)"
    parser.add_argument("--calibrate-on", type=Path, nargs="*", default=[], metavar="RUN", help=calibrate_help)
    parser.add_argument("--fold", type=int, choices=range(5), help="run only this fold of folds5 or order5")
    return parser


def _check_protocol(options: argparse.Namespace, recipe: Recipe) -> None:
    allowed = PROTOCOLS_OF[recipe.population]
    if options.split not in allowed:
        raise UsageError(
            f"The recipe {recipe.name} is for {recipe.population}. Allowed: --split {', '.join(allowed)}. "
            f"Received: --split {options.split}."
        )


def _check_fold(options: argparse.Namespace) -> None:
    if options.fold is not None and options.split not in {"folds5", ORDER}:
        raise UsageError(
            "Only folds5 and order5 have folds. Allowed: --split folds5 --fold N. "
            f"Received: --split {options.split} --fold {options.fold}."
        )
    if options.split == ORDER and not (options.validate and options.fold is not None):
        raise UsageError(
            "order5 has no test films. Allowed: --split order5 --fold N --validate. "
            "Received: --split order5 without --fold or --validate."
        )
