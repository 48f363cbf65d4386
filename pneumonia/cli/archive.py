"""`archive PATH... --out DIR`: predict millions of films on Ray."""

from __future__ import annotations

import argparse
import sys

from .. import load_predictor
from ..batch.results import FAILED
from ..batch.rows import TableOptions
from ..command_line import SOME_FAILED, SUCCESS
from .options import Commands, add_age_option, add_decision_options, add_model_option
from .output import report_missing_library, summarise


def add_parser(commands: Commands) -> argparse.ArgumentParser:
    """Add the command and its options to the parser."""
    parser = commands.add_parser("archive", help="predict millions of films on Ray into Parquet files")
    paths_help = "file, folder, quoted pattern, or Parquet file with paths (.parquet); local, or s3://, gs://, hf://"
    parser.add_argument("paths", nargs="+", metavar="PATH", help=paths_help)
    parser.add_argument(
        "--out", required=True, metavar="DIR", help="local folder or address for the rows; an earlier run is continued"
    )
    parser.add_argument("--address", metavar="A", help="address of a Ray cluster; default: the cores of this machine")
    parser.add_argument(
        "--workers", type=int, metavar="N", help="number of predictors, one per core; default: all cores"
    )
    add_decision_options(parser)
    add_age_option(parser)
    add_model_option(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    """Write the rows and print the counts; returns 1 if a film failed or a part has no rows."""
    try:
        from ..archive.run import predict_archive
    except ModuleNotFoundError as error:
        return report_missing_library("The archive command", error, "archive")
    predictor = load_predictor(options.model, threads=options.workers)
    predictor.check_options(options.operating_point, options.prevalence, options.age)
    table_options = TableOptions(predictor.identity, options.operating_point, options.prevalence, options.age)
    try:
        outcome = predict_archive(
            options.paths,
            options.out,
            [model.bundle for model in predictor.models],
            table_options,
            workers=options.workers,
            address=options.address,
        )
    except KeyboardInterrupt:
        print(f"stopped: the rows so far are in {options.out}; run the same command to continue.", file=sys.stderr)
        return SOME_FAILED
    print(f"{summarise(outcome.counts)}: {options.out}{_describe_lost_parts(outcome.lost_parts)}", file=sys.stderr)
    return SOME_FAILED if outcome.lost_parts or outcome.counts[FAILED] else SUCCESS


def _describe_lost_parts(count: int) -> str:
    if not count:
        return ""
    subject = "1 part has" if count == 1 else f"{count} parts have"
    return f"; {subject} no rows yet: run the same command again"
