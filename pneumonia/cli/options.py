"""Options that several commands share."""

from __future__ import annotations

import argparse
from typing import TypeAlias

from ..inference.decision import DEFAULT_POINT

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""Type that `add_subparsers` returns; argparse has no public name for it."""


def add_decision_options(parser: argparse.ArgumentParser) -> None:
    """Add `--operating-point` and `--prevalence`."""
    parser.add_argument(
        "--operating-point",
        default=DEFAULT_POINT,
        metavar="P",
        help="operating point: screening, balanced (default) or confirm",
    )
    parser.add_argument(
        "--prevalence", type=float, metavar="R", help="prevalence of pneumonia in your patients, between 0 and 1"
    )


def add_age_option(parser: argparse.ArgumentParser) -> None:
    """Add `--age`."""
    parser.add_argument(
        "--age",
        type=float,
        metavar="YEARS",
        help="age in years of all patients of this call, which selects the model; overrides the age in DICOM headers",
    )


def add_model_option(parser: argparse.ArgumentParser) -> None:
    """Add `--model`."""
    parser.add_argument(
        "--model",
        metavar="M",
        help="model folder or owner/name@revision, or one for each population separated by a comma; "
        "overrides PNEUMONIA_MODEL",
    )


def add_upload_options(parser: argparse.ArgumentParser) -> None:
    """Add `--private` and `--dry-run`, for the commands that write to the Hub."""
    parser.add_argument("--private", action="store_true", help="create the repository as private")
    parser.add_argument("--dry-run", action="store_true", help="list the changes and file sizes; write nothing")
