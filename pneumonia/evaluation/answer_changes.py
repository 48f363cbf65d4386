"""Comparison of the answers for the same films before and after a change, with paired patient-bootstrap intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..inference.decision import CLASSES, OperatingPoint
from . import metrics
from .metrics import Decisions, Figure, Floats, Labels, Metric

Answers = npt.NDArray[np.str_]
"""Label of each film, or for Unknown and errors the code of the reason: `[N]`."""


def answers(probability: Floats, point: OperatingPoint) -> Answers:
    """Label `[N]` of each calibrated P(pneumonia) at an operating point, Unknown included; the gate is not applied."""
    return np.array([point.label(float(value)) for value in probability])


def decisions_at_threshold(labels: Labels, probability: Floats, point: OperatingPoint) -> Decisions:
    """Decisions at the threshold: every film is answered Normal or Pneumonia."""
    return Decisions(
        labels, probability, (probability >= point.threshold).astype(np.int64), np.ones(len(labels), np.bool_)
    )


def share_of(hits: npt.NDArray[np.bool_], weights: Floats, subset: npt.NDArray[np.bool_] | None = None) -> Figure:
    """Share of the films (of `subset` `[N]`) that are in `hits` `[N]`, with its interval; None without films."""
    members = np.ones(len(hits), np.bool_) if subset is None else subset
    value = metrics.weighted_share(hits, members, metrics.unit_weights(len(hits)))
    return metrics.with_interval(float(value[0]), metrics.weighted_share(hits, members, weights))


def mean_figure(values: Floats, weights: Floats) -> Figure:
    """Mean of `values` `[N]` with its interval."""
    return metrics.with_interval(float(values.mean()), weights @ values / weights.sum(axis=1))


def loss(metric: Metric, before: Decisions, after: Decisions, weights: Floats) -> Figure:
    """The metric before minus the metric after, with the interval of the paired difference."""

    def difference(rows: Floats) -> Floats:
        return metric(before, rows) - metric(after, rows)

    return metrics.with_interval(float(difference(metrics.unit_weights(len(before.labels)))[0]), difference(weights))


def change_counts(before: Answers, after: Answers) -> dict[str, int]:
    """`missed`: films that change from Pneumonia to Normal. `raised`: from Normal to Pneumonia."""
    normal, pneumonia = CLASSES
    return {
        "missed": int(((before == pneumonia) & (after == normal)).sum()),
        "raised": int(((before == normal) & (after == pneumonia)).sum()),
    }


def compare_answers(before: Answers, after: Answers, weights: Floats) -> dict[str, Any]:
    """`same`: share of films whose answer is unchanged; and the counts of `change_counts`."""
    return {"same": share_of(before == after, weights), **change_counts(before, after)}


def sum_counts(rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """The counts of `change_counts`, summed over several changes."""
    return {name: sum(row[name] for row in rows) for name in ("missed", "raised")}
