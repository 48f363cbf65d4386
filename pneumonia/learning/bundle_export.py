"""Export of a trained network as the files of a model bundle: graph, gate, Keras model, example images, config."""

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
"""Number of films averaged for an example image: those nearest to the mean of their class."""

CHECKED_FILM_COUNT = 16
"""Number of validation films on which the served graph is compared with Keras."""


def export_bundle(
    args: TrainArgs, network: keras.Model, train: FilmSet, validation: FilmSet, fingerprint: str, out: Path
) -> dict[str, Any]:
    """Write graph, gate, Keras model and example images to `out`; returns the config.

    Calibration, operating points and gate limits in the config are chosen on the validation films. `fingerprint`
    identifies the whole data set. The caller writes `config.json` after the evaluation, because it contains the hashes
    of all files. Raises `ValueError` if the graph differs from Keras, and `DiskFull`.
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
    """Convert the network to a LiteRT flatbuffer and compare it with Keras on some of the validation films."""
    model = serving_model(network)
    graph = to_litert(model)
    difference = check_against_keras(model, Graph(graph, 1), validation.inputs[:CHECKED_FILM_COUNT])
    print(f"largest difference between the served graph and Keras: {difference:.1e}")
    return graph


def _choose_thresholds(
    validation: FilmSet, scores: Mapping[str, Scores]
) -> tuple[Calibration, dict[str, OperatingPoint]]:
    """Platt scaling fitted on the unperturbed films, operating points chosen on the films under all perturbations.

    A calibration that is also fitted on perturbed films has a larger calibration error: see `docs/experiments.md`.
    """
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
        "gate": {view: {name: vars(limit) for name, limit in limits.items()} for view, limits in gate.limits.items()},
        "versions": provenance.versions(),
        "data": data,
    }


def _write_examples(films: FilmSet, folder: Path) -> None:
    """Write one example image per class: the mean of its most typical training films.

    The image is as sharp as a film but shows no patient. The mean of all films of a class would be too blurred for a
    fair example: see `docs/experiments.md`.
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
