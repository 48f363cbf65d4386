"""`publish OWNER/NAME --bundle DIR`: upload a model bundle to the Hub."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..command_line import SUCCESS
from ..inference.model import Model
from .options import Commands, add_upload_options
from .output import print_files


def add_parser(commands: Commands) -> argparse.ArgumentParser:
    """Add the command and its options to the parser."""
    parser = commands.add_parser(
        "publish", help="upload a model bundle to the Hugging Face Hub; prints the commit to pin"
    )
    parser.add_argument("repository", metavar="OWNER/NAME", help="model repository; created if it does not exist")
    parser.add_argument(
        "--bundle", type=Path, required=True, metavar="DIR", help="run folder of train.py, or pneumonia/models/children"
    )
    parser.add_argument("--tag", metavar="V", help="version tag, never moved; default: recipe and sha256")
    add_upload_options(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    """Verify and upload a bundle, or list the changes; prints `OWNER/NAME@COMMIT`."""
    from ..evaluation import consistency
    from ..publishing import publish
    from ..publishing.hub_client import Repository

    repository = Repository(options.repository)
    if not options.dry_run:
        repository.require_login()
    model = publish.load(options.bundle)
    consistency.check_consistency(Model(model, 1))
    plan = publish.plan(model, repository, options.tag, private=options.private)
    if plan.published:
        print(f"{plan.tag} exists already with the same content", file=sys.stderr)
    elif options.dry_run:
        print_files(plan.files, plan.obsolete)
        action = "create" if plan.head is None else "change"
        print(f"would {action} {repository.address} and tag it {plan.tag}")
    if options.dry_run:
        return SUCCESS
    print(f"{repository.name}@{publish.execute(plan)}")
    return SUCCESS
