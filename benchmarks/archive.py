"""Throughput of `archive` with one and with two workers, and compared with `batch`, which does not use Ray.

    python -m benchmarks.archive --data chest_xray [--films 2000] [--rounds 3] [--json FILE]

It uses films of the training folder in their original size, and enlarged to the size of a detector as JPEG and as
uncompressed DICOM. The runs of a round alternate, and ratios are computed within a round, so that other load on the
machine affects both sides.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from pneumonia import settings
from pneumonia.command_line import entry_point
from pneumonia.errors import UsageError
from pneumonia.evaluation import dataset

ROOT = Path(__file__).parents[1]

DETECTOR = (2_500, 2_048)
"""Width and height of a digital detector's image in pixels."""

NOISE_SD = 6.0
"""Standard deviation, in grey levels, of the noise that is added to enlarged films. Without it the files would be
smaller than real ones and decoded faster."""

FILMS, ROUNDS, SEED = 2_000, 3, 1
"""Default number of films, number of rounds, and seed of the choice of films and of their noise."""

Grey = npt.NDArray[np.uint8]


def write_jpeg(film: Grey, path: Path) -> Path:
    """Write a film as JPEG of quality 90; returns the path with its suffix."""
    path = path.with_suffix(".jpg")
    Image.fromarray(film).save(path, quality=90)
    return path


def write_dicom(film: Grey, path: Path) -> Path:
    """Write a film as uncompressed DICOM with 12 of 16 bits, as most archives deliver it; returns the path."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    dataset.Rows, dataset.Columns = film.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.Modality = 1, "MONOCHROME2", "DX"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.PixelData = (film.astype("<u2") * 16).tobytes()
    path = path.with_suffix(".dcm")
    dataset.save_as(path, enforce_file_format=True)
    return path


LARGE: dict[str, Callable[[Grey, Path], Path]] = {
    "2,500 x 2,048 JPEG": write_jpeg,
    "2,500 x 2,048 DICOM, uncompressed": write_dicom,
}


def enlarge(source: Path, generator: np.random.Generator) -> Grey:
    """The film of a file, enlarged to `DETECTOR` pixels, with noise."""
    with Image.open(source) as image:
        large = np.asarray(image.convert("L").resize(DETECTOR, Image.Resampling.BICUBIC), dtype=np.float32)
    grain = generator.standard_normal(large.shape, np.float32) * NOISE_SD
    return np.clip(large + grain, 0, 255).astype(np.uint8)


def write_films(sources: list[Path], folder: Path, kind: str) -> list[Path]:
    """Write the films of a kind and return their paths.

    Of a large kind, only a tenth of the films is written, each under ten names (hard links), to save disk space.
    """
    if kind not in LARGE:
        return sources
    generator = np.random.default_rng(SEED)
    paths = []
    for number, source in enumerate(sources[: max(1, len(sources) // 10)]):
        path = LARGE[kind](enlarge(source, generator), folder / str(number))
        copies = [path.with_stem(f"{path.stem}-{copy}") for copy in range(9)]
        for copy in copies:
            copy.hardlink_to(path)
        paths += [path, *copies]
    return paths


def measure_archive(paths: list[Path], workers: int) -> tuple[float, float]:
    """Run `archive`; returns (films per second once all workers are running, seconds of the whole command)."""
    with tempfile.TemporaryDirectory() as folder:
        path_list, out = Path(folder, "list.parquet"), Path(folder, "out")
        pq.write_table(pa.table({"path": list(map(str, paths))}), path_list)
        seconds = _command_seconds("archive", path_list, "--out", out, "--workers", workers)
        parts = sorted((path.stat().st_mtime, pq.read_metadata(path).num_rows) for path in out.glob("rows/*.parquet"))
    steady = parts[workers:]
    return sum(rows for _, rows in steady) / (steady[-1][0] - parts[workers - 1][0]), seconds


def measure_batch(paths: list[Path], workers: int) -> float:
    """Films per second of `batch`, without the start of the command, which is timed with one film."""
    with tempfile.TemporaryDirectory() as folder:
        one_film_s = _command_seconds("batch", paths[0], "--out", Path(folder, "one.csv"), "--workers", workers)
        all_films_s = _command_seconds("batch", *paths, "--out", Path(folder, "all.csv"), "--workers", workers)
    return (len(paths) - 1) / (all_films_s - one_film_s)


def _command_seconds(*arguments: object) -> float:
    started_at = time.perf_counter()
    process = subprocess.run(
        [sys.executable, "-m", "pneumonia", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True
    )
    if process.returncode == 2:
        raise UsageError(f"The command failed: {process.stderr.strip().splitlines()[-1]}")
    return time.perf_counter() - started_at


def measure(paths: list[Path], rounds: int) -> dict[str, float]:
    """Median of each figure over the rounds.

    `one`, `two`: films per second with one and two workers. `scaling`: their ratio. `batch`: ratio to `batch`. `start`:
    seconds of the command in which no film is processed.
    """
    figures: dict[str, list[float]] = {}
    for _ in range(rounds):
        one_worker_rate, _ = measure_archive(paths, 1)
        two_worker_rate, total_s = measure_archive(paths, 2)
        batch_rate = measure_batch(paths, 2)
        round_figures = {
            "one": one_worker_rate,
            "two": two_worker_rate,
            "scaling": two_worker_rate / one_worker_rate,
            "batch": two_worker_rate / batch_rate,
            "start": total_s - len(paths) / two_worker_rate,
        }
        for name, value in round_figures.items():
            figures.setdefault(name, []).append(value)
    return {name: statistics.median(values) for name, values in figures.items()}


def as_markdown(figures: dict[str, dict[str, float]]) -> str:
    """The table of docs/archive.md."""
    head = ["film", "films per second, 1 worker", "2 workers", "2 : 1", "archive : batch, 2 cores", "start and end, s"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for kind, medians in figures.items():
        rates = f"{medians['one']:.1f} | {medians['two']:.1f} | {medians['scaling']:.2f} | {medians['batch']:.2f}"
        lines.append(f"| {kind} | {rates} | {medians['start']:.0f} |")
    return "\n".join(lines)


def run(root: Path, count: int, rounds: int) -> dict[str, dict[str, float]]:
    """Figures of each kind of film, measured on `count` films of the training folder below `root`."""
    paths = [film.path for film in dataset.list_films(root, ("train",))]
    order = np.random.default_rng(SEED).permutation(len(paths))[:count]
    sources = [paths[index] for index in order]
    figures = {}
    for kind in ("224 x 224 JPEG, as they are", *LARGE):
        with tempfile.TemporaryDirectory() as folder:
            figures[kind] = measure(write_films(sources, Path(folder), kind), rounds)
    return figures


@entry_point
def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Measure the throughput of `archive` with one and two workers, and compare it with `batch`."
    )
    parser.add_argument(
        "--data", type=Path, help="folder with train/NORMAL and train/PNEUMONIA; default: PNEUMONIA_DATA"
    )
    parser.add_argument("--films", type=int, default=FILMS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args(arguments)
    data: str = settings.DATA.read()
    if not options.data and not data:
        raise UsageError("No films. Allowed: --data DIR, or PNEUMONIA_DATA. Received: neither.")
    figures: dict[str, Any] = run(options.data or Path(data), options.films, options.rounds)
    print(as_markdown(figures))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
