"""`predict FILE...`: print one prediction per file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Generator
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path

from .. import batch, load_predictor
from ..command_line import SOME_FAILED, SUCCESS
from ..errors import DiskFull, UsageError
from ..imaging import Source
from ..inference.decision import LABEL_NAMES, Failure, Prediction
from ..inference.populations import POPULATIONS
from ..inference.predictor import Predictor
from ..messages import Message, join, message, translate
from ..monitoring.recorder import observer
from ..reporting import answer_text
from ..reporting.wording import format_p_pneumonia
from . import result_folders
from .heatmaps import HeatmapFolder
from .options import Commands, add_age_option, add_decision_options, add_model_option
from .output import printable
from .result_folders import ResultFolders, WrittenFiles, open_folders, read_and_decide, report_missing
from .result_names import stem_of


def add_parser(commands: Commands) -> argparse.ArgumentParser:
    """Add the command and its options to the parser."""
    parser = commands.add_parser("predict", help="predict one or more files")
    parser.add_argument("files", nargs="+", metavar="FILE", help="image or DICOM file, or quoted pattern")
    parser.add_argument("--json", action="store_true", help="print one JSON object per line and nothing else on stdout")
    add_decision_options(parser)
    add_age_option(parser)
    parser.add_argument(
        "--heatmap", type=Path, metavar="DIR", help="also write one PNG per film with its activation map"
    )
    result_folders.add_options(parser)
    add_model_option(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    """Print one result per file; returns 1 if a film failed, or its heat map or a result file could not be written."""
    failed = 0
    with (
        HeatmapFolder(options.heatmap) if options.heatmap else nullcontext() as heatmaps,
        open_folders(options) as folders,
    ):
        predictor = load_predictor(options.model)
        predictor.check_options(options.operating_point, options.prevalence, options.age)
        # Closed before the folders, so that no thread writes to them any more.
        with closing(_results(predictor, options, heatmaps, folders)) as results:
            for result in results:
                print(json.dumps(result.as_dict()) if options.json else _format_result(result, options), flush=True)
                failed += isinstance(result, Failure)
            failed += folders.errors if folders else 0
    return SOME_FAILED if failed else SUCCESS


@dataclass(frozen=True)
class _Output:
    """The result of a film, and its files under temporary names."""

    result: Prediction | Failure
    heatmap: Path | None
    files: WrittenFiles | None


def _results(
    predictor: Predictor,
    options: argparse.Namespace,
    heatmaps: HeatmapFolder | None,
    folders: ResultFolders | None,
) -> Generator[Prediction | Failure, None, None]:
    """Yield the result of each file, in order. Each film is read and scored once, whatever files are written for it.

    Patterns are expanded, because the shells of Windows leave that to the program.
    """
    observe = observer("cli")

    def predict(source: Source, name: str | None) -> _Output:
        result, reading = read_and_decide(predictor, options, source, name, observe)
        heatmap = heatmaps.write(reading, source) if heatmaps and reading else None
        return _Output(result, heatmap, folders.write(predictor, source, result, reading) if folders else None)

    for output in predictor.map_films(batch.expand_patterns(options.files), predict):
        if isinstance(output, Failure):  # the film was not read, or a file of it not written
            yield output
            continue
        result = output.result
        if heatmaps and isinstance(result, Prediction):
            result = _name_heatmap(result, output.heatmap, heatmaps)
        if folders and output.files:
            result = _name_files(result, output.files, folders)
        yield result


def _name_files(result: Prediction | Failure, files: WrittenFiles, folders: ResultFolders) -> Prediction | Failure:
    """Name the result files of a film; a film whose files cannot be named fails."""
    film = result.file or ""
    report_missing(film, files)
    try:
        stem = stem_of(film)
        folders.publish(files, stem, folders.number(stem))
    except (DiskFull, UsageError) as error:
        return Failure(film, error)
    return result


def _name_heatmap(prediction: Prediction, temporary: Path | None, heatmaps: HeatmapFolder) -> Prediction | Failure:
    """Name the heat map of a film; a film whose heat map cannot be named fails."""
    film = prediction.file or ""
    if temporary is None:
        missing = message("{film}: no heatmap, because there is no answer", film=printable(film))
        print(translate(missing), file=sys.stderr)
        return prediction
    try:
        heatmaps.publish(temporary, film)
    except (DiskFull, UsageError) as error:
        return Failure(film, error)
    return prediction


def _format_result(result: Prediction | Failure, options: argparse.Namespace) -> str:
    name = printable(result.file or "")
    if isinstance(result, Failure):
        return f"{name}: {result.error.code}: {translate(result.error.message)}"
    label = LABEL_NAMES[result.label]
    answer = [label] if result.probability is None else [join([label, ","], ""), format_p_pneumonia(result)]
    reason = [result.reason.message] if result.reason else []
    meaning = [] if options.prevalence is None else list(filter(None, _at_prevalence(result)))
    return translate(join([f"{name}:", *answer, *_population(result), *reason, *meaning, *result.warnings], " "))


def _at_prevalence(prediction: Prediction) -> list[str]:
    """What the answer means at the requested prevalence."""
    return [answer_text.describe_film(prediction), answer_text.describe_frequency(prediction)]


def _population(prediction: Prediction) -> list[str]:
    """Which model answered; empty if the film was not scored."""
    return [] if prediction.population is None else [_model_for(prediction.population)]


def _model_for(population: str) -> Message:
    return message("(model for {patients}).", patients=POPULATIONS[population].description)
