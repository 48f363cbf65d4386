"""Export of a trained network as the files of a model bundle: graph, gate, Keras model, example images, config."""

from __future__ import annotations

import io
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from PIL import Image

from .. import files
from ..evaluation.dataset import FilmSet
from ..evaluation.licences import LUNG_MASKS, licence_of
from ..evaluation.lung_edges import choose_limits, measure_films
from ..imaging import INPUT_SIDE
from ..inference import bundle
from ..inference.decision import CLASSES
from ..inference.gate import Gate
from ..inference.gate_views import thumbnails
from ..inference.graph import Graph
from . import provenance
from .export import check_against_keras, serving_model, to_litert
from .gate_fit import fit_gate
from .gate_others import gate_others
from .held_out_scores import read_held_out_scores
from .lung_targets import DRAWN, PREDICTED
from .run_films import SplitFilms
from .threshold_choice import Thresholds, choose_thresholds
from .train_args import TrainArgs
from .validation_scores import score_validation

TYPICAL_FILM_COUNT = 64
"""Number of films averaged for an example image: those nearest to the mean of their class."""

CHECKED_FILM_COUNT = 16
"""Number of validation films on which the served graph is compared with Keras."""


@dataclass(frozen=True)
class Origin:
    """The films from which a model was made."""

    films: SplitFilms
    fingerprint: str
    """Fingerprint of all films of the run."""
    lung_target_kind: str | None
    """`LungTargets.kind`; None for a network without a lung head."""

    @property
    def sources(self) -> set[str]:
        """Sources of all films and masks from which network, thresholds and gate were made: their terms apply.

        The embedded model's lung fields were learnt from the drawn masks.
        """
        film_sources = {*self.films.train_counts, *self.films.validation.sources.tolist()}
        if self.films.gate_others is not None:
            film_sources |= set(self.films.gate_others.sources.tolist())
        return film_sources | {LUNG_MASKS} if self.lung_target_kind in {DRAWN, PREDICTED} else film_sources


def export_bundle(args: TrainArgs, network: keras.Model, origin: Origin, out: Path) -> dict[str, Any]:
    """Write graph, gate, Keras model and example images to `out`; returns the config.

    Calibration, operating points and limits of the gate in the config are chosen on the validation films, the limits of
    the lung field on these and the training films. The caller writes `config.json` after the evaluation, because it
    contains the hashes of all files. Raises `ValueError` if the graph differs from Keras, and `DiskFull`.
    """
    train, validation = origin.films.train, origin.films.validation
    graph = _convert(network, validation)
    scores, validation_metrics = score_validation(network, validation)
    held_out = read_held_out_scores(args.calibrate_on)
    thresholds = choose_thresholds(
        validation,
        scores,
        balanced=args.recipe.balanced_calibration,
        max_undecided=args.recipe.max_undecided,
        held_out=held_out,
    )
    if held_out is not None:
        validation_metrics["calibrated_on"] = {"films": len(held_out.labels), "runs": list(held_out.runs)}
    others = gate_others(train, origin.films.gate_others, args.data.other_images)
    gate = fit_gate(train.inputs, validation.inputs, others)
    edges = choose_limits(measure_films(Graph(graph, 1), gate, np.concatenate([train.inputs, validation.inputs])))
    files.atomic_write(out / bundle.GRAPH, graph)
    files.atomic_write(out / bundle.GATE, gate.to_bytes())
    with files.atomic_path(out / bundle.KERAS) as partial:
        network.save(partial)
    _write_examples(train, out / bundle.EXAMPLES)
    config = _config(args, thresholds, validation_metrics, gate, origin)
    return config | {"lung_edges": {name: vars(limit) for name, limit in edges.items()}}


def _convert(network: keras.Model, validation: FilmSet) -> bytes:
    """Convert the network to a LiteRT flatbuffer and compare it with Keras on some of the validation films."""
    model = serving_model(network)
    graph = to_litert(model)
    difference = check_against_keras(model, Graph(graph, 1), validation.inputs[:CHECKED_FILM_COUNT])
    print(f"largest difference between the served graph and Keras: {difference:.1e}")
    return graph


def _config(
    args: TrainArgs,
    thresholds: Thresholds,
    validation_metrics: Mapping[str, Any],
    gate: Gate,
    origin: Origin,
) -> dict[str, Any]:
    return {
        "recipe": args.recipe.name,
        "population": args.recipe.population,
        "protocol": args.protocol,
        "seed": args.seed,
        "revision": args.revision,
        "licence": licence_of(origin.sources),
        "classes": list(CLASSES),
        "input": {"shape": [INPUT_SIDE, INPUT_SIDE, 3], "range": [0, 255], "resize": "Pillow bilinear, antialiased"},
        "calibration": vars(thresholds.calibration),
        "operating_points": {name: vars(point) for name, point in thresholds.points.items()},
        "operating_point_limits": {"max_undecided": args.recipe.max_undecided},
        "validation": {**validation_metrics, "operating_points": thresholds.summary},
        "gate": {view: {name: vars(limit) for name, limit in limits.items()} for view, limits in gate.limits.items()},
        "versions": provenance.versions(),
        "training_sources": sorted(origin.films.train_counts),
        "data": _data(origin),
    }


def _data(origin: Origin) -> dict[str, Any]:
    """Number of training and validation films, in total and by source, and fingerprint of all films of the run."""
    counts = Counter(origin.films.train_counts) + Counter(origin.films.validation.counts_by_source())
    data = {"films": counts.total(), "fingerprint": origin.fingerprint, "sources": dict(sorted(counts.items()))}
    return data if origin.lung_target_kind is None else {**data, "lung_targets": origin.lung_target_kind}


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
