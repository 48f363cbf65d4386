"""A whole run: films and recipe in, model bundle and its figures out."""

from __future__ import annotations

from pathlib import Path

from ..evaluation.dataset import load_films
from ..evaluation.protocols import splits
from .folds import run_folds
from .split_run import run_split, validate_split
from .train_args import TrainArgs


def run(args: TrainArgs) -> Path:
    """Train, export, choose, evaluate; returns the folder with the bundle (or, for `folds5`, with five of them).

    With `validate` it stops before any test film is looked at, and the folder holds `validation.json`.
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
