"""Consistency check of a bundle before it is published: config, evaluation, card and graph must agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import FiguresDisagree, UsageError
from ..inference import bundle
from ..inference.decision import CLASSES, DEFAULT_POINT
from ..inference.model import Model
from ..inference.predictor import Predictor
from . import card
from .external import identity
from .protocols import PROTOCOLS_OF

SERVED_PROTOCOLS = {population: protocols[0] for population, protocols in PROTOCOLS_OF.items()}
"""Population -> the only protocol whose models are served. Others are trained only to be evaluated."""

EXAMPLE_TOLERANCE = 0.002
"""Maximum difference of an example's probability. Processors round differently; a larger difference means that the
model is another one."""

ROUNDING_TOLERANCE = 1e-5
"""Maximum difference of two figures: `evaluation.json` rounds them to five decimals."""

NORMAL = CLASSES[0]

Run = Mapping[str, Any]


def check_consistency(model: Model) -> None:
    """Check that the model's bundle may be published.

    Raises `FiguresDisagree` with every disagreement, and `UsageError` for a protocol whose models are never served.
    """
    protocol = model.bundle.config["protocol"]
    served = SERVED_PROTOCOLS[model.population.name]
    if protocol != served:
        raise UsageError(
            "Models of this protocol are never served; their figures are in the card of the served model. "
            f"Allowed: protocol {served}. Received: {protocol!r}."
        )
    try:
        messages = list(disagreements(model))
    except (KeyError, TypeError, AttributeError) as error:
        messages = [f"{bundle.EVALUATION} lacks data that the card shows ({error!r})."]
    if messages:
        raise FiguresDisagree(f"The bundle is not published: its figures and files disagree. {' '.join(messages)}")


def disagreements(model: Model) -> Iterator[str]:
    """Yield a sentence for each disagreement between config, evaluation, card and graph."""
    run = model.bundle.served_run
    if run is None:
        yield f"{bundle.EVALUATION} has no run {model.bundle.config['recipe']}/{model.bundle.config['protocol']}."
        return
    yield from _check_run_names(model.bundle.evaluation["runs"])
    yield from _check_origin(model.bundle.config, run)
    yield from _check_confusion(run)
    yield from _check_audits(run)
    yield from _check_audited_model(model.bundle.config, run)
    yield from _check_examples(model)
    yield from _check_external(model.bundle.config, model.bundle.evaluation.get("external", []))
    yield from _check_card(model.bundle)


def _check_run_names(runs: Mapping[str, Run]) -> Iterator[str]:
    for name, run in runs.items():
        expected = f"{run['recipe']}/{run['protocol']}"
        if expected != name:
            yield f"The run {name} contains the figures of {expected}."


def _check_origin(config: Mapping[str, Any], run: Run) -> Iterator[str]:
    """Random seed, commit, library versions, thresholds and number of films must be equal in config and run."""
    pairs = {
        "seed": (config["seed"], run["seed"]),
        "git revision": (config["revision"], run["git_revision"]),
        "versions of the libraries": (config["versions"], run["versions"]),
        "threshold": (config["operating_points"][DEFAULT_POINT]["threshold"], run["threshold"]),
        "operating points": (sorted(config["operating_points"]), sorted(run["operating_points"])),
    }
    if "validation" in config:
        used_films = run["training"]["films"] + config["validation"]["films"]
        pairs["films for training and validation"] = (config["data"]["films"], used_films)
    for name, (configured, evaluated) in pairs.items():
        if configured != evaluated:
            yield f"{name}: {bundle.CONFIG} has {configured}, {bundle.EVALUATION} {evaluated}."


def _check_confusion(run: Run) -> Iterator[str]:
    """The metrics must equal those that follow from the confusion matrix."""
    cells = run["confusion"]
    true_negatives, false_positives = cells["true_negative"], cells["false_positive"]
    false_negatives, true_positives = cells["false_negative"], cells["true_positive"]
    negatives, positives = true_negatives + false_positives, true_positives + false_negatives
    total, normal = run["films"]["total"], _normal_films(run, negatives)
    if (negatives + positives, negatives) != (total, normal):
        yield f"The confusion matrix does not count {total} films with {normal} normal ones."
    fractions = {
        "accuracy": (true_negatives + true_positives, total),
        "precision": (true_positives, true_positives + false_positives),
        "sensitivity": (true_positives, positives),
        "specificity": (true_negatives, negatives),
        "f1": (2 * true_positives, 2 * true_positives + false_positives + false_negatives),
    }
    for name, (numerator, denominator) in fractions.items():
        value = run["figures"][name]["value"]
        if not _equal(value, numerator / denominator if denominator else None):
            yield f"{name}: the figure is {value}, the confusion matrix gives {numerator} of {denominator}."


def _normal_films(run: Run, default: int) -> int:
    """Films of the class Normal. By reading, the count `normal` is that of the healthy films alone."""
    films: int = run["classes"][NORMAL]["films"] if "readings" in run else run["films"].get("normal", default)
    return films


def _check_audits(run: Run) -> Iterator[str]:
    """The baseline of each audit must equal the figures of the run."""
    figures = run["figures"]
    for audit, names in {"robustness": ("accuracy", "sensitivity", "specificity"), "shortcuts": ("auroc",)}.items():
        for name in names if audit in run else ():
            figure, baseline = figures[name]["value"], run[audit]["baseline"][name]["value"]
            if not _equal(figure, baseline):
                yield f"{name}: {figure} among the figures, {baseline} under {audit}."


def _check_audited_model(config: Mapping[str, Any], run: Run) -> Iterator[str]:
    for key, part in {"audits": "validation", "test_audits": "test"}.items():
        if key in run and run[key]["model"] != identity(config):
            yield f"The audits of the {part} films are of another model."


def _check_examples(model: Model) -> Iterator[str]:
    """The example images must get the recorded probabilities: graph, gate and limits must be the evaluated ones."""
    recorded = model.bundle.evaluation.get("examples", {})
    paths = {path.name: path for path in model.bundle.examples}
    if not paths or set(recorded) != set(paths):
        yield f"The examples are {sorted(paths)}, {bundle.EVALUATION} has answers for {sorted(recorded)}."
        return
    for name, path in paths.items():
        probability = Predictor([model]).predict(path).probability
        if not _equal(recorded[name], probability, EXAMPLE_TOLERANCE):
            yield f"{name}: {bundle.EVALUATION} has the probability {recorded[name]}, the model answers {probability}."


def _check_external(config: Mapping[str, Any], external: list[Mapping[str, Any]]) -> Iterator[str]:
    for entry in external:
        if entry["model"] != identity(config):
            yield f"The figures on films of {entry['name']} are of another model."


def _check_card(model: bundle.Bundle) -> Iterator[str]:
    if bundle.CARD not in model.config["files"]:
        yield f"The card ({bundle.CARD}) is missing."
        return
    text = (model.folder / bundle.CARD).read_text(encoding="utf-8")
    if text != card.write(model.config, model.evaluation):
        yield f"The card ({bundle.CARD}) is not the one that {bundle.CONFIG} and {bundle.EVALUATION} produce."


def _equal(first: float | None, second: float | None, tolerance: float = ROUNDING_TOLERANCE) -> bool:
    if first is None or second is None:
        return first is second
    return abs(first - second) <= tolerance
