"""Scores and gate measures of the card's test films, with which a site compares those of its own films.

python -m pneumonia.evaluation.reference_scores --data data --json reference.json

`python -m pneumonia.evaluation.release ... --reference reference.json` adds them to `evaluation.json` as
`reference_scores`. The file has an entry for each model.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import files
from ..command_line import entry_point
from .reference_measures import DISTANCE, KEY, RESEMBLANCE, gate_measures

Json = dict[str, Any]


def measure(model: Any, inputs: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64]) -> Json:
    """The entry for films with inputs `[N, 150, 150]` and labels `[N]`: sorted values by class and by measure.

    `probability`: calibrated P(pneumonia) of the films of each class that are answered; `resemblance` and
    `distance`: of all films.
    """
    from .external import identity

    measures: dict[str, list[float]] = {RESEMBLANCE: [], DISTANCE: []}
    probability: dict[int, list[float]] = {0: [], 1: []}
    for film, label in zip(inputs, labels, strict=True):
        input_image = np.repeat(film[:, :, None], 3, axis=2)
        for name, value in gate_measures(model.gate, input_image).items():
            measures[name].append(value)
        score = model.score(input_image)
        if model.refusal(input_image, score) is None:
            probability[int(label)].append(score.probability)
    return {
        "model": identity(model.bundle.config),
        "films": len(labels),
        "probability": {"Normal": _sorted(probability[0], 4), "Pneumonia": _sorted(probability[1], 4)},
        **{name: _sorted(values, 3) for name, values in measures.items()},
    }


def _sorted(values: Sequence[float], digits: int) -> list[float]:
    return [round(value, digits) for value in sorted(values)]


@entry_point
def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the test films of each model and write the entries; returns the exit code (2 after an error)."""
    from ..inference.predictor import load_predictor
    from .official import load_test_films

    parser = argparse.ArgumentParser("python -m pneumonia.evaluation.reference_scores", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the test films of the populations")
    parser.add_argument("--json", type=Path, required=True, metavar="FILE", help="file to write, for the release")
    parser.add_argument("--model", metavar="M", help="model bundles; default: PNEUMONIA_MODEL")
    options = parser.parse_args(arguments)
    entries = {}
    for model in load_predictor(options.model, site="").models:
        films = load_test_films(model, options.data)
        entries[model.population.name] = measure(model, films.inputs, films.labels)
        print(f"{model.population.name}: {len(films.films):,} films")
    files.atomic_write(options.json, (json.dumps({KEY: entries}) + "\n").encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
