"""What a command line asks of training. It imports no Keras: help and wrong use are answered at once."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from ..evaluation.dataset import list_films
from ..evaluation.protocols import ORDER, PROTOCOLS
from . import provenance
from . import recipe as recipes
from .recipe import Recipe


@dataclass(frozen=True)
class TrainArgs:
    """What a command line asks of `train.py`."""

    data: Path
    recipe: Recipe
    protocol: str
    out: Path
    seed: int
    resume: bool
    validate: bool
    """Stop before the test films are looked at."""
    fold: int | None
    """Only this fold of `folds5`; None for all of them."""
    command: str
    revision: str
    """The commit that the run started from."""


def parse(arguments: Sequence[str]) -> TrainArgs:
    """Read `train.py`'s arguments; raises `UsageError`, or `DatasetError` where there are no films."""
    parser = argparse.ArgumentParser(
        "train.py", description="Train the chest-film network: films in, model bundle out."
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with train/, val/ and test/ (Kaggle's layout)")
    recipe_help = f"one of: {', '.join(recipes.names())}, or an experiment of docs/experiments.md; default: default"
    parser.add_argument("--recipe", default="default", help=recipe_help)
    split_help = "which films train and which test; order5 is for --validate"
    parser.add_argument("--split", default="official", choices=(*PROTOCOLS, ORDER), help=split_help)
    parser.add_argument("--out", type=Path, help="run folder; default: runs/RECIPE-SPLIT")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    parser.add_argument("--seed", type=int, default=1, help="of weights, order and augmentation; never of the split")
    parser.add_argument("--resume", action="store_true", help="go on after a kill from the last epoch's checkpoint")
    parser.add_argument(
        "--validate", action="store_true", help="for a search: train, print what validation says, look at no test film"
    )
    parser.add_argument("--fold", type=int, choices=range(5), help="only this one of folds5 or order5")
    options = parser.parse_args(arguments)
    if options.fold is not None and options.split not in {"folds5", ORDER}:
        raise UsageError("Only folds5 and order5 have folds. Allowed: --split folds5 --fold N.")
    if options.split == ORDER and not (options.validate and options.fold is not None):
        raise UsageError("order5 has no test films. Allowed: --split order5 --fold N --validate.")
    recipe = recipes.get(options.recipe).with_epochs(options.epochs)
    list_films(options.data)
    return TrainArgs(
        data=options.data,
        recipe=recipe,
        protocol=options.split,
        out=options.out or Path("runs") / f"{options.recipe}-{options.split}",
        seed=options.seed,
        resume=options.resume,
        validate=options.validate,
        fold=options.fold,
        command=provenance.public_command(options),
        revision=provenance.git_revision(),
    )
