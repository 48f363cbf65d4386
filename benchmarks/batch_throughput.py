"""Benchmark of large batches: speed compared with a Keras loop, speed of two cores compared with one, peak memory."""

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
"""Width and height of the films in pixels."""

KERAS_LOOP = "a loop of `load_img`, `img_to_array`, `model.predict`"
BASELINE_STRIDE = 20
"""The Keras loop is timed on one of 20 films: all films take it the same time, and it would dominate the benchmark."""


def rows(network: keras.Model, predictor: Predictor, folder: Path, repetitions: int, count: int) -> Iterator[Row]:
    """Yield two rows of a batch of `count` films: compared with Keras, and two cores compared with one."""
    paths = films.write(predictor, folder / "batch", SIZE, count)
    sample = paths[: max(4, count // BASELINE_STRIDE)]

    def predict_all() -> list[Prediction]:
        results = predictor.predict_many(find_films([str(folder / "batch")]))
        return [result for result in results if isinstance(result, Prediction)]

    if len(predict_all()) != count:
        raise ValueError("A film has no prediction.")
    pair = interleaved(predict_all, lambda: [keras_baseline.score(network, path) for path in sample], repetitions)
    ratios = [ratio * count / len(sample) for ratio in pair.speedups]
    rate = count / statistics.median(pair.product)
    note = f"{rate:.0f} films per second; the reference was timed on {len(sample)} of the films"
    yield at_least(f"batch of {count:,} films, JPEG of {SIZE[0]} x {SIZE[1]}", KERAS_LOOP, ratios, 8, 15, note)
    yield _cores(predictor, paths[: max(40, count // 4)], repetitions)


def memory(predictor: Predictor, folder: Path, count: int, reference_count: int) -> Iterator[Row]:
    """Yield the row of peak memory: `batch` over `count` films compared with `reference_count`, one process each."""
    films.write(predictor, folder / "many", (224, 224), count)
    films.write(predictor, folder / "few", (224, 224), reference_count)
    peaks = [_peak_mb(folder / name) for name in ("many", "few")]
    note = f"{peaks[0]:.0f} MB against {peaks[1]:.0f} MB"
    label = f"peak memory of a batch over {count:,} films"
    yield at_most(label, f"over {reference_count:,} films", [peaks[0] - peaks[1]], 20, 5, note, "MB")


def evaluation(network: keras.Model, predictor: Predictor, folder: Path, repetitions: int, count: int) -> Iterator[Row]:
    """Yield two rows of an evaluation of `count` labelled films, from file to score and gate.

    The references are a Keras loop, and batches of `image_dataset_from_directory`.
    """
    normal_count = 3 * count // 8
    for class_folder, class_count in (("NORMAL", normal_count), ("PNEUMONIA", count - normal_count)):
        films.write(predictor, folder / "evaluation" / "test" / class_folder, SIZE, class_count)
    root = folder / "evaluation"
    sample = sorted(root.glob("test/*/*"))[:: max(1, count // 60)]

    def predict_all() -> object:
        return score_films(predictor.models[0], load_films(root, ("test",), quiet=True), quiet=True)

    pair = interleaved(predict_all, lambda: [keras_baseline.score(network, path) for path in sample], repetitions)
    ratios = [ratio * count / len(sample) for ratio in pair.speedups]
    note = (
        f"files are read, hashed, checked by the gate and scored; the reference was timed on {len(sample)} of the films"
    )
    yield at_least(f"evaluation of {count} films", KERAS_LOOP, ratios, 6, 10, note)
    batched = interleaved(predict_all, lambda: _predict_in_batches(network, root), max(1, repetitions // 2))
    note = "no target was set; this is the code of a careful Keras user"
    yield at_least(f"the same {count} films", "`image_dataset_from_directory`, `model.predict` in batches of 32",
                   batched.speedups, None, None, note)  # fmt: skip


def _predict_in_batches(network: keras.Model, root: Path) -> object:
    batches = keras.utils.image_dataset_from_directory(
        root / "test", image_size=(150, 150), batch_size=32, shuffle=False, verbose=False
    )
    return network.predict(batches, verbose=0)


def _cores(predictor: Predictor, paths: Sequence[Path], repetitions: int) -> Row:
    """Row of the same batch with two threads on two cores, compared with one thread on one core."""
    one_thread, two_threads = predictor.with_threads(1), predictor.with_threads(2)
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
    return at_least(
        "batch on two cores", "the same on one core", pair.speedups, 1.7, 1.9, "equal results in the same order"
    )


def _check_equal(first: list[float | None], second: list[float | None]) -> None:
    pairs = [(a or 0.0, b or 0.0) for a, b in zip(first, second, strict=True)]
    if not np.allclose([a for a, _ in pairs], [b for _, b in pairs], atol=TOLERANCE):
        raise ValueError("The predictions of two threads differ from those of one thread.")


def _peak_mb(folder: Path) -> float:
    """Peak resident memory in MB of `python -m pneumonia batch` over a folder."""
    with tempfile.TemporaryDirectory() as out:
        # VmHWM, not ru_maxrss, because a process inherits ru_maxrss from its parent.
        code = (
            "import sys; from pneumonia.cli import main; assert main(sys.argv[1:]) == 0; "
            "print(*(line for line in open('/proc/self/status') if line.startswith('VmHWM')))"
        )
        command = [sys.executable, "-c", code, "batch", str(folder), "--out", f"{out}/films.csv"]
        process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return int(process.stdout.split()[-2]) / 1024
