"""Device audit: answers that change when devices or letters are drawn into films, or letters are blanked out."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..inference.decision import DEFAULT_POINT
from ..inference.model import Model
from . import metrics
from .answer_changes import answers, compare_answers, decisions_at_threshold, loss, share_of
from .assess import score_films
from .audit_films import AuditFilms, Films, run_network, with_inputs
from .bright_letters import blank_letters
from .metrics import Floats
from .simulated_devices import DEVICES, add_devices


def device_audit(model: Model, films: AuditFilms, *, quiet: bool = False) -> dict[str, Any]:
    """The entry `devices` of the audits.

    For each device, drawn into all films: share of answers of the network unchanged, films that change from Pneumonia
    to Normal (`missed`) and the reverse (`raised`), AUROC and AUROC lost; share that the gate `refused`, and without
    the device in the baseline. `normal_only` and `pneumonia_only`: AUROC if only the films of one class have it, as if
    devices told the class. `letters_blanked`: the same for the films in which bright letters are found, blanked.
    """
    point = model.operating_points[DEFAULT_POINT]
    before = score_films(model, films.films, title="unchanged", quiet=quiet)
    rows = {}
    for name in DEVICES:
        changed = with_inputs(films.films, add_devices(films.inputs, name))
        after = score_films(model, changed, title=name, quiet=quiet)
        rows[name] = {
            **_changes(films, before.probability, after.probability, model),
            "refused": share_of(after.refused, films.weights),
            **_one_class(films, before.probability, after.probability, model),
        }
    baseline = metrics.compute_metrics(
        decisions_at_threshold(films.labels, before.probability, point), films.weights, {"auroc": metrics.auroc}
    )
    return {
        "films": len(films.labels),
        "baseline": {**baseline, "refused": share_of(before.refused, films.weights)},
        "drawn": rows,
        "letters_blanked": _blanked(model, films, before.probability, quiet=quiet),
    }


def _blanked(model: Model, films: AuditFilms, before: Floats, *, quiet: bool) -> dict[str, Any]:
    """Changes over the films that have letters; `count` and share of them by class, because letters tell the class."""
    blanked: Films = np.stack([blank_letters(film) for film in films.inputs])
    has_letters = (blanked != films.inputs).any(axis=(1, 2))
    by_class = {
        name: share_of(has_letters, films.weights, films.labels == label)
        for label, name in enumerate(("normal_with_letters", "pneumonia_with_letters"))
    }
    indices = np.flatnonzero(has_letters)
    if not len(indices):
        return {"count": 0, **by_class}
    after = run_network(model, blanked[indices], title="letters blanked", quiet=quiet).probability
    return {"count": len(indices), **by_class, **_changes(films.subset(indices), before[indices], after, model)}


def _changes(films: AuditFilms, before: Floats, after: Floats, model: Model) -> dict[str, Any]:
    point = model.operating_points[DEFAULT_POINT]
    first, second = (decisions_at_threshold(films.labels, probability, point) for probability in (before, after))
    return {
        **compare_answers(answers(before, point), answers(after, point), films.weights),
        **metrics.compute_metrics(second, films.weights, {"auroc": metrics.auroc}),
        "lost": loss(metrics.auroc, first, second, films.weights),
    }


def _one_class(films: AuditFilms, before: Floats, after: Floats, model: Model) -> dict[str, Any]:
    point = model.operating_points[DEFAULT_POINT]
    mixed = {
        "normal_only": np.where(films.labels == 0, after, before),
        "pneumonia_only": np.where(films.labels == 1, after, before),
    }
    return {
        name: metrics.compute_metrics(
            decisions_at_threshold(films.labels, probability, point), films.weights, {"auroc": metrics.auroc}
        )["auroc"]
        for name, probability in mixed.items()
    }
