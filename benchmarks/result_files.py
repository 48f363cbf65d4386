"""Time and size of each kind of result file of one film.

    python -m benchmarks.result_files [--repetitions N] [--film FILE]

Prints a table as Markdown: median processor time of `create_result_files` for the kind alone, its ratio to reading and
scoring the film, and the size of the file. Other programs on the machine do not change processor time much. Without
`--film`, the film is a made one of 2500 x 2000 pixels, 12 bits.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from pneumonia import Predictor, load_predictor
from pneumonia.reporting.dicom.options import ResultOptions
from pneumonia.reporting.result_files import KINDS, create_result_files
from tests.support.dicom_files import dicom
from tests.support.source_films import HOSPITAL, average


def main() -> None:
    """Measure each kind in turn, so that a slow moment of the machine meets all of them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.result_files")
    parser.add_argument("--repetitions", type=int, default=15)
    parser.add_argument("--film", type=Path, help="a DICOM file; by default a made one")
    arguments = parser.parse_args()
    predictor = load_predictor("", threads=1)
    data = arguments.film.read_bytes() if arguments.film else _made_film()
    steps = _steps(predictor, data)
    times: dict[str, list[float]] = {name: [] for name in steps}
    sizes = {name: step() for name, step in steps.items()}  # the first call imports the libraries
    for _ in range(arguments.repetitions):
        for name, step in steps.items():
            start = time.process_time()
            step()
            times[name].append(time.process_time() - start)
    _print({name: statistics.median(values) for name, values in times.items()}, sizes)


def _steps(predictor: Predictor, data: bytes) -> dict[str, Callable[[], int]]:
    """Name -> function that makes the file and returns its size; the first one reads and scores the film."""
    reading = predictor.read(data)
    result = predictor.decide(reading)

    def create(kind: str) -> int:
        (file,) = create_result_files(predictor, data, result, reading, [kind], ResultOptions())
        return len(file.data)

    def score() -> int:
        predictor.decide(predictor.read(data))
        return len(data)

    return {"read and score": score, **{kind: partial(create, kind) for kind in KINDS}}


def _made_film() -> bytes:
    """A film of the tests at the size of a detector."""
    grey = Image.fromarray(average("Pneumonia")).resize((2500, 2000), Image.Resampling.BICUBIC)
    pixels = np.rint(np.asarray(grey, np.float64) * (4095 / 255)).astype(np.uint16)
    return dicom(pixels, **{**HOSPITAL, "BitsStored": 12})


def _print(times: dict[str, float], sizes: dict[str, int]) -> None:
    baseline = next(iter(times.values()))
    print("| file | processor time, ms | ratio to reading and scoring | size, kB |\n|---|---|---|---|")
    for name, seconds in times.items():
        print(f"| {name} | {1000 * seconds:.1f} | {seconds / baseline:.2f} | {sizes[name] / 1000:.0f} |")


if __name__ == "__main__":
    main()
