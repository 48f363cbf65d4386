"""Benchmark of thousands of films: against a Keras loop, on two cores against one, and in peak memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import numpy as np

from pneumonia.batch import find_films
from pneumonia.evaluation.assess import score_films
from pneumonia.evaluation.dataset import load_films
from pneumonia.inference.decision import Prediction
from pneumonia.inference.predictor import Predictor

from . import films, keras_baseline
from .measure import Pair, Row, at_least, at_most, interleaved
from .scoring import TOLERANCE
from .service_process import ROOT

SIZE = (1300, 900)
KERAS_LOOP = "a loop of `load_img`, array, `model.predict`"
BASELINE_STRIDE = 20
"""The Keras loop is timed on one film of this many: all films take the same time, and it would dominate the run."""


def rows(network: keras.Model, predictor: Predictor, folder: Path, repetitions: int, count: int) -> Iterator[Row]:
    """Yield two rows of a batch of `count` films (2,000 in the full run): against Keras, and two cores against one."""
    paths = films.write(predictor, folder / "batch", SIZE, count)
    sample = paths[: max(4, count // BASELINE_STRIDE)]

    def predict_all() -> list[Prediction]:
        results = predictor.predict_many(find_films([str(folder / "batch")]))
        return [result for result in results if isinstance(result, Prediction)]

    if len(predict_all()) != count:
        raise ValueError("a film has no prediction")
    pair = interleaved(predict_all, lambda: [keras_baseline.score(network, path) for path in sample], repetitions)
    ratios = [ratio * count / len(sample) for ratio in pair.speedups]
    rate = count / statistics.median(pair.product)
    note = f"{rate:.0f} films a second; the usual way timed on {len(sample)} of the films"
    yield at_least(f"batch of {count:,} films, JPEG of {SIZE[0]} x {SIZE[1]}", KERAS_LOOP, ratios, 8, 15, note)
    yield _cores(predictor, paths[: max(40, count // 4)], repetitions)


def memory(predictor: Predictor, folder: Path, count: int, reference_count: int = 1_000) -> Iterator[Row]:
    """Yield the peak memory of `batch` over `count` films against `reference_count`, each in a separate process."""
    films.write(predictor, folder / "many", (224, 224), count)
    films.write(predictor, folder / "few", (224, 224), reference_count)
    peaks = [_peak_mb(folder / name) for name in ("many", "few")]
    note = f"{peaks[0]:.0f} MB against {peaks[1]:.0f} MB"
    label = f"peak memory of a batch over {count:,} films"
    yield at_most(label, f"over {reference_count:,} films", [peaks[0] - peaks[1]], 20, 5, note, "MB")


def evaluation(network: keras.Model, predictor: Predictor, folder: Path, repetitions: int, count: int) -> Iterator[Row]:
    """Yield the rows of an evaluation of `count` labelled films (624 in the full run), from file to score and gate."""
    for part, number in (("NORMAL", 3 * count // 8), ("PNEUMONIA", count - 3 * count // 8)):
        films.write(predictor, folder / "evaluation" / "test" / part, SIZE, number)
    root = folder / "evaluation"
    sample = sorted(root.glob("test/*/*"))[:: max(1, count // 60)]

    def predict_all() -> object:
        return score_films(predictor, load_films(root, ("test",), quiet=True), quiet=True)

    pair = interleaved(predict_all, lambda: [keras_baseline.score(network, path) for path in sample], repetitions)
    ratios = [ratio * count / len(sample) for ratio in pair.speedups]
    note = f"files read, hashed, gated and scored; the usual way timed on {len(sample)} of the films"
    yield at_least(f"evaluation of {count} films", KERAS_LOOP, ratios, 6, 10, note)
    batched = interleaved(predict_all, lambda: _predicted_in_batches(network, root), max(1, repetitions // 2))
    note = "no target was set: it is what a careful Keras user would write"
    yield at_least(f"the same {count} films", "`image_dataset_from_directory`, `model.predict` in batches of 32",
                   batched.speedups, None, None, note)  # fmt: skip


def _predicted_in_batches(network: keras.Model, root: Path) -> object:
    batches = keras.utils.image_dataset_from_directory(
        root / "test", image_size=(150, 150), batch_size=32, shuffle=False, verbose=False
    )
    return network.predict(batches, verbose=0)


def _cores(predictor: Predictor, paths: Sequence[Path], repetitions: int) -> Row:
    """The same batch with two threads on two cores against one thread on one core."""
    one_thread, two_threads = Predictor(predictor.bundle, 1), Predictor(predictor.bundle, 2)
    cores = sorted(os.sched_getaffinity(0))[:2]

    def confidences(used_cores: list[int], predictor: Predictor) -> list[float | None]:
        os.sched_setaffinity(0, used_cores)
        try:
            return [result.confidence for result in predictor.predict_many(paths) if isinstance(result, Prediction)]
        finally:
            os.sched_setaffinity(0, cores)

    _check_equal(confidences(cores[:1], one_thread), confidences(cores, two_threads))
    pair: Pair = interleaved(
        lambda: confidences(cores, two_threads), lambda: confidences(cores[:1], one_thread), repetitions
    )
    return at_least("batch on two cores", "the same on one core", pair.speedups, 1.7, 1.9, "the same answers in order")


def _check_equal(first: list[float | None], second: list[float | None]) -> None:
    pairs = [(a or 0.0, b or 0.0) for a, b in zip(first, second, strict=True)]
    if not np.allclose([a for a, _ in pairs], [b for _, b in pairs], atol=TOLERANCE):
        raise ValueError("the predictions of two threads differ from those of one")


def _peak_mb(folder: Path) -> float:
    """Peak resident memory of `python -m pneumonia batch` over a folder."""
    with tempfile.TemporaryDirectory() as out:
        # VmHWM, not ru_maxrss, because a process inherits ru_maxrss from its parent.
        code = (
            "import sys; from pneumonia.cli import main; assert main(sys.argv[1:]) == 0; "
            "print(*(line for line in open('/proc/self/status') if line.startswith('VmHWM')))"
        )
        command = [sys.executable, "-c", code, "batch", str(folder), "--out", f"{out}/films.csv"]
        process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return int(process.stdout.split()[-2]) / 1024
