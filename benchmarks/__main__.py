"""Run all benchmarks on one machine, each with its reference.

    python -m benchmarks [--quick] [--only scoring service many memory learning evaluation] [--out FOLDER]
    python -m benchmarks --out docs       # writes docs/benchmarks.md and docs/benchmarks.json

Prints the table as Markdown; with `--out` also writes `benchmarks.md` and `benchmarks.json`. About 15 minutes on two
cores. `--quick` takes one minute; it repeats so little that only the checks for equal results are meaningful.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tqdm import tqdm

from pneumonia.command_line import entry_point
from pneumonia.files import atomic_write

from . import batch_throughput, keras_baseline, learning, scoring, service, table
from .measure import Row


@dataclass(frozen=True)
class Effort:
    """Numbers of repetitions, and of films per group of benchmarks."""

    repetitions: int
    slow_repetitions: int
    """Repetitions of benchmarks that take seconds."""
    clients: int
    """Simultaneous clients of the service."""
    batch_films: int
    memory_films: int
    memory_reference: int
    """Films of the batch that the memory of `memory_films` is compared with."""
    training_films: int
    training_epochs: int
    evaluation_films: int


FULL = Effort(
    repetitions=15,
    slow_repetitions=3,
    clients=16,
    batch_films=2_000,
    memory_films=100_000,
    memory_reference=1_000,
    training_films=600,
    training_epochs=3,
    evaluation_films=624,
)
QUICK = Effort(
    repetitions=1,
    slow_repetitions=1,
    clients=2,
    batch_films=16,
    memory_films=100,
    memory_reference=50,
    training_films=32,
    training_epochs=1,
    evaluation_films=16,
)


@entry_point
def main() -> int:
    """Run the selected groups and print the table; returns the exit code 0."""
    options = _parse()
    effort = QUICK if options.quick else FULL
    with tempfile.TemporaryDirectory() as folder:
        groups, breakdown = _groups(effort, Path(folder))
        selected = {name: group for name, group in groups.items() if name in (options.only or groups)}
        rows = [row for group in tqdm(selected.values(), disable=None) for row in group()]
        step_ms = breakdown() if "service" in selected else {}
    text = table.markdown(rows, step_ms)
    print(text)
    report = table.as_json(rows, step_ms)
    if options.out:
        atomic_write(options.out / "benchmarks.md", f"{text}\n".encode())
        atomic_write(options.out / "benchmarks.json", (json.dumps(report, indent=1) + "\n").encode())
    return 0


def _groups(
    effort: Effort, folder: Path
) -> tuple[dict[str, Callable[[], Iterator[Row]]], Callable[[], dict[str, float]]]:
    network, predictor = keras_baseline.same_network()
    slow = effort.slow_repetitions
    groups: dict[str, Callable[[], Iterator[Row]]] = {
        "scoring": partial(scoring.rows, network, predictor, folder, effort.repetitions),
        "service": partial(service.rows, predictor, folder, effort.repetitions, effort.clients),
        "many": partial(batch_throughput.rows, network, predictor, folder, slow, effort.batch_films),
        "memory": partial(batch_throughput.memory, predictor, folder, effort.memory_films, effort.memory_reference),
        "learning": partial(learning.rows, predictor, folder, slow, effort.training_films, effort.training_epochs),
        "evaluation": partial(batch_throughput.evaluation, network, predictor, folder, slow, effort.evaluation_films),
    }
    return groups, lambda: dict(service.breakdown(predictor, effort.repetitions))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m benchmarks", description="Measure speed and memory and compare them with references; print Markdown."
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="few repetitions, to check that everything runs; the times are not meaningful",
    )
    names = ("scoring", "service", "many", "memory", "learning", "evaluation")
    parser.add_argument("--only", nargs="+", choices=names, help="run only these groups")
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="also write benchmarks.md and benchmarks.json to this folder"
    )
    options = parser.parse_args()
    linux_only = {"many", "memory"} & set(options.only or names)
    if linux_only and not hasattr(os, "sched_setaffinity"):
        parser.error(f"These groups run on Linux only: {', '.join(sorted(linux_only))}. Choose others with --only.")
    return options


if __name__ == "__main__":
    sys.exit(main())
