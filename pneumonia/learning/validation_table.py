"""Table of the validation figures of runs that were trained with `--validate`.

python -m pneumonia.learning.validation_table runs/lungs-order5-4 runs/lungs_joint-adults
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..command_line import entry_point
from ..errors import UsageError
from ..evaluation.number_format import decimal
from ..evaluation.perturbations import UNCHANGED
from ..evaluation.table import Table

COLUMNS = (
    "run",
    "recipe",
    "films",
    "minutes",
    "AUROC",
    "mean of pairs",
    "worst pair",
    "border of the other class",
    "SIIM",
    "typical : negative",
    "healthy : SIIM positives",
)

ADULT_AUROCS = ("siim", "siim_typical", "healthy")


def read_validation(run: Path) -> Mapping[str, Any]:
    """The content of `validation.json` in a run folder; raises `UsageError` if it has none."""
    path = run / "validation.json"
    try:
        content: Mapping[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(
            "No validation figures. Expected: a folder of train.py --validate. "
            f"Received: {run} ({type(error).__name__})."
        ) from None
    return content


def validation_table(runs: Sequence[Path]) -> Table:
    """One row for each run folder; raises `UsageError` for a folder without `validation.json`."""
    return Table("Validation", COLUMNS, [_row(run, read_validation(run)) for run in runs])


def _row(run: Path, validation: Mapping[str, Any]) -> list[str]:
    adults = validation.get("adults", {})
    aurocs = [validation["auroc"][UNCHANGED], validation["mean_of_pairs"], validation["worst_pair"]["auroc"]]
    aurocs += [validation["border_of_other_class"], *(adults.get(name) for name in ADULT_AUROCS)]
    return [
        run.name,
        validation["recipe"],
        f"{validation['films']:,}",
        f"{validation['seconds'] / 60:.0f}",
        *("" if value is None else decimal(value, 4) for value in aurocs),
    ]


@entry_point
def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table as Markdown; returns the exit code (2 after an error)."""
    parser = argparse.ArgumentParser("python -m pneumonia.learning.validation_table", description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="folder of train.py --validate")
    options = parser.parse_args(arguments)
    print(validation_table(options.runs).to_markdown())
    return 0


if __name__ == "__main__":
    sys.exit(main())
