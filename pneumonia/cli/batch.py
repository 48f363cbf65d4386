"""`batch PATH... --out CSV`: a table with one row per film."""

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
from .output import film_counts


def add_parser(commands: Commands) -> argparse.ArgumentParser:
    """Add the command and its options to the parser."""
    parser = commands.add_parser("batch", help="a table of answers for folders, ZIPs and files")
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a file, a folder, a ZIP or a quoted pattern")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="CSV", help="the table; docs/batch.md has its columns"
    )
    parser.add_argument(
        "--jsonl", action="store_true", help="also the JSON of each film, a line each, beside the table"
    )
    parser.add_argument("--resume", action="store_true", help="go on with a table that was begun")
    parser.add_argument("--workers", type=int, metavar="N", help="films at a time, instead of PNEUMONIA_THREADS")
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
        raise UsageError(f"There are no films. Allowed: files, folders, ZIPs. Received: {', '.join(options.paths)}.")
    with results.open_table(options.out, table_options, jsonl=options.jsonl, resume=options.resume) as table:
        try:
            _fill(table, predictor, options, table_files)
        except KeyboardInterrupt:
            partial = results.partial_path(options.out)
            print(f"stopped: {film_counts(table.counts)}. The rows stand in {partial}; --resume goes on.",
                  file=sys.stderr)  # fmt: skip
            return SOME_FAILED if len(table) else NOTHING_DONE
        table.finish()
    print(f"{film_counts(table.counts)}: {options.out}", file=sys.stderr)
    return SOME_FAILED if table.counts[results.FAILED] else SUCCESS


def _fill(
    table: results.ResultTable, predictor: Predictor, options: argparse.Namespace, table_files: set[Path]
) -> None:
    """A row for each film that has none, with a bar where a person looks on."""
    from tqdm import tqdm

    is_terminal = sys.stderr.isatty()
    total = sum(1 for _ in find_films(options.paths, exclude=table_files)) if is_terminal else None
    pending = (film for film in find_films(options.paths, exclude=table_files) if not table.has(film.name))
    predictions = predictor.predict_many(pending, options.operating_point, prevalence=options.prevalence)
    with tqdm(total=total, initial=len(table), unit="film", disable=not is_terminal, file=sys.stderr) as bar:
        for result in predictions:
            table.add(result)
            bar.update()
