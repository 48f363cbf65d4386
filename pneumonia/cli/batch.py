"""`batch PATH... --out CSV`: write a table with one row per film."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .. import load_predictor
from ..batch import find_films, results, rows
from ..errors import UsageError
from ..inference.predictor import Predictor
from .exit_codes import NOTHING_DONE, SOME_FAILED, SUCCESS
from .options import Commands, add_decision_options, add_model_option
from .output import summarise


def add_parser(commands: Commands) -> argparse.ArgumentParser:
    """Add the command and its options to the parser."""
    parser = commands.add_parser("batch", help="predict folders, ZIP files and files into a table")
    parser.add_argument("paths", nargs="+", metavar="PATH", help="file, folder, ZIP file or quoted pattern")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="CSV", help="table to write; docs/batch.md describes its columns"
    )
    parser.add_argument(
        "--jsonl", action="store_true", help="also write one JSON object per film and line, next to the table"
    )
    parser.add_argument(
        "--resume", action="store_true", help="continue an interrupted run, or add new films to a table"
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="number of films at the same time; overrides PNEUMONIA_THREADS"
    )
    add_decision_options(parser)
    add_model_option(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    """Write the table and print the counts; returns 1 if a film failed or Ctrl+C stopped the run."""
    predictor = load_predictor(options.model, threads=options.workers)
    predictor.check_options(options.operating_point, options.prevalence)
    table_options = rows.TableOptions(predictor.model, options.operating_point, options.prevalence)
    table_files = results.table_files(options.out)
    if next(find_films(options.paths, exclude=table_files), None) is None:
        raise UsageError(f"No films found. Allowed: files, folders, ZIP files. Received: {', '.join(options.paths)}.")
    with results.open_table(options.out, table_options, jsonl=options.jsonl, resume=options.resume) as table:
        try:
            _fill_table(table, predictor, options, table_files)
            table.finish()
        except KeyboardInterrupt:
            partial = results.partial_path(options.out)
            print(f"stopped: {summarise(table.counts)}. The rows are in {partial}; continue with --resume.",
                  file=sys.stderr)  # fmt: skip
            return SOME_FAILED if len(table) else NOTHING_DONE
    print(f"{summarise(table.counts)}: {options.out}", file=sys.stderr)
    return SOME_FAILED if table.counts[results.FAILED] else SUCCESS


def _fill_table(
    table: results.ResultTable, predictor: Predictor, options: argparse.Namespace, table_files: set[Path]
) -> None:
    """Add a row for each film that has none, with a progress bar if stderr is a terminal."""
    from tqdm import tqdm

    is_terminal = sys.stderr.isatty()
    total = sum(1 for _ in find_films(options.paths, exclude=table_files)) if is_terminal else None
    pending = (film for film in find_films(options.paths, exclude=table_files) if not table.has(film.name))
    predictions = predictor.predict_many(pending, options.operating_point, prevalence=options.prevalence)
    with tqdm(total=total, initial=len(table), unit="film", disable=not is_terminal, file=sys.stderr) as bar:
        for result in predictions:
            table.add(result)
            bar.update()
