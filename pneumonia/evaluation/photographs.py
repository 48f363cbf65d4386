"""Photograph audit: answers for simulated photographs of films, compared with those for the films.

python -m pneumonia.evaluation.photographs --data chest_xray --split train --count 200
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from .. import load_predictor
from ..command_line import entry_point
from ..inference.decision import CLASSES, Failure, Prediction
from ..inference.predictor import Predictor
from .dataset import SPLITS
from .frames import is_refused, load_displays, outcome
from .number_format import share
from .simulated_frames import Grey
from .simulated_photographs import SCENES, STRENGTHS, photograph
from .table import Table


@dataclass(frozen=True)
class PhotographResult:
    """Numbers of films by the answer for their photograph.

    `answered`: scored. `changed`: scored, with another label than the film. `missed`: Pneumonia as a film, Normal as a
    photograph. `warned`: scored, with a warning that the film alone does not have.
    """

    films: int
    answered: int
    changed: int
    missed: int
    warned: int


def compare(
    predictor: Predictor, films: Sequence[Grey], before: Sequence[Prediction | Failure], scene: str, strength: str
) -> PhotographResult:
    """Compare the answers `before` for films `[H, W]` with those for photographs; keys of `SCENES`, `STRENGTHS`."""
    photographs = (photograph(film, scene, STRENGTHS[strength], seed) for seed, film in enumerate(films))
    pairs = list(zip(before, predictor.predict_many(photographs), strict=True))
    answered = [(one, other) for one, other in pairs if not is_refused(other)]
    return PhotographResult(
        films=len(pairs),
        answered=len(answered),
        changed=sum(outcome(one) != outcome(other) for one, other in answered),
        missed=sum(outcome(one) == CLASSES[1] and outcome(other) == CLASSES[0] for one, other in answered),
        warned=sum(isinstance(other, Prediction) and bool(other.warnings) for _, other in answered),
    )


def _row(scene: str, strength: str, result: PhotographResult) -> list[str]:
    answered = share(result.answered / result.films)
    refused = share(1 - result.answered / result.films)
    return [f"{scene}, {strength}", answered, refused, *map(str, (result.changed, result.missed, result.warned))]


@entry_point
def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table as Markdown; returns the exit code (2 after an error)."""
    parser = argparse.ArgumentParser("python -m pneumonia.evaluation.photographs", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="films in Kaggle's layout")
    parser.add_argument("--split", choices=SPLITS, default="train", help="default: train")
    parser.add_argument("--count", type=int, metavar="N", help="number of films; default: all")
    parser.add_argument("--model", metavar="M", help="model bundle; default: PNEUMONIA_MODEL")
    options = parser.parse_args(arguments)
    predictor = load_predictor(options.model)
    films = load_displays(options.data, options.split, options.count)
    before = list(predictor.predict_many(films))
    settings = [(scene, strength) for scene in SCENES for strength in STRENGTHS]
    rows = [
        _row(scene, strength, compare(predictor, films, before, scene, strength))
        for scene, strength in tqdm(settings, "photographs", disable=None)
    ]
    columns = ["photograph", "answered", "refused", "label changed", "Pneumonia to Normal", "answered with a warning"]
    print(f"{len(films):,} films.\n\n{Table('Photographs of films', columns, rows).to_markdown()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
