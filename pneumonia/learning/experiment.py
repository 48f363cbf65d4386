"""A whole run: films and recipe in, model bundle and its figures out."""

from __future__ import annotations

import io
import json
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import stats
from sklearn.metrics import roc_auc_score

from .. import files
from ..evaluation import card, curve_plots
from ..evaluation.assess import FilmScores, evaluate, out_of_fold, score_films
from ..evaluation.audits import audits
from ..evaluation.borders import replace_border_across_classes
from ..evaluation.dataset import FilmSet, load_films
from ..evaluation.number_format import format_metric, percent
from ..evaluation.operating_points import calibrate, operating_points
from ..evaluation.perturbations import UNCHANGED, VALIDATION_PERTURBATIONS, pairwise_auroc, perturb
from ..evaluation.protocols import Split, splits
from ..imaging import INPUT_SIDE
from ..inference import bundle
from ..inference.decision import CLASSES
from ..inference.gate_views import thumbnails
from ..inference.graph import Graph
from ..inference.predictor import Predictor
from . import provenance
from .export import check_against_keras, serving_model, to_litert
from .gate_fit import fit_gate
from .train_args import TrainArgs
from .training import History, predict_scores, train_ensemble

Probability = npt.NDArray[np.float64]

TYPICAL_FILMS = 64
"""So many films, the nearest to their class's mean, are averaged for an example."""

CHECKED_FILMS = 16
"""So many validation films must score the same in Keras and in the served graph."""


def run(order: TrainArgs) -> Path:
    """Train, export, choose, evaluate; returns the folder with the bundle (or, for `folds5`, with five of them).

    With `validate` it stops before any test film is looked at, and the folder holds `validation.json`.
    """
    films = load_films(order.data)
    print(films.report())
    parts = splits(films, order.protocol)
    if order.validate:
        out = order.out if order.fold is None else order.out / f"fold{order.fold}"
        _validate_split(order, films, parts[order.fold or 0], out)
        return order.out
    if len(parts) == 1:
        _run_split(order, films, parts[0], order.out)
        return order.out
    chosen = parts if order.fold is None else [parts[order.fold]]
    folds = [_run_fold(order, films, part) for part in chosen]
    if order.fold is None:
        _gather_folds(order, films, parts, folds)
    return order.out


def _run_fold(order: TrainArgs, films: FilmSet, split: Split) -> tuple[dict[str, Any], Probability]:
    """A fold's figures and its test films' probabilities; with `resume`, a finished fold's as they lie there."""
    out = order.out / f"fold{split.fold}"
    finished = out / "training" / "fold.json"
    if not (order.resume and finished.exists()):
        entry, outcome = _run_split(order, films, split, out)
        files.atomic_write(finished, _json({"entry": entry, "probability": outcome.probability.tolist()}))
    done = json.loads(finished.read_bytes())
    return done["entry"], np.array(done["probability"])


def _gather_folds(
    order: TrainArgs, films: FilmSet, parts: Sequence[Split], folds: Sequence[tuple[dict[str, Any], Probability]]
) -> None:
    summary = _across_folds([entry for entry, _ in folds])
    probability = np.empty(len(films.films))
    for part, (_, found) in zip(parts, folds, strict=True):
        probability[part.test] = found
    summary["out_of_fold"] = out_of_fold(films, probability)
    print(f"{'ECE out of fold':>24}  {format_metric('ece', summary['out_of_fold']['figures']['ece'])}")
    evaluation = {"format": 1, "runs": {f"{order.recipe.name}/folds5": summary}}
    files.atomic_write(order.out / bundle.EVALUATION, _json(evaluation))


def _exclusive_run(out: Path) -> AbstractContextManager[None]:
    """One process per run folder; raises `Busy` if another one writes into it."""
    message = f"Another process writes into {out}. Allowed: one process per folder. Wait, or choose another --out."
    return files.exclusive_lock(out / ".in-use", message)


