"""External validation on films of another hospital. Its results are reported; no decision is based on them.

python -m pneumonia.evaluation.external nih --name "NIH ChestX-ray14" --json nih.json
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import files
from ..command_line import entry_point
from ..inference import bundle
from ..inference.decision import DEFAULT_POINT, UNKNOWN, Failure, Prediction
from ..inference.model import Model
from ..inference.predictor import Predictor, load_model
from . import card, metrics
from .assess import FilmScores, at_operating_point, evaluate, score_films
from .dataset import FilmSet, load_films
from .metrics import Figure, Floats

ACCEPTED_METRICS = {
    "accuracy": metrics.answered_accuracy,
    "sensitivity": metrics.answered_sensitivity,
    "specificity": metrics.answered_specificity,
}
"""Metrics of the network on the films that the gate accepts."""

VERDICTS = (
    (0.5, "no better than chance"),
    (0.7, "hardly better than chance"),
    (0.8, "of some use"),
    (0.9, "of use"),
    (1.0, "as good as on the data set's own films"),
)
"""(maximum AUROC, verdict) in ascending order, after Hosmer and Lemeshow, *Applied Logistic Regression*, chapter 5."""


def external(model: Model, folder: Path, name: str, of: str, *, quiet: bool = False) -> dict[str, Any]:
    """Evaluate the model on a folder with NORMAL/ and PNEUMONIA/; returns an entry of `external` in `evaluation.json`.

    `figures`: metrics of the network without the gate, and with refused films counted as wrong. `passed`: metrics on
    the films that the gate accepts. `service`: shares of films refused, answered with a warning, answered Unknown.
    `model`: identity of the model. Intervals are over patients if the file names contain a patient number (as NIH's
    do), else over films. `of` describes the films. Raises `DatasetError`.
    """
    folder = folder.resolve()
    films = load_films(folder.parent, (folder.name,), quiet=quiet)
    scores = score_films(model, films, quiet=quiet)
    run = evaluate(films, scores, model)
    weights = metrics.bootstrap_weights(films.strict_keys)
    keys = ("films", "fingerprint", "patients", "bootstrap", "threshold", "figures", "known_prevalence", "confusion")
    return {
        "name": name,
        "of": of,
        "verdict": verdict(run["figures"]["auroc"]),
        "model": identity(model.bundle.config),
        **{key: run[key] for key in (*keys, "operating_points")},
        "passed": _accepted(model, films, scores, weights),
        "service": _service(model, films, weights),
        "reliability": run["curves"]["reliability"],
    }


def identity(config: Any) -> dict[str, str]:
    """sha256 of graph and gate by file name. They identify the model even if figures and card are rewritten."""
    return {name: config["files"][name]["sha256"] for name in (bundle.GRAPH, bundle.GATE)}


def verdict(auroc: Figure) -> str:
    """The AUROC in words, from `VERDICTS`."""
    value = auroc["value"] or 0.0
    return next(words for limit, words in VERDICTS if value <= limit)


def _accepted(model: Model, films: FilmSet, scores: FilmScores, weights: Floats) -> dict[str, Any]:
    decisions = at_operating_point(films, scores, model.operating_points[DEFAULT_POINT], with_band=False)
    return {
        "films": int(decisions.answered.sum()),
        **metrics.compute_metrics(decisions, weights, ACCEPTED_METRICS),
    }


def _service(model: Model, films: FilmSet, weights: Floats) -> dict[str, Figure]:
    """Shares of films that the service refuses, answers with a warning, and answers Unknown."""
    results = list(Predictor([model]).predict_many(film.path for film in films.films))
    all_films, unit = np.ones(len(results), bool), metrics.unit_weights(len(results))
    criteria = {"refused": _is_refused, "warned": _has_warning, "unknown": _is_unknown}
    flags = {name: np.array([criterion(result) for result in results]) for name, criterion in criteria.items()}
    return {
        name: metrics.with_interval(
            float(metrics.weighted_share(flag, all_films, unit)[0]), metrics.weighted_share(flag, all_films, weights)
        )
        for name, flag in flags.items()
    }


def _is_refused(result: Prediction | Failure) -> bool:
    return isinstance(result, Failure) or result.probability is None


def _has_warning(result: Prediction | Failure) -> bool:
    return isinstance(result, Prediction) and bool(result.warnings)


def _is_unknown(result: Prediction | Failure) -> bool:
    return isinstance(result, Failure) or result.label == UNKNOWN


@entry_point
def main(arguments: Sequence[str] | None = None) -> int:
    """Evaluate a folder, print the card's section and write the entry; returns the exit code (2 after an error)."""
    parser = argparse.ArgumentParser("python -m pneumonia.evaluation.external", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder with NORMAL/ and PNEUMONIA/")
    parser.add_argument("--name", required=True, help="name of the data set on page and card")
    parser.add_argument("--of", default="films of another hospital", help="description of the films for page and card")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the entry for evaluation.json to FILE")
    parser.add_argument("--model", metavar="M", help="model bundle; default: PNEUMONIA_MODEL")
    options = parser.parse_args(arguments)
    entry = external(load_model(options.model), options.folder, options.name, options.of)
    print(card.external_validation([entry]))
    if options.json:
        files.atomic_write(options.json, (json.dumps(entry, indent=1) + "\n").encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
