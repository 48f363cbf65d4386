"""Which model answers a film whose age nobody states: figures of the predictor's routing on films of known populations.

python -m pneumonia.evaluation.routing --data DIR --json routing.json

The films of the training folders were partly used to fit the gates; figures on films that were not used are those of
`python -m pneumonia.learning.gate_cross_fit`. No figure here chooses anything, and the official test is not read.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import files, load_predictor
from ..command_line import entry_point
from ..errors import DatasetError
from ..imaging import Source
from ..inference.decision import Failure, Prediction
from ..inference.populations import POPULATIONS
from ..inference.predictor import Predictor
from . import adults
from .dataset import KERMANY, list_films
from .intervals import wilson_interval
from .number_format import percent
from .table import Table

UNCLEAR, REFUSED = "population_unclear", "refused"
OUTCOMES = (*POPULATIONS, UNCLEAR, REFUSED)
"""What happens to a film: a population's model answers (Unknown within the undecided band counts as an answer), the
population is unclear, or the gates refuse it."""

NIH_FOLDER = Path("external") / "nih"
AGES = NIH_FOLDER / "ages.csv"
AGE_GROUPS = {"under 1": (0, 1), "1-5": (1, 6), "6-11": (6, 12), "12-17": (12, 18), "18 and over": (18, 200)}
"""Name -> ages in years, the upper one exclusive."""


def outcome_of(result: Prediction | Failure) -> str | None:
    """One of `OUTCOMES`; None for a file that cannot be read."""
    if isinstance(result, Failure):
        return None
    if result.probability is not None:
        return result.population
    return UNCLEAR if result.reason is not None and result.reason.code == UNCLEAR else REFUSED


def count_outcomes(predictor: Predictor, films: Iterable[Source]) -> Counter[str]:
    """Outcomes of films without a stated age; files that cannot be read are left out.

    The films must not be DICOM files, whose header may state the age.
    """
    outcomes = (outcome_of(result) for result in predictor.predict_many(films))
    return Counter(outcome for outcome in outcomes if outcome is not None)


def as_entry(name: str, counts: Counter[str], outcomes: Sequence[str] = OUTCOMES) -> dict[str, Any]:
    """An entry of `routing` in `evaluation.json`: the share of each outcome with its 95 % Wilson interval."""
    total = counts.total()
    return {"name": name, "images": total, **{each: wilson_interval(counts[each], total) for each in outcomes}}


def to_markdown(title: str, entries: Sequence[Mapping[str, Any]]) -> str:
    """The entries as a Markdown table."""
    rows = [[row["name"], f"{row['images']:,}", *(percent(row[each]) for each in OUTCOMES)] for row in entries]
    columns = ["Films", "Count", "As a child", "As an adult", "Population unclear", "Refused"]
    return Table(title, columns, rows).to_markdown()


def film_groups(root: Path) -> dict[str, list[Path]]:
    """Films below a data folder by source and kind, and NIH's by age; a data set that is missing is left out."""
    groups: dict[str, list[Path]] = {}
    try:
        listed = list_films(root, ("train", "val"))
    except DatasetError:
        listed = []
    if (folder := adults.find_folder(root)) is not None:
        listed += adults.list_adults(folder)
    for film in listed:
        groups.setdefault(f"{film.source or KERMANY}: {film.kind}", []).append(film.path)
    if (root / AGES).is_file():
        for name, path in _nih_films_by_age(root):
            groups.setdefault(name, []).append(path)
    return groups


def _nih_films_by_age(root: Path) -> Iterable[tuple[str, Path]]:
    paths = {path.stem: path for path in sorted((root / NIH_FOLDER).glob("*/*/*"))}
    with (root / AGES).open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            path = paths.get(Path(row["image"]).stem)
            group = _age_group(row["age"])
            if path is not None and group is not None:
                yield f"nih: {group}", path


def _age_group(age: str) -> str | None:
    """The group of an age in years as the table states it; None if it states none."""
    if not age:
        return None
    return next((name for name, (low, high) in AGE_GROUPS.items() if low <= float(age) < high), None)


@entry_point
def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print as Markdown and write as JSON; returns the exit code (2 after an error)."""
    parser = argparse.ArgumentParser("python -m pneumonia.evaluation.routing", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with chest_xray, adults and external")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth film of each group")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    parser.add_argument("--model", help="model bundles; default: PNEUMONIA_MODEL")
    options = parser.parse_args(arguments)
    predictor = load_predictor(options.model)
    groups = film_groups(options.data)
    entries = [
        as_entry(name, count_outcomes(predictor, paths[:: options.every])) for name, paths in sorted(groups.items())
    ]
    if options.json:
        files.atomic_write(options.json, (json.dumps({"routing": entries}, indent=1) + "\n").encode())
    print(to_markdown("Films without a stated age", entries))
    return 0


if __name__ == "__main__":
    sys.exit(main())
