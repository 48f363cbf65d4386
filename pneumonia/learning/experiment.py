"""A training run: from films and a recipe to model bundles with their metrics."""

from __future__ import annotations

from pathlib import Path

from ..evaluation.dataset import load_films
from ..evaluation.protocols import splits
from .folds import run_folds
from .split_run import run_split, validate_split
from .train_args import TrainArgs


def run(args: TrainArgs) -> Path:
    """Train, export and evaluate as `train.py`'s arguments say; returns the run folder.

    The folder is a model bundle, or contains one per fold for `folds5`. With `validate` the run stops before it reads
    any test film, and the folder contains `validation.json` instead.
    """
    films = load_films(args.data)
    print(films.report())
    protocol_splits = splits(films, args.protocol)
    if args.validate:
        out = args.out if args.fold is None else args.out / f"fold{args.fold}"
        validate_split(args, films, protocol_splits[args.fold or 0], out)
    elif len(protocol_splits) == 1:
        run_split(args, films, protocol_splits[0], args.out)
    else:
        run_folds(args, films, protocol_splits)
    return args.out
