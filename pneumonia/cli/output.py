"""Output that several commands share."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence

from ..batch.results import format_counts
from ..publishing.hub_client import Files, content_size
from .exit_codes import NOTHING_DONE


def summarise(counts: Counter[str]) -> str:
    """Number of films, in total and per label: `200 films: 120 Normal, 70 Pneumonia, 7 Unknown, 3 failed`."""
    return f"{counts.total():,} films: {format_counts(counts)}"


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
