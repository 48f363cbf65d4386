"""What the programs of the package have in common: exit codes (docs/api.md), robust output, the report of an error."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from . import operating_system
from .errors import PneumoniaError
from .messages import translate

SUCCESS = 0
SOME_FAILED = 1
"""Some films failed and the others are complete, or `evaluate` computed figures that differ from the model card."""
NOTHING_DONE = 2
"""The command line is invalid, or the program produced no result."""

_Parameters = ParamSpec("_Parameters")


def entry_point(main: Callable[_Parameters, int]) -> Callable[_Parameters, int]:
    """Decorate the `main` of a program, which returns its exit code.

    File names with any characters can be printed, and a `PneumoniaError` is reported by `report`.
    """

    @wraps(main)
    def run(*arguments: _Parameters.args, **options: _Parameters.kwargs) -> int:
        operating_system.make_output_robust()
        try:
            return main(*arguments, **options)
        except PneumoniaError as error:
            return report(error)

    return run


def report(error: PneumoniaError) -> int:
    """Print an error as `code: message` in the user's language on stderr; returns the exit code `NOTHING_DONE`."""
    print(f"{error.code}: {translate(error.message)}", file=sys.stderr)
    return NOTHING_DONE
