"""`batch PATH... --out CSV`: write a table with one row per film."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence, Set
from itertools import chain
from pathlib import Path

from .. import load_predictor
from ..batch import FilmList, find_films, results
from ..batch.rows import TableOptions
from ..command_line import NOTHING_DONE, SOME_FAILED, SUCCESS
from ..errors import UsageError
from ..files import MAX_NAME_BYTES
from ..inference.named_film import NamedFilm
from ..inference.predictor import Predictor
from ..messages import message, translate
from ..monitoring.recorder import observer
from . import result_folders
from .batch_results import write_results
from .options import Commands, add_age_option, add_decision_options, add_model_option
from .output import summarise
from .result_folders import ResultFolders, folders_of, open_folders


def add_parser(commands: Commands) -> argparse.ArgumentParser:
    """Add the command and its options to the parser."""
    parser = commands.add_parser("batch", help="predict folders, ZIP files and files into a table")
    parser.add_argument("paths", nargs="+", metavar="PATH", help="file, folder, ZIP file or quoted pattern")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="CSV",
        help="table to write, in UTF-8; docs/batch.md describes its columns",
    )
    parser.add_argument(
        "--jsonl", action="store_true", help="also write one JSON object per film and line, next to the table"
    )
    parser.add_argument(
        "--excel", action="store_true", help="begin a new table with a byte-order mark, so that Excel shows every name"
    )
    parser.add_argument(
        "--resume", action="store_true", help="continue an interrupted run, or add new films to a table"
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="number of films at the same time; overrides PNEUMONIA_THREADS"
    )
    add_decision_options(parser)
    add_age_option(parser)
    result_folders.add_options(parser)
    add_model_option(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    """Write the table and print the counts; returns 1 if a film failed or Ctrl+C stopped the run."""
    _check_table(options.out)
    predictor = load_predictor(options.model, threads=options.workers)
    predictor.check_options(options.operating_point, options.prevalence, options.age)
    table_options = TableOptions(predictor.identity, options.operating_point, options.prevalence, options.age)
    _check_folders(options)
    written = {folder.absolute() for folder in folders_of(options).values()}
    films, total = _list_films(options.paths, results.table_files(options.out) | written)
    form = {"jsonl": options.jsonl, "for_excel": options.excel}
    with (
        open_folders(options) as folders,
        results.open_table(options.out, table_options, resume=options.resume, **form) as table,
    ):
        try:
            _fill_table(table, predictor, options, films, total, folders)
            table.finish()
        except KeyboardInterrupt:
            if results.partial_path(options.out).exists():  # without it, the table was complete before Ctrl+C
                return _report_stop(table, options.out)
    print(f"{translate(summarise(table.counts))}: {options.out}", file=sys.stderr)
    has_failed = table.counts[results.FAILED] or (folders is not None and folders.errors)
    return SOME_FAILED if has_failed else SUCCESS


def _report_stop(table: results.ResultTable, out: Path) -> int:
    """Print the counts of the rows so far and how to continue; returns the exit code."""
    table.recount()
    stopped = message(
        "stopped: {summary}. The rows are in {partial}; continue with --resume.",
        summary=summarise(table.counts),
        partial=results.partial_path(out),
    )
    print(translate(stopped), file=sys.stderr)
    return SOME_FAILED if len(table) else NOTHING_DONE


def _check_table(out: Path) -> None:
    """Raise `UsageError` if `out` cannot be the path of the table, before the model is loaded and films are listed."""
    if os.path.isdir(out):
        raise UsageError(message("The table is a folder. Allowed: the path of a file. Received: {out}.", out=out))
    longest = max(len(os.fsencode(path.name)) for path in results.table_files(out))
    if longest > MAX_NAME_BYTES:
        allowed = len(os.fsencode(out.name)) - (longest - MAX_NAME_BYTES)
        raise UsageError(
            message(
                "The name of the table is too long. Allowed: {allowed} bytes. Received: {out}.",
                allowed=allowed,
                out=out,
            )
        )
    if out.suffix.lower() == ".jsonl":
        raise UsageError(
            message(
                "Invalid name of a table; --jsonl writes the JSON lines under this name. Allowed: names that do "
                "not end in .jsonl. Received: {out}.",
                out=out,
            )
        )


def _check_folders(options: argparse.Namespace) -> None:
    """Raise `UsageError` if a folder of result files is a folder of films, since its files would be taken for films."""
    paths = {Path(path).absolute() for path in options.paths}
    for folder in folders_of(options).values():
        if folder.absolute() in paths:
            raise UsageError(
                message(
                    "The folder of the result files is a folder of films. Allowed: another folder. Received: {folder}.",
                    folder=folder,
                )
            )


def _list_films(paths: Sequence[str], exclude: Set[Path]) -> tuple[Iterator[NamedFilm], int | None]:
    """The films, and their number if stderr is a terminal, which shows it; each folder is listed once.

    Without a terminal the films are listed during the run. Raises `UsageError` if there are none.
    """
    film_list = FilmList(paths, exclude=exclude) if sys.stderr.isatty() else None
    films = find_films(paths, exclude=exclude) if film_list is None else iter(film_list)
    first = next(films, None)
    if first is None:
        raise UsageError(
            message("No films found. Allowed: files, folders, ZIP files. Received: {paths}.", paths=", ".join(paths))
        )
    return chain([first], films), None if film_list is None else len(film_list)


def _fill_table(
    table: results.ResultTable,
    predictor: Predictor,
    options: argparse.Namespace,
    films: Iterator[NamedFilm],
    total: int | None,
    folders: ResultFolders | None,
) -> None:
    """Add a row for each film that has none, with a progress bar if `total` is not None."""
    from tqdm import tqdm

    observe = observer("batch")
    if folders is None:
        pending = (film for film in films if not table.has(film.name))
        predictions = predictor.predict_many(
            pending, options.operating_point, prevalence=options.prevalence, age=options.age, observe=observe
        )
    else:
        predictions = write_results(predictor, options, films, table, folders, observe)
    with tqdm(total=total, initial=len(table), unit="film", disable=total is None, file=sys.stderr) as bar:
        for result in predictions:
            table.add(result)
            bar.update()
