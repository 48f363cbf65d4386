"""What counting costs: time of a film, time of a write, and size of a year of counts.

    python -m benchmarks.monitor_cost [--films 20000] [--model M]

Counts one reading again and again, then writes a year of made days: 5 sources, each model, 30 films a day. Half a
minute.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from pneumonia import load_predictor
from pneumonia.inference.model import Model
from pneumonia.monitoring import store
from pneumonia.monitoring.counts import ANSWER, Item, Series
from pneumonia.monitoring.histograms import EDGES, SCORE
from pneumonia.monitoring.recorder import Recorder
from pneumonia.monitoring.reference import Reference

SOURCES, DAYS, FILMS_A_DAY = 5, 365, 30


def measure_film(model: Model, films: int) -> tuple[float, float]:
    """(microseconds of processor time of a counted film, milliseconds of a write)."""
    predictor = load_predictor("", threads=1)
    reading = predictor.read(model.bundle.examples[0])
    prediction = predictor.decide(reading)
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(Path(folder), keep_days=400)
        started_at = time.thread_time()
        for _ in range(films):
            recorder.record(prediction, reading, "page")
        counting_s = time.thread_time() - started_at
        flush_at = time.perf_counter()
        recorder.flush()
        return 1e6 * counting_s / films, 1e3 * (time.perf_counter() - flush_at)


def year_size(models: Sequence[Model]) -> int:
    """Bytes of the database after a year."""
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for day in range(DAYS):
            text = (date(2026, 1, 1) + timedelta(days=day)).isoformat()
            counts = {
                (text, series_of(model, f"DEVICE_{number}")): day_of(model, random)
                for model in models
                for number in range(SOURCES)
            }
            store.add(folder, counts)
        return sum(path.stat().st_size for path in folder.iterdir())


def series_of(model: Model, source: str) -> Series:
    identity = model.identity
    return Series(source, identity.name, identity.revision, identity.sha256, "", str(model.population.name), "balanced")


def day_of(model: Model, random: np.random.Generator) -> Counter[Item]:
    """Counts of a day with films of the model's card."""
    reference = Reference.of(model.bundle)
    items: Counter[Item] = Counter({(ANSWER, "Normal"): 20, (ANSWER, "Pneumonia"): 5, (ANSWER, "Unknown"): 5})
    if reference is None:
        return items
    histograms = {SCORE: reference.scores.sum(axis=0), **reference.measures}
    for name, counts in histograms.items():
        drawn = random.choice(len(EDGES[name]) + 1, FILMS_A_DAY, p=counts / counts.sum())
        items.update((name, str(number)) for number in drawn)
    return items


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures; returns the exit code."""
    parser = argparse.ArgumentParser("python -m benchmarks.monitor_cost", description=__doc__)
    parser.add_argument("--films", type=int, default=20_000, metavar="N", help="films that are counted")
    parser.add_argument("--model", metavar="M", help="model bundles; default: PNEUMONIA_MODEL")
    options = parser.parse_args(arguments)
    models = load_predictor(options.model, site="", threads=1).models
    film_us, write_ms = measure_film(models[0], options.films)
    print(f"counted film: {film_us:.1f} us; write: {write_ms:.1f} ms")
    size = year_size(models)
    print(f"a year of {SOURCES} sources, {len(models)} models, {FILMS_A_DAY} films a day each: {size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
