"""`python -m tests.hostile.fuzz --seconds 600`: coverage-guided fuzzing (atheris, libFuzzer).

It instruments the Python code of pydicom, of Pillow's readers and of `pneumonia`. Inputs that fail are written to
`--finds`, to be added to the corpus. Decoders of compressed DICOM frames run in separate processes; they receive its
inputs too, but are not instrumented.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["pydicom", "PIL", "pneumonia"], enable_loader_override=False):
    for reader in ("Bmp", "Jpeg", "Png", "Tiff", "WebP"):
        importlib.import_module(f"PIL.{reader}ImagePlugin")
    # Otherwise `imaging` imports it with the first DICOM file, after instrumentation.
    importlib.import_module("pneumonia.imaging.dicom.reader")
    from pneumonia import PneumoniaError, imaging
    from pneumonia.errors import FilmError
    from pneumonia.imaging.process_hardening import harden_process

from . import corpus, films
from .verdict import leaks_details

SMALL = 64_000
"""Maximum bytes of an input: many more short inputs than long ones can be tried in the same time."""


def fuzz_one(data: bytes) -> None:
    """Read one input; anything but a film or a `FilmError` is a failure and ends the fuzzer."""
    try:
        imaging.to_input(imaging.read(bytes(data)))
    except PneumoniaError as error:
        if not isinstance(error, FilmError) or leaks_details(error.message):
            raise AssertionError(f"{error.code}: {error.message}") from error


def main() -> None:
    parser = argparse.ArgumentParser("python -m tests.hostile.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--finds", type=Path, default=Path("fuzz-finds"), help="folder for inputs that fail")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.finds.mkdir(parents=True, exist_ok=True)
    harden_process()
    logging.getLogger("pneumonia").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        _write_seed_corpus(Path(folder))
        arguments = [f"-max_total_time={options.seconds}", f"-artifact_prefix={options.finds}/", "-print_final_stats=1"]
        limits = [
            "-rss_limit_mb=2500",
            "-timeout=60",
            "-report_slow_units=60",
            f"-max_len={SMALL}",
            f"-seed={options.seed}",
        ]
        atheris.Setup([sys.argv[0], folder, *arguments, *limits], fuzz_one)
        atheris.Fuzz()


def _write_seed_corpus(folder: Path) -> None:
    """Write the initial inputs: intact films, and the short files of the corpus."""
    for name, whole in films.whole().items():
        (folder / name).write_bytes(whole[:SMALL])
    for number, hostile in enumerate(corpus.corpus(1_000, heavy=False)):
        data = hostile.make()
        if len(data) <= SMALL and not hostile.is_zip:
            (folder / str(number)).write_bytes(data)


if __name__ == "__main__":
    main()
