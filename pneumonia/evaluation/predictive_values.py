"""Predictive values of the embedded models: `python -m pneumonia.evaluation.predictive_values [--write PAGE]`.

Prints a table; with `--write` it replaces the one in a page. The figures follow from `evaluation.json` of each bundle.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from ..command_line import entry_point
from ..files import atomic_write
from ..inference.answer_shares import answer_shares
from ..inference.bundle import Bundle
from ..inference.decision import CLASSES
from ..inference.sources import load_bundles
from .table import Table

MARKS = (
    "<!-- predictive values: printed by pneumonia.evaluation.predictive_values -->",
    "<!-- end of predictive values -->",
)
"""Comments before and after the table in a page."""

PREVALENCES = (0.05, 0.2, 0.5)
"""Prevalences of the table; the last one is that of the calibration of the embedded models."""


def table(bundles: Sequence[Bundle]) -> Table:
    """A row for each model, operating point and label: of 100 films with this label, those with pneumonia.

    Numbers in brackets are 95 % intervals.
    """
    head = ["Model", "Operating point", "Answer", *(f"at {100 * share:.0f} %" for share in PREVALENCES)]
    rows = [
        [bundle.population.name, point, label, *(_cell(bundle, point, label, share) for share in PREVALENCES)]
        for bundle in bundles
        for point in bundle.operating_points
        for label in CLASSES
    ]
    return Table("Predictive values", head, rows)


def replace_table(page: str, bundles: Sequence[Bundle]) -> str:
    """The text of a page with the part between `MARKS` written again."""
    pattern = re.compile(f"{re.escape(MARKS[0])}.*?{re.escape(MARKS[1])}", re.DOTALL)
    text = "\n".join([MARKS[0], table(bundles).to_markdown(), MARKS[1]])
    return pattern.sub(lambda _: text, page)


def _cell(bundle: Bundle, point: str, label: str, prevalence: float) -> str:
    shares = answer_shares(bundle.served_run, point, label)
    if shares is None:
        return "-"
    is_positive = label == CLASSES[1]
    value = shares.predictive_value(is_positive=is_positive, prevalence=prevalence)
    if not is_positive:
        value = value.of_other_class()
    return f"{100 * value.value:.1f} ({100 * value.low:.1f}-{100 * value.high:.1f})"


@entry_point
def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Print the predictive values of the embedded models.")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write the table into this page")
    options = parser.parse_args(arguments)
    bundles = load_bundles("")
    print(table(bundles).to_markdown())
    if options.write is not None:
        page = options.write.read_text(encoding="utf-8")
        atomic_write(options.write, replace_table(page, bundles).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
