"""Audits of a model: what it reads, where its evidence lies, and what changes its answers.

python -m pneumonia.evaluation.audits --data DIR [--model M] [--only NAME ...] [--json FILE]

The command audits a model of `PNEUMONIA_MODEL` on the validation films of its population and prints the tables of the
card. `robustness` and `shortcuts` are also run on the test films by training, for the run's own entries.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .. import files
from ..command_line import entry_point
from ..inference.model import Model
from ..inference.predictor import load_model
from .audit_films import PARTS, AuditFilms, load_audit_films
from .audit_tables import AUDIT_TABLES
from .border_exchange import border_exchange
from .dataset import FilmSet
from .deletion_insertion import deletion_insertion
from .device_audit import device_audit
from .evidence_location import evidence_location
from .external import identity
from .frame_audit import frame_audit
from .hidden_lungs import hidden_lungs
from .projection_audit import projection_audit
from .robustness import robustness
from .shortcuts import shortcuts

TEST_AUDITS: dict[str, Callable[[Model, FilmSet], dict[str, Any]]] = {"robustness": robustness, "shortcuts": shortcuts}
"""Audits of the test films by the key of their result in a run of `evaluation.json`."""

FILM_AUDITS: dict[str, Callable[[Model, AuditFilms], dict[str, Any]]] = {
    "evidence": evidence_location,
    "hidden": hidden_lungs,
    "border": border_exchange,
    "frames": frame_audit,
    "robustness": lambda model, films: robustness(model, films.films),
    "deletion": deletion_insertion,
    "devices": device_audit,
}
"""Audits of validation films by the key of their result under `audits` in a run of `evaluation.json`."""

PROJECTION = "projection"
AUDITS = (*FILM_AUDITS, PROJECTION)


def audits(model: Model, films: FilmSet, protocol: str) -> dict[str, Any]:
    """Results of the audits of test films, by key. Empty for protocols other than `official`."""
    return {name: audit(model, films) for name, audit in TEST_AUDITS.items()} if protocol == "official" else {}


def audit_model(model: Model, data: Path, names: Sequence[str] = AUDITS, part: str = PARTS[0]) -> dict[str, Any]:
    """The entry `audits` of a run: `model` and `films` that were audited, and the result of each of `names`.

    `part` is an entry of `PARTS`. Raises `DatasetError`.
    """
    entry: dict[str, Any] = {"model": identity(model.bundle.config)}
    of_films = [name for name in names if name in FILM_AUDITS]
    if of_films:
        films = load_audit_films(data, model.population, part)
        entry["films"] = films.describe()
        entry |= {name: FILM_AUDITS[name](model, films) for name in of_films}
    if PROJECTION in names:
        entry[PROJECTION] = projection_audit(model, data)
    return entry


@entry_point
def main(arguments: Sequence[str] | None = None) -> int:
    """Audit a model, print the tables and write the entry; returns the exit code (2 after an error)."""
    parser = argparse.ArgumentParser("python -m pneumonia.evaluation.audits", description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="folder with chest_xray, lung_masks ..."
    )
    parser.add_argument("--model", metavar="M", help="model bundle; default: PNEUMONIA_MODEL")
    parser.add_argument("--only", nargs="+", choices=AUDITS, default=AUDITS, metavar="NAME", help=", ".join(AUDITS))
    parser.add_argument("--part", choices=PARTS, default=PARTS[0], help="default: validation. Log accesses to the test")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the entry for evaluation.json to FILE")
    options = parser.parse_args(arguments)
    entry = audit_model(load_model(options.model), options.data, options.only, options.part)
    _print(entry)
    if options.json:
        files.atomic_write(options.json, (json.dumps(entry, indent=1) + "\n").encode())
    return 0


def _print(entry: dict[str, Any]) -> None:
    if "films" in entry:
        print(", ".join(f"{key} {value}" for key, value in entry["films"].items()) + "\n")
    for name in AUDITS:
        if name in entry and not entry[name]:
            print(f"{name}: not measured, the films or masks that it needs are missing.\n")
        for table in (build(entry[name]) for build in AUDIT_TABLES[name] if entry.get(name)):
            if table.rows:
                print(f"## {table.caption}\n\n{table.to_markdown()}\n")


if __name__ == "__main__":
    sys.exit(main())
