"""`publish OWNER/NAME --bundle DIR`: a model bundle to the Hub."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..inference.predictor import Predictor
from .exit_codes import SUCCESS
from .options import Commands, add_upload_options
from .output import missing_library, print_files


def add_parser(commands: Commands) -> argparse.ArgumentParser:
    """Add the command and its options to the parser."""
    parser = commands.add_parser("publish", help="a model bundle to the Hub; prints the commit to pin")
    parser.add_argument("repository", metavar="OWNER/NAME", help="the model's repository; made if it is not there")
    parser.add_argument(
        "--bundle", type=Path, required=True, metavar="DIR", help="a run folder, or pneumonia/models/children"
    )
    parser.add_argument("--tag", metavar="V", help="the version's name, never moved; default: recipe and sha256")
    add_upload_options(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    """Verify and upload a bundle, or list the changes; prints `OWNER/NAME@COMMIT`."""
    from ..publishing import publish
    from ..publishing.hub_client import Repository

    try:
        from ..evaluation import consistency
    except ModuleNotFoundError as error:
        return missing_library("Publishing", error, "requirements-train.txt")
    repository = Repository(options.repository)
    if not options.dry_run:
        repository.require_login()
    model = publish.load(options.bundle)
    consistency.check_consistency(Predictor(model, 1))
    plan = publish.plan(model, repository, options.tag, private=options.private)
    if plan.published:
        print(f"{plan.tag} is there already, with this very content", file=sys.stderr)
    elif options.dry_run:
        print_files(plan.uploads, plan.obsolete)
        print(f"would {'make' if plan.head is None else 'change'} {repository.address} and tag it {plan.tag}")
    if options.dry_run:
        return SUCCESS
    print(f"{repository.name}@{publish.execute(plan)}")
    return SUCCESS
