"""`deploy OWNER/SPACE`: upload the page to a Space on the Hub."""

from __future__ import annotations

import argparse
import sys

from .. import settings
from ..command_line import SUCCESS
from .options import Commands, add_upload_options
from .output import print_files


def add_parser(commands: Commands) -> argparse.ArgumentParser:
    """Add the command and its options to the parser."""
    parser = commands.add_parser("deploy", help="upload the page to a Hugging Face Space; prints its address")
    parser.add_argument(
        "repository", metavar="OWNER/SPACE", help="Space; created if it does not exist (needs a paid plan)"
    )
    parser.add_argument(
        "--model",
        metavar="OWNER/NAME@REVISION",
        help="serve this model from the Hub; default: upload the embedded model",
    )
    add_upload_options(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    """Upload the page, or list the changes; prints the Space's address."""
    from ..publishing import deploy
    from ..publishing.hub_client import Repository

    repository = Repository(options.repository, "space")
    if not options.dry_run:
        repository.require_login()
    content = deploy.collect_content(repository, options.model)
    if content.hub_model and content.hub_model.private:
        print(
            "The model is private: set the Space's secret HF_TOKEN to a token with read access to it.", file=sys.stderr
        )
    if options.dry_run:
        print_files(content.files)
        print(f"{settings.MODEL.name}={content.variable or ''}", flush=True)
    plan = deploy.plan(repository, content, private=options.private)
    if options.dry_run:
        action = "create" if plan.head is None else "change"
        changes = f"{len(plan.files)} files, unchanged ones are not sent; {len(plan.obsolete)} to remove"
        print(f"would {action} {repository.address}: {changes}")
        return SUCCESS
    print(deploy.execute(plan))
    print("The Hub is building the Space; this takes some minutes.", file=sys.stderr)
    return SUCCESS