def _validate_split(order: TrainArgs, films: FilmSet, split: Split, out: Path) -> None:
    """Only what a search may see: `validation.json`, and no test film."""
    with _exclusive_run(out):
        network, history = _train_split(order, films, split, out)
        _, summary = _validation_scores(network, films.subset(split.validation))
        _keep_history(out / "training", history)
        seconds = round(sum(row["seconds"] for row in history))
        files.atomic_write(out / "validation.json", _json({"recipe": order.recipe.name, "seconds": seconds, **summary}))


def _train_split(order: TrainArgs, films: FilmSet, split: Split, out: Path) -> tuple[keras.Model, History]:
    learning, validation = films.subset(split.train), films.subset(split.validation)
    started = time.perf_counter()
    trained = train_ensemble(
        order.recipe,
        (learning.inputs, learning.labels),
        (validation.inputs, validation.labels),
        out / "training",
        seed=order.seed,
        resume=order.resume,
    )
    print(f"trained in {time.perf_counter() - started:.0f} s (epochs done before a --resume not counted)")
    return trained


def _run_split(order: TrainArgs, films: FilmSet, split: Split, out: Path) -> tuple[dict[str, Any], FilmScores]:
    with _exclusive_run(out):
        network, history = _train_split(order, films, split, out)
        learning, validation = films.subset(split.train), films.subset(split.validation)
        config = _export(order, films, network, learning, validation, out)
        _keep_history(out / "training", history)
        return _evaluate(order, config, films.subset(split.test), len(learning.films), history, out)


def _export(
    order: TrainArgs, films: FilmSet, network: keras.Model, learning: FilmSet, validation: FilmSet, out: Path
) -> dict[str, Any]:
    """Write graph, gate, Keras model and examples; returns the config with what validation chose."""
    model = serving_model(network)
    graph_bytes = to_litert(model)
    worst = check_against_keras(model, Graph(graph_bytes, 1), validation.inputs[:CHECKED_FILMS])
    print(f"the served graph equals Keras within {worst:.1e}")
    ways, shifted = _validation_scores(network, validation)
    calibration = calibrate(validation.labels, ways[UNCHANGED])
    labels = np.tile(validation.labels, len(ways))
    probability = np.array([calibration.probability(float(value)) for said in ways.values() for value in said])
    points = operating_points(labels, probability, calibration.prevalence)
    gate = fit_gate(learning.inputs, validation.inputs)
    files.atomic_write(out / bundle.GRAPH, graph_bytes)
    files.atomic_write(out / bundle.GATE, gate.to_bytes())
    with files.atomic_path(out / bundle.KERAS) as partial:
        network.save(partial)
    shutil.rmtree(out / bundle.EXAMPLES, ignore_errors=True)
    _write_averages(learning, out / bundle.EXAMPLES)
    return {
        "recipe": order.recipe.name,
        "protocol": order.protocol,
        "seed": order.seed,
        "revision": order.revision,
        "classes": list(CLASSES),
        "input": {"shape": [INPUT_SIDE, INPUT_SIDE, 3], "range": [0, 255], "resize": "Pillow bilinear, antialiased"},
        "calibration": vars(calibration),
        "operating_points": {name: vars(point) for name, point in points.items()},
        "validation": shifted,
        "gate": {
            view: {name: vars(limit) for name, limit in subspace.limits.items()}
            for view, subspace in gate.subspaces.items()
        },
        "versions": provenance.versions(),
        "data": {"films": len(learning.films) + len(validation.films), "fingerprint": films.fingerprint},
    }


def _validation_scores(
    network: keras.Model, validation: FilmSet
) -> tuple[dict[str, npt.NDArray[np.float64]], dict[str, Any]]:
    """The validation films' scores in every way that they might have been saved, and AUROCs over these ways."""
    ways = {name: predict_scores(network, perturb(validation.inputs, name)) for name in VALIDATION_PERTURBATIONS}
    foreign = predict_scores(network, replace_border_across_classes(validation.inputs, validation.labels))
    pairs = pairwise_auroc(validation.labels, ways)
    worst = min(pairs, key=lambda pair: pairs[pair])
    summary = {
        "films": len(validation.films),
        "auroc": {name: round(pairs[name, name], 5) for name in ways},
        "worst_pair": {"normal": worst[0], "pneumonia": worst[1], "auroc": round(pairs[worst], 5)},
        "mean_of_pairs": round(float(np.mean(list(pairs.values()))), 5),
        "border_of_other_class": round(float(roc_auc_score(validation.labels, foreign)), 5),
    }
    print(
        f"validation AUROC {pairs[UNCHANGED, UNCHANGED]:.4f}, worst pair of changes {pairs[worst]:.4f} {worst}, "
        f"in the border of the other class {summary['border_of_other_class']:.4f}"
    )
    return ways, summary


