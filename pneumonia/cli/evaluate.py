"""`evaluate --data DIR`: recompute the figures of protocol `official`."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..inference.predictor import load_model
from .exit_codes import SOME_FAILED, SUCCESS
from .options import Commands, add_model_option
from .output import report_missing_library


def add_parser(commands: Commands) -> argparse.ArgumentParser:
    """Add the command and its options to the parser."""
    parser = commands.add_parser("evaluate", help="recompute the figures of protocol official on a folder of films")
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="folder with test/NORMAL and test/PNEUMONIA"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="write evaluation.json and curves.png to this folder")
    add_model_option(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    """Print every figure; returns 1 if one differs from the model card although the films are the same."""
    try:
        from ..evaluation import official
    except ModuleNotFoundError as error:
        return report_missing_library("Evaluation", error, "train")
    agrees = official.reevaluate(load_model(options.model), options.data, options.out)
    return SUCCESS if agrees else SOME_FAILED
