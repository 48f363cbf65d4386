"""`serve`: run the web page, as `python app.py` does in a checkout."""

from __future__ import annotations

import argparse

from ..command_line import SUCCESS
from .options import Commands


def add_parser(commands: Commands) -> argparse.ArgumentParser:
    """Add the command and its options to the parser."""
    parser = commands.add_parser("serve", help="run the web page on http://127.0.0.1:7860")
    parser.add_argument(
        "--share", action="store_true", help="create a public link that anyone can use while the page runs"
    )
    return parser


def run(options: argparse.Namespace) -> int:
    """Serve the page until SIGTERM or SIGINT."""
    from ..web import entry_point  # the other commands do not need the page

    entry_point.serve(share=options.share)
    return SUCCESS
