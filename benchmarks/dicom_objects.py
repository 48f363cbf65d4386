"""Validators of other projects on the result objects of many films.

    python -m benchmarks.dicom_objects [--every N] [--keep DIR]

Makes structured report, secondary capture, presentation state and encapsulated PDF of each film of
`tests.support.result_corpus`, and runs `dciodvfy` (dicom3tools) on each, and the program of DCMTK that reads its kind:
`dsrdump`, `dcmj2pnm`, `dcmpschk`, `dcm2pdf`. Prints a table as Markdown and each error; exits with 1 if there is one.
`--every N` takes each N-th film of a group only, `--keep DIR` keeps the objects with an error.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks import dcmtk
from pneumonia import load_predictor
from pneumonia.imaging.process_hardening import harden_process
from pneumonia.reporting.result_files import FHIR, KINDS, ResultFile, create_result_files
from tests.support.result_corpus import CorpusFilm, corpus

DICOM_KINDS = [kind for kind in KINDS if kind != FHIR]
READERS = {
    "dicom-sr": ("dsrdump", "{object}"),
    "secondary-capture": ("dcmj2pnm", "--write-raw-pnm", "{object}", "{object}.ppm"),
    "presentation-state": ("dcmpschk", "{object}"),
    "encapsulated-pdf": ("dcm2pdf", "{object}", "{object}.pdf"),
}
"""Kind -> program of DCMTK with its arguments."""

GREYSCALE_STATE = "1.2.840.10008.5.1.4.1.1.11.1"
"""The only class of presentation states that `dcmpschk` knows."""

STANDARD_ROOT = "1.2.840.10008."
"""Root of the standard's classes; `dsrdump` refuses a report on an image of a private class."""


@dataclass(frozen=True)
class Check:
    """The object of a film, and what the validators say against it."""

    group: str
    name: str
    kind: str
    errors: list[str]
    warnings: int


def main() -> int:
    """Make and check the objects; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dicom_objects")
    parser.add_argument("--every", type=int, default=1, metavar="N")
    parser.add_argument("--keep", type=Path, metavar="DIR")
    arguments = parser.parse_args()
    missing = [name for name in ("dciodvfy", *(row[0] for row in READERS.values())) if dcmtk.find_program(name) is None]
    if missing:
        print(f"missing: {', '.join(missing)}; apt-get install dcmtk dicom3tools", file=sys.stderr)
        return 2
    harden_process()
    checks = list(check_corpus(arguments.every, arguments.keep))
    print_table(checks)
    for check in checks:
        for error in check.errors:
            print(f"{check.group}: {check.name}: {check.kind}: {error}", file=sys.stderr)
    return int(any(check.errors for check in checks))


def check_corpus(every: int = 1, keep: Path | None = None) -> Iterator[Check]:
    """Make and check the objects of each `every`-th film; `keep` is a folder for those with an error."""
    predictor = load_predictor("", threads=1)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        for number, entry in enumerate(corpus(predictor, every)):
            film = entry.film
            files = create_result_files(
                predictor,
                film.data,
                film.result,
                film.reading,
                DICOM_KINDS,
                film.options,
                created_at=film.created_at,
            )
            paths = [Path(folder) / f"{number}{file.name_suffix}" for file in files]
            for check, path in zip(pool.map(_check, [entry] * len(files), files, paths), paths, strict=True):
                if check.errors and keep is not None:
                    keep.mkdir(parents=True, exist_ok=True)
                    shutil.copy(path, keep / path.name)
                path.unlink()
                yield check


def _check(film: CorpusFilm, file: ResultFile, path: Path) -> Check:
    path.write_bytes(file.data)
    process = _run("dciodvfy", "-new", str(path))
    lines = (process.stdout + process.stderr).splitlines()
    errors = [line for line in lines if line.startswith("Error")]
    if _is_known(film, file):
        program, *arguments = READERS[file.kind]
        reading = _run(program, *(argument.format(object=path) for argument in arguments))
        if reading.returncode != 0:
            errors.append(f"{program}: {reading.stderr.strip()[:200]}")
    for path_of_reader in path.parent.glob(f"{path.name}.*"):
        path_of_reader.unlink()
    return Check(film.group, film.name, file.kind, errors, sum(line.startswith("Warning") for line in lines))


def _is_known(film: CorpusFilm, file: ResultFile) -> bool:
    """Whether the program of DCMTK knows the class of the object, and in a report the class of the film."""
    if file.kind == "presentation-state":
        return file.sop_class_uid == GREYSCALE_STATE
    return file.kind != "dicom-sr" or film.film.source.sop_class_uid.startswith(STANDARD_ROOT)


def _run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = dcmtk.find_program(name)
    assert program is not None
    return subprocess.run([program, *arguments], capture_output=True, encoding="utf-8", errors="replace", timeout=60)


def print_table(checks: list[Check]) -> None:
    """Print films, objects of each kind, and errors by group as Markdown."""
    groups = list(dict.fromkeys(check.group for check in checks))
    print(f"| films | number | {' | '.join(DICOM_KINDS)} | errors |")
    print(f"|---|---|{'---|' * len(DICOM_KINDS)}---|")
    for group in groups:
        print(_row(group, [check for check in checks if check.group == group]))
    print(_row("all", checks))


def _row(name: str, checks: list[Check]) -> str:
    kinds = Counter(check.kind for check in checks)
    films = len({(check.group, check.name) for check in checks})
    errors = sum(len(check.errors) for check in checks)
    return f"| {name} | {films} | {' | '.join(str(kinds[kind]) for kind in DICOM_KINDS)} | {errors} |"


if __name__ == "__main__":
    sys.exit(main())
