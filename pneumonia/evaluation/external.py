"""Films of another hospital: how far the figures carry. Reported only; nothing is ever chosen by them.

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

from .. import files, load_predictor
from ..errors import PneumoniaError
from ..inference import bundle
from ..inference.decision import DEFAULT_POINT, UNKNOWN, Failure, Prediction
from ..inference.predictor import Predictor
from . import card, metrics
from .assess import FilmScores, at_operating_point, evaluate, score_films
from .dataset import FilmSet, load_films
from .metrics import Figure, Floats

PASSED = {
    "accuracy": metrics.answered_accuracy,
    "sensitivity": metrics.answered_sensitivity,
    "specificity": metrics.answered_specificity,
}
"""The network on the films that the gate lets through."""


USEFULNESS = (
    (0.5, "no better than chance"),
    (0.7, "hardly better than chance"),
    (0.8, "of some use"),
    (0.9, "of use"),
    (1.0, "as good as at home"),
)
"""An AUROC up to so much, in words (steps of Hosmer and Lemeshow, *Applied Logistic Regression*, chapter 5)."""


def external(predictor: Predictor, folder: Path, name: str, of: str, *, quiet: bool = False) -> dict[str, Any]:
    """The figures on a folder with NORMAL/ and PNEUMONIA/: one entry of `external` in `evaluation.json`.

    `figures` is the network alone and with refused films counted as wrong, `passed` the network on the films that the
    gate lets through, `service` what a user meets: films refused, warned about, Unknown. `model` tells which model
    answered. Intervals are over patients where names carry one (NIH's do), else over films. Raises `DatasetError`.
    """
    folder = folder.resolve()
    films = load_films(folder.parent, (folder.name,), quiet=quiet)
    outcome = score_films(predictor, films, quiet=quiet)
    found = evaluate(films, outcome, predictor)
    weights = metrics.bootstrap_weights(films.strict_keys)
    kept = ("films", "fingerprint", "patients", "bootstrap", "threshold", "figures", "known_prevalence", "confusion")
    return {
        "name": name,
        "of": of,
        "verdict": verdict(found["figures"]["auroc"]),
        "model": identity(predictor.bundle.config),
        **{part: found[part] for part in (*kept, "operating_points")},
        "passed": _passed(predictor, films, outcome, weights),
        "service": _service(predictor, films, weights),
        "reliability": found["curves"]["reliability"],
    }


def identity(config: Any) -> dict[str, str]:
    """The sha256 of what scores and what refuses: they stay the same when figures and card are written anew."""
    return {name: config["files"][name]["sha256"] for name in (bundle.GRAPH, bundle.GATE)}


def verdict(auroc: Figure) -> str:
    """The AUROC in words."""
    value = auroc["value"] or 0.0
    return next(words for top, words in USEFULNESS if value <= top)


def _passed(predictor: Predictor, films: FilmSet, outcome: FilmScores, weights: Floats) -> dict[str, Any]:
    passed = at_operating_point(films, outcome, predictor.operating_points[DEFAULT_POINT], banded=False)
    return {"films": int(passed.answered.sum()), **metrics.compute_metrics(passed, weights, PASSED)}


def _service(predictor: Predictor, films: FilmSet, weights: Floats) -> dict[str, Figure]:
    """The shares of films that a user sees refused by the gate, answered with a warning, answered Unknown."""
    said = list(predictor.predict_many(film.path for film in films.films))
    everything, once = np.ones(len(said), bool), np.ones((1, len(said)))
    meets = {"refused": _is_refused, "warned": _is_warned, "unknown": _is_unknown}
    hits = {name: np.array([is_so(result) for result in said]) for name, is_so in meets.items()}
    return {
        name: metrics.with_interval(
            float(metrics.weighted_share(hit, everything, once)[0]), metrics.weighted_share(hit, everything, weights)
        )
        for name, hit in hits.items()
    }


def _is_refused(result: Prediction | Failure) -> bool:
    return isinstance(result, Failure) or result.probability is None


def _is_warned(result: Prediction | Failure) -> bool:
    return isinstance(result, Prediction) and bool(result.warnings)


def _is_unknown(result: Prediction | Failure) -> bool:
    return isinstance(result, Failure) or result.label == UNKNOWN


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m pneumonia.evaluation.external", description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder with NORMAL/ and PNEUMONIA/")
    parser.add_argument("--name", required=True, help="of the data set, as the card shall name it")
    parser.add_argument("--of", default="films of another hospital", help="what films these are, in words for the page")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the entry for evaluation.json there")
    parser.add_argument("--model", metavar="M", help="instead of PNEUMONIA_MODEL")
    given = parser.parse_args(arguments)
    try:
        entry = external(load_predictor(given.model), given.folder, given.name, given.of)
    except PneumoniaError as error:
        print(f"{error.code}: {error.message}", file=sys.stderr)
        return 2
    print(card.external_validation([entry]))
    if given.json:
        files.atomic_write(given.json, (json.dumps(entry, indent=1) + "\n").encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
