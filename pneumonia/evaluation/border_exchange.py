"""Border audit: each film in the border of a film of the other class (`borders`), and answers that change."""

from __future__ import annotations

from typing import Any

from ..inference.decision import DEFAULT_POINT
from ..inference.model import Model
from . import metrics
from .answer_changes import answers, compare_answers, decisions_at_threshold, loss
from .audit_films import AuditFilms, run_network
from .borders import replace_border_across_classes


def border_exchange(model: Model, films: AuditFilms, *, quiet: bool = False) -> dict[str, Any]:
    """The entry `border` of the audits: AUROC before and after, the AUROC lost (paired), and changes of the answer."""
    point = model.operating_points[DEFAULT_POINT]
    exchanged = replace_border_across_classes(films.inputs, films.labels)
    own, other = (
        run_network(model, inputs, title=title, quiet=quiet).probability
        for title, inputs in (("unchanged", films.inputs), ("borders exchanged", exchanged))
    )
    before, after = (decisions_at_threshold(films.labels, probability, point) for probability in (own, other))
    measure = {"auroc": metrics.auroc}
    return {
        "films": len(films.labels),
        "baseline": metrics.compute_metrics(before, films.weights, measure),
        "exchanged": metrics.compute_metrics(after, films.weights, measure),
        "lost": loss(metrics.auroc, before, after, films.weights),
        **compare_answers(answers(own, point), answers(other, point), films.weights),
    }
