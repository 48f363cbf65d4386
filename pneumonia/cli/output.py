"""Output that several commands share."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Sequence

from ..batch.results import format_counts
from ..command_line import NOTHING_DONE
from ..messages import Message, plural_message
from ..publishing.hub_client import Files, content_size

_NOT_PRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, line separators, characters that change the direction of a line, and invalid bytes of a name."""


def printable(name: str) -> str:
    r"""The name of a film for one line of a terminal: what would break or change the line becomes text such as `\n`."""
    return _NOT_PRINTABLE.sub(lambda match: match.group().encode("unicode_escape").decode(), name)


def summarise(counts: Counter[str]) -> Message:
    """Number of films, in total and per label: `200 films: 120 Normal, 70 Pneumonia, 7 Unknown, 3 failed`."""
    return plural_message(
        "{count:,} film: {counts}", "{count:,} films: {counts}", counts.total(), counts=format_counts(counts)
    )


def print_files(files: Files, obsolete: Sequence[str] = ()) -> None:
    """Print the files of a version with their sizes in bytes, and the files to remove."""
    sizes = {name: content_size(content) for name, content in files.items()}
    for name, size in sizes.items():
        print(f"{size:>12,}  {name}")
    for name in obsolete:
        print(f"{'remove':>12}  {name}")
    print(f"{sum(sizes.values()):>12,}  bytes in {len(sizes)} files")


def report_missing_library(command: str, error: ModuleNotFoundError, extra: str) -> int:
    """Print which library `command` lacks and which extra of the package has it; returns the exit code."""
    # No `pip install pneumonia[...]`: in a checkout without an installed package, pip would look the name up on PyPI.
    instruction = f"install the extra `{extra}`, in a checkout: pip install -r requirements-{extra}.txt"
    print(f"{command} needs {error.name}: {instruction}", file=sys.stderr)
    return NOTHING_DONE
