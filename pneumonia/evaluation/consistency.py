"""Do a bundle's figures and its files agree? Asked before a model is published; whatever does not is a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import FiguresDisagree, UsageError
from ..inference import bundle
from ..inference.decision import DEFAULT_POINT
from ..inference.predictor import Predictor
from . import card
from .external import identity

SERVED_PROTOCOL = "official"
"""The one protocol whose model answers anybody; the others exist for their figures."""

TOLERANCE = 0.002
"""Processors round differently; an example's probability that is further off is of another model."""

ROUNDED = 1e-5
"""Figures stand in `evaluation.json` with five decimals."""

Run = Mapping[str, Any]


def check_consistency(predictor: Predictor) -> None:
    """Raises `FiguresDisagree` with all that disagrees, `UsageError` for a model that is never served."""
    protocol = predictor.bundle.config["protocol"]
    if protocol != SERVED_PROTOCOL:
        raise UsageError(
            "This model is never served: its protocol exists for its figures, which stand in the official model's "
            f"card. Allowed: protocol {SERVED_PROTOCOL}. Received: {protocol!r}."
        )
    try:
        found = list(disagreements(predictor))
    except (KeyError, TypeError, AttributeError) as error:
        found = [f"{bundle.EVALUATION} lacks something that the card shows ({error!r})."]
    if found:
        raise FiguresDisagree(f"Figures and files of this bundle disagree; it is not published. {' '.join(found)}")


def disagreements(predictor: Predictor) -> Iterator[str]:
    """A sentence for each thing in which config, evaluation, card and graph tell different stories."""
    model = predictor.bundle
    run = model.served_run
    if run is None:
        yield f"{bundle.EVALUATION} has no run {model.config['recipe']}/{model.config['protocol']}."
        return
    yield from _names(model.evaluation["runs"])
    yield from _origin(model.config, run)
    yield from _counts(run)
    yield from _repeated(run)
    yield from _examples(predictor)
    yield from _elsewhere(model.config, model.evaluation.get("external", []))
    yield from _card(model)


def _names(runs: Mapping[str, Run]) -> Iterator[str]:
    for name, run in runs.items():
        own = f"{run['recipe']}/{run['protocol']}"
        if own != name:
            yield f"The run {name} says that it is {own}."


def _origin(config: Mapping[str, Any], run: Run) -> Iterator[str]:
    """That the run was made of this very config: seed, commit, libraries, thresholds, films."""
    pairs = {
        "seed": (config["seed"], run["seed"]),
        "git revision": (config["revision"], run["git_revision"]),
        "versions of the libraries": (config["versions"], run["versions"]),
        "threshold": (config["operating_points"][DEFAULT_POINT]["threshold"], run["threshold"]),
        "operating points": (sorted(config["operating_points"]), sorted(run["operating_points"])),
    }
    if "validation" in config:
        learned = run["training"]["films"] + config["validation"]["films"]
        pairs["films for training and validation"] = (config["data"]["films"], learned)
    for name, (configured, evaluated) in pairs.items():
        if configured != evaluated:
            yield f"{name}: {bundle.CONFIG} has {configured}, {bundle.EVALUATION} {evaluated}."


def _counts(run: Run) -> Iterator[str]:
    """The figures once more from the counts of films."""
    cells = run["confusion"]
    well, alarmed, missed, ill = (
        cells[name] for name in ("true_negative", "false_positive", "false_negative", "true_positive")
    )
    total, normal = run["films"]["total"], run["films"].get("normal", well + alarmed)
    if (well + alarmed + missed + ill, well + alarmed) != (total, normal):
        yield f"The confusion matrix does not count the {total} films, {normal} of them normal."
    counted = {
        "accuracy": (well + ill, total),
        "precision": (ill, ill + alarmed),
        "sensitivity": (ill, ill + missed),
        "specificity": (well, well + alarmed),
        "f1": (2 * ill, 2 * ill + alarmed + missed),
    }
    for name, (part, whole) in counted.items():
        said = run["figures"][name]["value"]
        if not _equal(said, part / whole if whole else None):
            yield f"{name}: the figure is {said}, the confusion matrix gives {part} of {whole}."


def _repeated(run: Run) -> Iterator[str]:
    """Figures that stand in two places."""
    figures = run["figures"]
    for part, names in {"robustness": ("accuracy", "sensitivity", "specificity"), "shortcuts": ("auroc",)}.items():
        for name in names if part in run else ():
            first, second = figures[name]["value"], run[part]["baseline"][name]["value"]
            if not _equal(first, second):
                yield f"{name}: {first} among the figures, {second} under {part}."


def _examples(predictor: Predictor) -> Iterator[str]:
    """The graph is the one that was evaluated, and gate and limits are: it answers the examples as it did then."""
    promised = predictor.bundle.evaluation.get("examples", {})
    there = {path.name: path for path in predictor.bundle.examples}
    if not there or set(promised) != set(there):
        yield f"The examples are {sorted(there)}, {bundle.EVALUATION} has answers for {sorted(promised)}."
        return
    for name, path in there.items():
        said, now = promised[name], predictor.predict(path).probability
        if not _equal(said, now, TOLERANCE):
            yield f"{name}: {bundle.EVALUATION} has the probability {said}, the model answers {now}."


def _elsewhere(config: Mapping[str, Any], external: list[Mapping[str, Any]]) -> Iterator[str]:
    for entry in external:
        if entry["model"] != identity(config):
            yield f"The figures on films of {entry['name']} are of another model."


def _card(model: bundle.Bundle) -> Iterator[str]:
    if bundle.CARD not in model.config["files"]:
        yield f"There is no card ({bundle.CARD})."
        return
    written = (model.folder / bundle.CARD).read_text(encoding="utf-8")
    if written != card.write(model.config, model.evaluation):
        yield f"The card ({bundle.CARD}) is not the one that {bundle.CONFIG} and {bundle.EVALUATION} give."


def _equal(said: float | None, found: float | None, tolerance: float = ROUNDED) -> bool:
    if said is None or found is None:
        return said is found
    return abs(said - found) <= tolerance
