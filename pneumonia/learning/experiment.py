"""A training run: trains a recipe on films and writes model bundles with their metrics."""

from __future__ import annotations

from pathlib import Path

from ..evaluation.protocols import splits
from .folds import run_folds
from .run_films import load_run_films
from .split_run import run_split, validate_split
from .train_args import TrainArgs


def run(args: TrainArgs) -> Path:
    """Train, export and evaluate a model as the arguments of `train.py` specify; returns the run folder.

    The folder is a model bundle; for `folds5` it contains one bundle per fold. With `validate` nothing is exported and
    no test film is scored; the folder then contains `validation.json`. Raises `DatasetError`, `DiskFull`, `UsageError`,
    and `Busy` if another process writes into the folder.
    """
    print(*args.data.notices, sep="\n", end="\n" if args.data.notices else "")
    films = load_run_films(args.data, args.recipe, for_gate=not args.validate)
    print(films.report())
    protocol_splits = splits(films.films, args.protocol)
    if args.validate:
        out = args.out if args.fold is None else args.out / f"fold{args.fold}"
        validate_split(args, films, protocol_splits[args.fold or 0], out)
    elif len(protocol_splits) == 1:
        run_split(args, films, protocol_splits[0], args.out)
    else:
        run_folds(args, films, protocol_splits)
    return args.out
