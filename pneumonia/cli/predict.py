"""`predict FILE...`: print one prediction per file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Generator
from contextlib import closing, nullcontext
from pathlib import Path

from .. import batch, load_predictor
from ..errors import DiskFull, UsageError
from ..imaging import Source
from ..inference.decision import LABEL_NAMES, Failure, Prediction
from ..inference.populations import POPULATIONS
from ..inference.predictor import Predictor
from ..messages import Message, join, message, translate
from ..monitoring.recorder import observer
from ..reporting import answer_text
from ..reporting.wording import format_p_pneumonia
from .exit_codes import SOME_FAILED, SUCCESS
from .heatmaps import HeatmapFolder
from .options import Commands, add_age_option, add_decision_options, add_model_option
from .output import printable


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
    add_model_option(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    """Print one result per file; returns 1 if a film failed or its heat map could not be written."""
    failed = 0
    with HeatmapFolder(options.heatmap) if options.heatmap else nullcontext() as heatmaps:
        predictor = load_predictor(options.model)
        predictor.check_options(options.operating_point, options.prevalence, options.age)
        # Closed before the folder, so that no thread writes to it any more.
        with closing(_results(predictor, options, heatmaps)) as results:
            for result in results:
                print(json.dumps(result.as_dict()) if options.json else _format_result(result, options), flush=True)
                failed += isinstance(result, Failure)
    return SOME_FAILED if failed else SUCCESS


def _results(
    predictor: Predictor, options: argparse.Namespace, heatmaps: HeatmapFolder | None
) -> Generator[Prediction | Failure, None, None]:
    """Yield the result of each file, in order. Each film is read and scored once, with a heat map or without.

    Patterns are expanded, because the shells of Windows leave that to the program.
    """
    observe = observer("cli")

    def predict(source: Source, name: str | None) -> tuple[Prediction, Path | None]:
        reading = predictor.read(source, options.age)
        prediction = predictor.decide(reading, options.operating_point, file=name, prevalence=options.prevalence)
        if observe is not None:
            observe(prediction, reading)
        return prediction, heatmaps.write(reading, source) if heatmaps else None

    for result in predictor.map_films(batch.expand_patterns(options.files), predict):
        if isinstance(result, Failure):
            if observe is not None:
                observe(result, None)
            yield result
        else:
            yield _name_heatmap(*result, heatmaps) if heatmaps else result[0]


def _name_heatmap(prediction: Prediction, temporary: Path | None, heatmaps: HeatmapFolder) -> Prediction | Failure:
    """Name the heat map of a film; a film whose heat map cannot be named fails."""
    film = prediction.file or ""
    if temporary is None:
        missing = message("{film}: no heatmap, because the model was not run", film=printable(film))
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
