"""`monitor`: show the daily counts of answers, and their drift against the models' cards."""

from __future__ import annotations

import argparse
import json
from datetime import date, timedelta
from pathlib import Path

from .. import files, load_predictor
from ..command_line import SUCCESS
from ..errors import UsageError
from ..messages import message
from ..monitoring.counts import DEFAULT_DAYS
from .options import Commands, add_model_option


def add_parser(commands: Commands) -> argparse.ArgumentParser:
    """Add the command and its options to the parser."""
    parser = commands.add_parser("monitor", help="show the counts of PNEUMONIA_MONITOR and their drift")
    parser.add_argument(
        "--since",
        metavar="DAY",
        help=f"first day as YYYY-MM-DD, or a number of days until today; default: {DEFAULT_DAYS}",
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON and nothing else on stdout")
    parser.add_argument("--html", type=Path, metavar="FILE", help="also write the report with plots as one HTML file")
    add_model_option(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    """Print the report of the counts; the models in use are needed for the comparison with their cards."""
    from ..monitoring.period import read_period
    from ..monitoring.report import report_of
    from ..monitoring.report_text import as_text
    from ..monitoring.summary_json import as_dict
    from ..validation.report_html import to_html

    until = date.today()
    since = _first_day(options.since, until)
    period = read_period(since, until, [model.bundle for model in load_predictor(options.model, threads=1).models])
    report = report_of(period.summaries, period.failures, since, until)
    if options.html is not None:
        files.atomic_write(options.html, to_html(report).encode())
    if options.json:
        print(json.dumps(as_dict(period.summaries, period.failures, since, until)))
    else:
        print(as_text(report), end="")
    return SUCCESS


def _first_day(text: str | None, today: date) -> date:
    """The day of `--since`; raises `UsageError` if it is neither a date nor a number of days."""
    text = text or str(DEFAULT_DAYS)
    try:
        return today - timedelta(days=int(text)) if text.isdecimal() else date.fromisoformat(text)
    except (ValueError, OverflowError):
        raise UsageError(
            message("Invalid first day. Allowed: YYYY-MM-DD, or a number of days. Received: {text!r}.", text=text)
        ) from None
