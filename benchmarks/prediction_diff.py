"""Compare the predictions of two versions of the package, film by film.

    python -m benchmarks.prediction_diff write-inputs inputs/
    python -m benchmarks.prediction_diff record before.jsonl inputs/ films/     # in the checkout of the old version
    python -m benchmarks.prediction_diff record after.jsonl inputs/ films/      # in the checkout of the new version
    python -m benchmarks.prediction_diff compare before.jsonl after.jsonl

A record contains the values that must not change: label, unrounded probability, zones, reason code, error code, number
of warnings. Message texts are not compared. `record` uses only the public Python interface, so that it runs with any
version: `PYTHONPATH=OLD_CHECKOUT python benchmarks/prediction_diff.py record ...`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

Record = dict[str, Any]

HOSTILE_FILES = 4_000
"""Number of hostile files that `write-inputs` writes. Files that need a gigabyte of memory each are left out."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the three commands; returns the exit code."""
    parser = argparse.ArgumentParser("python -m benchmarks.prediction_diff", description=__doc__)
    commands = parser.add_subparsers(required=True, dest="command")
    write = commands.add_parser("write-inputs", help="write hostile files and one film in every DICOM encoding")
    write.add_argument("folder", type=Path)
    recorder = commands.add_parser("record", help="write a record for each file below the paths")
    recorder.add_argument("out", type=Path)
    recorder.add_argument("paths", type=Path, nargs="+")
    comparison = commands.add_parser("compare", help="print all differences; exit code 1 if there is one")
    comparison.add_argument("before", type=Path)
    comparison.add_argument("after", type=Path)
    options = parser.parse_args(arguments)
    if options.command == "write-inputs":
        print(f"{write_inputs(options.folder):,} files in {options.folder}")
        return 0
    if options.command == "record":
        print(f"{record(options.out, options.paths):,} records in {options.out}")
        return 0
    return compare(read(options.before), read(options.after))


def write_inputs(folder: Path) -> int:
    """Write the hostile files and the DICOM encodings of the tests; returns the number of files."""
    from tests.hostile.corpus import corpus
    from tests.support.dicom_encodings import encodings

    files = {f"hostile/{number:05}.bin": hostile for number, hostile in enumerate(corpus(HOSTILE_FILES, heavy=False))}
    for name, hostile in files.items():
        _write(folder / name, hostile.make())
    encoded = encodings()
    for name, data in encoded.items():
        _write(folder / "dicom" / f"{name}.dcm", data)
    return len(files) + len(encoded)


def record(out: Path, paths: Sequence[Path]) -> int:
    """Predict every file below `paths` and write one JSON line for each; returns the number of lines."""
    from pneumonia import load_predictor

    files = [(root, path) for root in paths for path in sorted(root.rglob("*")) if path.is_file()]
    results = load_predictor("").predict_many(path for _, path in files)
    with out.open("w", encoding="utf-8") as lines:
        for (root, path), result in zip(files, results, strict=True):
            name = f"{root.name}/{path.relative_to(root).as_posix()}"
            lines.write(json.dumps({"file": name, **_comparable(result)}) + "\n")
    return len(files)


def read(path: Path) -> dict[str, Record]:
    """Records of a JSON lines file by film name."""
    records = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return {entry.pop("file"): entry for entry in records}


def compare(before: dict[str, Record], after: dict[str, Record]) -> int:
    """Print counts by folder and every difference; returns 0 if all records are equal, else 1."""
    groups: dict[str, Counter[str]] = {}
    differences = list(_differences(before, after))
    different = {name for name, _ in differences}
    for name in before.keys() | after.keys():
        counts = groups.setdefault(
            "/".join(name.split("/")[:2]) if name.count("/") > 1 else name.split("/")[0], Counter()
        )
        counts["files"] += 1
        counts["different"] += name in different
        counts["scored"] += before.get(name, {}).get("probability") is not None
        counts["errors"] += before.get(name, {}).get("error") is not None
    print(f"{'inputs':<28} {'files':>7} {'scored':>7} {'errors':>7} {'different':>9}")
    for group, counts in sorted(groups.items()):
        print(
            f"{group:<28} {counts['files']:>7,} {counts['scored']:>7,} {counts['errors']:>7,} {counts['different']:>9,}"
        )
    for name, text in differences:
        print(f"{name}: {text}")
    print("all records are equal" if not differences else f"{len(differences)} differences")
    return 1 if differences else 0


def _differences(before: dict[str, Record], after: dict[str, Record]) -> Iterator[tuple[str, str]]:
    for name in sorted(before.keys() | after.keys()):
        if name not in before or name not in after:
            yield name, "only in one of the two records"
            continue
        for key in sorted(before[name].keys() | after[name].keys()):
            old, new = before[name].get(key), after[name].get(key)
            if old != new:
                yield name, f"{key}: {old!r} before, {new!r} after"


def _comparable(result: Any) -> Record:
    """The values that must not change between versions. Floats are not rounded; JSON retains all their digits."""
    if hasattr(result, "error"):
        return {"error": result.error.code}
    return {
        "label": result.label,
        "probability": result.probability,
        "zones": result.zones,
        "operating_point": result.operating_point,
        "reason": result.reason.code if result.reason else None,
        "warnings": len(result.warnings),
    }


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


if __name__ == "__main__":
    sys.exit(main())
