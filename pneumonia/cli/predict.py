"""`predict FILE...`: print one prediction per file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from .. import load_predictor
from ..errors import UsageError
from ..inference.decision import Failure, Prediction
from ..inference.predictor import Predictor
from .exit_codes import SOME_FAILED, SUCCESS
from .options import Commands, add_decision_options, add_model_option


def add_parser(commands: Commands) -> argparse.ArgumentParser:
    """Add the command and its options to the parser."""
    parser = commands.add_parser("predict", help="predict one or more files")
    parser.add_argument("files", nargs="+", metavar="FILE", help="image or DICOM file")
    parser.add_argument("--json", action="store_true", help="print one JSON object per line and nothing else on stdout")
    add_decision_options(parser)
    parser.add_argument(
        "--heatmap", type=Path, metavar="DIR", help="also write one PNG per film with its activation map"
    )
    add_model_option(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    """Print one result per file; returns 1 if a file failed."""
    if options.heatmap:
        _create_folder(options.heatmap)
    predictor = load_predictor(options.model)
    failed = 0
    results = predictor.predict_many(options.files, options.operating_point, prevalence=options.prevalence)
    for path, result in zip(options.files, results, strict=True):
        print(json.dumps(result.as_dict()) if options.json else _format_result(result), flush=True)
        failed += isinstance(result, Failure)
        if options.heatmap and isinstance(result, Prediction):
            _write_heatmap(predictor, path, options.heatmap)
    return SOME_FAILED if failed else SUCCESS


def _format_result(result: Prediction | Failure) -> str:
    if isinstance(result, Failure):
        return f"{result.file}: {result.error.code}: {result.error.message}"
    confidence = "" if result.confidence is None else f" {100 * result.confidence:.0f} %"
    reason = [result.reason.message] if result.reason else []
    return " ".join([f"{result.file}: {result.label}{confidence}", *reason, *result.warnings])


def _create_folder(folder: Path) -> None:
    """Create the folder before the first prediction, so that an invalid one is reported before any work is done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"The folder cannot be created: {error.strerror}. Received: {folder}.") from None


def _write_heatmap(predictor: Predictor, path: str, folder: Path) -> None:
    """Write the film with its activation map; the heatmaps of films with the same name are numbered."""
    from ..inference import explain

    reading = predictor.read(path)
    if reading.activation is None:
        print(f"{path}: no heatmap, because the model was not run", file=sys.stderr)
        return
    target = next(target for target in _heatmap_paths(folder / Path(path).stem) if not target.exists())
    explain.overlay(reading.display(path), reading.activation).save(target)


def _heatmap_paths(stem: Path) -> Iterator[Path]:
    """Yield the possible paths of a heatmap: without a number, then numbered from 2."""
    yield stem.with_name(f"{stem.name}.heatmap.png")
    for index in count(2):
        yield stem.with_name(f"{stem.name}-{index}.heatmap.png")