def _evaluate(
    order: TrainArgs, config: dict[str, Any], test: FilmSet, learned: int, history: History, out: Path
) -> tuple[dict[str, Any], FilmScores]:
    """Assess the sealed bundle through the serving path, and write figures and card into it."""
    name = f"{order.recipe.name}/{order.protocol}"
    files.atomic_write(out / bundle.EVALUATION, _json({"format": 1, "runs": {}}))
    bundle.write_config(out, config)
    predictor = Predictor(bundle.load(out, out.name))
    outcome = score_films(predictor, test)
    entry = {
        "recipe": order.recipe.name,
        "protocol": order.protocol,
        "command": order.command,
        "seed": order.seed,
        "git_revision": config["revision"],
        "versions": config["versions"],
        "training": {
            "films": learned,
            "members": order.recipe.members,
            "epochs": order.recipe.epochs,
            "seconds": round(sum(row["seconds"] for row in history)),
            "machine": provenance.machine(),
        },
        **evaluate(test, outcome, predictor),
        **audits(predictor, test, order.protocol),
    }
    evaluation = {
        "format": 1,
        "runs": {name: entry},
        "test_set_access_log": [],
        "examples": {path.name: predictor.predict(path).probability for path in predictor.bundle.examples},
    }
    files.atomic_write(out / bundle.EVALUATION, _json(evaluation))
    files.atomic_write(out / bundle.CARD, card.write(config, evaluation).encode())
    files.atomic_write(out / "training" / "curves.png", curve_plots.curves(entry))
    bundle.write_config(out, config)
    _print(name, entry)
    return entry, outcome


def _across_folds(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Mean over the folds, with the 95 % interval of a mean of five (Student's t)."""
    combined = {}
    for name in entries[0]["figures"]:
        values = np.array([entry["figures"][name]["value"] for entry in entries])
        reach = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
        mean = float(values.mean())
        combined[name] = {"value": round(mean, 5), "low": round(mean - reach, 5), "high": round(mean + reach, 5)}
        print(f"{name:>24}  {format_metric(name, combined[name])}")
    return {"recipe": entries[0]["recipe"], "protocol": "folds5", "figures": combined, "folds": list(entries)}


def _keep_history(folder: Path, history: History) -> None:
    files.atomic_write(folder / "history.json", _json(history))
    files.atomic_write(folder / "history.png", curve_plots.history(history))


def _write_averages(films: FilmSet, folder: Path) -> None:
    """The mean of each class's most typical films: nobody's film, and still sharp enough to be one.

    The mean of all films of a class is so soft that it is no fair example: see `docs/experiments.md`.
    """
    for label, class_name in enumerate(CLASSES):
        members = films.inputs[films.labels == label]
        seen = thumbnails(members)
        nearest = np.argsort(np.square(seen - seen.mean(axis=0)).sum(axis=1), kind="stable")[:TYPICAL_FILMS]
        mean = np.rint(members[nearest].mean(axis=0)).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(mean).save(buffer, "PNG", optimize=True)
        name = f"average-of-{len(nearest)}-typical-{class_name.lower()}-films.png"
        files.atomic_write(folder / name, buffer.getvalue())


def _print(name: str, entry: Mapping[str, Any]) -> None:
    print(f"{name}, {entry['films']['total']:,} test films")
    for figure, value in entry["figures"].items():
        print(f"{figure:>24}  {format_metric(figure, value)}")
    for point, values in entry["operating_points"].items():
        print(f"{point:>24}  " + "  ".join(f"{figure} {percent(value)}" for figure, value in values.items()))


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode()
