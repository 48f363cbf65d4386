"""`validate PATH... [--labels CSV] --out DIR`: figures of the served models on the user's own labelled films."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import load_predictor
from ..batch import expand_patterns, find_films
from ..command_line import NOTHING_DONE, SOME_FAILED, SUCCESS
from ..errors import UsageError
from ..files import atomic_write
from ..inference.decision import check_prevalence
from ..inference.named_film import NamedFilm
from ..inference.predictor import Predictor
from ..messages import join, message, translate
from .options import Commands, add_age_option, add_decision_options, add_model_option

if TYPE_CHECKING:
    from ..validation.film_results import FilmResult
    from ..validation.site_films import Selection

_ROLES = ("file", "label", "age", "group", "site", "sex")


def add_parser(commands: Commands) -> argparse.ArgumentParser:
    """Add the command and its options to the parser."""
    parser = commands.add_parser("validate", help="check the models on your own labelled films")
    parser.add_argument("paths", nargs="+", metavar="PATH", help="file, folder, ZIP file or quoted pattern")
    parser.add_argument(
        "--labels", type=Path, metavar="CSV", help="table with file and label; without it, folder names are the labels"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="new or empty folder for the report")
    for role in _ROLES:
        parser.add_argument(f"--{role}-column", metavar="NAME", help=f"column of --labels with the {_meaning(role)}")
    parser.add_argument("--sensitivity", type=float, metavar="X", help="smallest sensitivity, 0.5 to 1 (default: 0.9)")
    parser.add_argument(
        "--cost-ratio", type=float, metavar="R", help="cost of a missed pneumonia in false alarms, instead"
    )
    parser.add_argument(
        "--site", default="", metavar="NAME", help="name of your site, for the report and the site file"
    )
    parser.add_argument(
        "--save-site", type=Path, metavar="FILE", help="also write the local operating point, for PNEUMONIA_SITE"
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="number of films at the same time; overrides PNEUMONIA_THREADS"
    )
    parser.add_argument(
        "--json", action="store_true", help="print the figures as JSON on stdout and nothing else there"
    )
    add_decision_options(parser)
    add_age_option(parser)
    add_model_option(parser)
    return parser


def _meaning(role: str) -> str:
    return {"group": "patient", "age": "age in years"}.get(role, role)


def run(options: argparse.Namespace) -> int:
    """Score the films, write the report; returns 1 if a film failed or could not be used, or Ctrl+C stopped the run."""
    from ..validation.evaluate import Question, validate
    from ..validation.goal import DEFAULT_SENSITIVITY, Goal
    from ..validation.report_folder import write_report
    from ..validation.site_file import site_overlay

    goal = Goal(options.sensitivity, options.cost_ratio) if _has_goal(options) else Goal(DEFAULT_SENSITIVITY)
    question = Question(options.operating_point, goal, options.prevalence, options.site.strip())
    check_prevalence(options.prevalence)
    _check_folder(options.out)
    selection = _select(options)
    predictor = load_predictor(options.model, threads=options.workers)
    predictor.check_options(options.operating_point, options.prevalence, options.age)
    started_at = time.monotonic()
    results = _score(predictor, selection, options)
    if not results:
        print("stopped", file=sys.stderr)
        return NOTHING_DONE
    validation = validate(predictor, selection, results, question)
    write_report(validation, options.out)
    if options.save_site:
        atomic_write(options.save_site, site_overlay(predictor, validation, question).to_bytes())
    _print(validation.figures, options, time.monotonic() - started_at)
    is_complete = len(results) == len(selection.films) and not validation.problems
    return SUCCESS if is_complete and not validation.figures["films"]["unreadable"] else SOME_FAILED


def _has_goal(options: argparse.Namespace) -> bool:
    return options.sensitivity is not None or options.cost_ratio is not None


def _check_folder(out: Path) -> None:
    """Raise `UsageError` if the folder has content, before the model is loaded."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(
            message("The output folder exists and is not empty. Allowed: a new folder. Received: {folder}.", folder=out)
        )


def _select(options: argparse.Namespace) -> Selection:
    """The films with their labels."""
    from ..validation.label_table import choose_columns, read_table
    from ..validation.site_films import label_by_folder, label_by_table

    columns = {role: getattr(options, f"{role}_column") for role in _ROLES}
    if options.labels is None and any(columns.values()):
        raise UsageError(message("A column was stated without a table. Allowed: columns together with --labels."))
    exclude = {path.absolute() for path in (options.labels, options.out, options.save_site) if path is not None}
    films = find_films(options.paths, exclude=exclude)
    if options.labels is None:
        selection = label_by_folder(films, _roots(options.paths))
    else:
        table = read_table(options.labels)
        selection = label_by_table(films, table, choose_columns(table, columns))
    if not selection.films:
        reasons = [problem.message for problem in selection.problems[:1]]
        raise UsageError(join([message("No film has a label."), *reasons]))
    return selection


def _roots(paths: Sequence[str]) -> list[str]:
    roots = (root.name if isinstance(root, NamedFilm) else root for root in expand_patterns(paths))
    return [root + os.sep if os.path.isdir(root) and not root.endswith(("/", os.sep)) else root for root in roots]


def _score(predictor: Predictor, selection: Selection, options: argparse.Namespace) -> list[FilmResult]:
    """The results, with a progress bar on a terminal; those so far if Ctrl+C stops the run."""
    from tqdm import tqdm

    from ..validation.film_results import score_films

    results = []
    scored = score_films(predictor, selection.films, options.operating_point, age=options.age)
    total = len(selection.films)
    with tqdm(total=total, unit="film", disable=not sys.stderr.isatty(), file=sys.stderr) as bar:
        try:
            for result in scored:
                results.append(result)
                bar.update()
        except KeyboardInterrupt:
            stopped = message(
                "stopped after {count:,} of {total:,} films; the report is about these", count=len(results), total=total
            )
            print(translate(stopped), file=sys.stderr)
    return results


def _print(figures: dict[str, Any], options: argparse.Namespace, seconds: float) -> None:
    if options.json:
        print(json.dumps(figures))
    else:
        for entry in figures["models"].values():
            print(f"{entry['population']}: {' '.join(entry['verdict']['sentences'])}")
    counts = figures["films"]
    values = {"used": counts["used"], "received": counts["received"], "folder": options.out}
    summary = message("{used:,} of {received:,} files count; the report is in {folder}", **values)
    if counts["unreadable"]:
        summary = message(
            "{used:,} of {received:,} files count ({unreadable:,} could not be read); the report is in {folder}",
            unreadable=counts["unreadable"],
            **values,
        )
    print(f"{translate(summary)} [{seconds:.0f} s]", file=sys.stderr)
