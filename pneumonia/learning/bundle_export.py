"""From the trained network to the files of a model bundle: graph, gate, Keras model, example images, config."""

from __future__ import annotations

import io
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from PIL import Image

from .. import files
from ..evaluation.dataset import FilmSet
from ..evaluation.operating_points import calibrate, operating_points
from ..evaluation.perturbations import UNCHANGED
from ..imaging import INPUT_SIDE
from ..inference import bundle
from ..inference.decision import CLASSES, Calibration, OperatingPoint
from ..inference.gate import Gate
from ..inference.gate_views import thumbnails
from ..inference.graph import Graph
from . import provenance
from .export import check_against_keras, serving_model, to_litert
from .gate_fit import fit_gate
from .train_args import TrainArgs
from .validation_scores import Scores, score_validation

TYPICAL_FILM_COUNT = 64
"""So many films, the nearest to their class's mean, are averaged for an example."""

CHECKED_FILM_COUNT = 16
"""So many validation films must score the same in Keras and in the served graph."""


def export_bundle(
    args: TrainArgs, network: keras.Model, train: FilmSet, validation: FilmSet, fingerprint: str, out: Path
) -> dict[str, Any]:
    """Write graph, gate, Keras model and examples; returns the config with what validation chose.

    `fingerprint` is that of the whole data set. `config.json` is written with the evaluation.
    """
    graph = _convert(network, validation)
    scores, validation_metrics = score_validation(network, validation)
    calibration, points = _choose_thresholds(validation, scores)
    gate = fit_gate(train.inputs, validation.inputs)
    files.atomic_write(out / bundle.GRAPH, graph)
    files.atomic_write(out / bundle.GATE, gate.to_bytes())
    with files.atomic_path(out / bundle.KERAS) as partial:
        network.save(partial)
    _write_examples(train, out / bundle.EXAMPLES)
    data = {"films": len(train.films) + len(validation.films), "fingerprint": fingerprint}
    return _config(args, calibration, points, validation_metrics, gate, data)


def _convert(network: keras.Model, validation: FilmSet) -> bytes:
    """The served graph, compared with Keras on some of the validation films."""
    model = serving_model(network)
    graph = to_litert(model)
    difference = check_against_keras(model, Graph(graph, 1), validation.inputs[:CHECKED_FILM_COUNT])
    print(f"the served graph equals Keras within {difference:.1e}")
    return graph


def _choose_thresholds(
    validation: FilmSet, scores: Mapping[str, Scores]
) -> tuple[Calibration, dict[str, OperatingPoint]]:
    """Calibration from the unperturbed films, operating points from the films under all perturbations."""
    calibration = calibrate(validation.labels, scores[UNCHANGED])
    labels = np.tile(validation.labels, len(scores))
    probability = np.array([calibration.probability(float(score)) for score in np.concatenate([*scores.values()])])
    return calibration, operating_points(labels, probability, calibration.prevalence)


def _config(
    args: TrainArgs,
    calibration: Calibration,
    points: Mapping[str, OperatingPoint],
    validation_metrics: Mapping[str, Any],
    gate: Gate,
    data: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        "recipe": args.recipe.name,
        "protocol": args.protocol,
        "seed": args.seed,
        "revision": args.revision,
        "classes": list(CLASSES),
        "input": {"shape": [INPUT_SIDE, INPUT_SIDE, 3], "range": [0, 255], "resize": "Pillow bilinear, antialiased"},
        "calibration": vars(calibration),
        "operating_points": {name: vars(point) for name, point in points.items()},
        "validation": validation_metrics,
        "gate": {
            view: {name: vars(limit) for name, limit in subspace.limits.items()}
            for view, subspace in gate.subspaces.items()
        },
        "versions": provenance.versions(),
        "data": data,
    }


def _write_examples(films: FilmSet, folder: Path) -> None:
    """The mean of each class's most typical films: nobody's film, and still sharp enough to be one.

    The mean of all films of a class is so soft that it is no fair example: see `docs/experiments.md`.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for label, class_name in enumerate(CLASSES):
        members = films.inputs[films.labels == label]
        features = thumbnails(members)
        distances = np.square(features - features.mean(axis=0)).sum(axis=1)
        nearest = np.argsort(distances, kind="stable")[:TYPICAL_FILM_COUNT]
        mean = np.rint(members[nearest].mean(axis=0)).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(mean).save(buffer, "PNG", optimize=True)
        name = f"average-of-{len(nearest)}-typical-{class_name.lower()}-films.png"
        files.atomic_write(folder / name, buffer.getvalue())
