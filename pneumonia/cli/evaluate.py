"""`evaluate --data DIR`: recompute the figures of each model on the test films of its population."""

from __future__ import annotations

import argparse
from pathlib import Path

from .. import load_predictor
from ..command_line import SOME_FAILED, SUCCESS
from .options import Commands, add_model_option
from .output import report_missing_library


def add_parser(commands: Commands) -> argparse.ArgumentParser:
    """Add the command and its options to the parser."""
    parser = commands.add_parser("evaluate", help="recompute the card's figures on the test films")
    data_help = "folder with test/NORMAL and test/PNEUMONIA (children) or adults/films.csv (adults), or with both"
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help=data_help)
    parser.add_argument("--out", type=Path, metavar="DIR", help="write evaluation.json and curves.png to this folder")
    add_model_option(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    """Print every figure; returns 1 if one differs from the model card although the films are the same."""
    try:
        from ..evaluation import official
    except ModuleNotFoundError as error:
        return report_missing_library("Evaluation", error, "train")
    agrees = official.reevaluate(load_predictor(options.model).models, options.data, options.out)
    return SUCCESS if agrees else SOME_FAILED
