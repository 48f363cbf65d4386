"""Answers of the service at one operating point: shares of Normal, Pneumonia and Unknown in groups of films."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..inference.decision import CLASSES, UNKNOWN, OperatingPoint
from . import metrics
from .metrics import Figure, Floats, Labels

Answers = npt.NDArray[np.str_]
"""Label of each film `[N]`: Normal, Pneumonia or Unknown."""

Members = npt.NDArray[np.bool_]
"""`[N]`: True for the films of a group."""


def answers_at(probability: Floats, refused: npt.NDArray[np.bool_], point: OperatingPoint) -> Answers:
    """The answers `[N]` at an operating point; a film that the gate refuses is Unknown."""
    labels = [UNKNOWN if no else point.label(float(value)) for value, no in zip(probability, refused, strict=True)]
    return np.array(labels)


def answer_shares(answers: Answers, labels: Labels, members: Members, weights: Floats) -> dict[str, Any]:
    """Answers to the films of a group, with 95 % intervals from the bootstrap `weights` `[R, N]`.

    `films`: their number; the share of each label; `answered`: the share that is not Unknown; `answered_accuracy`:
    the share of correct answers among the answered films, None if there are none.
    """
    is_answered = answers != UNKNOWN
    correct = answers == np.array(CLASSES)[labels]

    def figure(hits: Members, subset: Members) -> Figure:
        value = metrics.weighted_share(hits, subset, metrics.unit_weights(len(subset)))
        return metrics.with_interval(float(value[0]), metrics.weighted_share(hits, subset, weights))

    shares = {answer: figure(answers == answer, members) for answer in (*CLASSES, UNKNOWN)}
    return {
        "films": int(members.sum()),
        **shares,
        "answered": figure(is_answered, members),
        "answered_accuracy": figure(correct, members & is_answered),
    }


def by_class(answers: Answers, labels: Labels, weights: Floats) -> dict[str, Any]:
    """`answer_shares` of the films of each class that occurs, by the name of the class."""
    return groups(answers, labels, {name: labels == label for label, name in enumerate(CLASSES)}, weights)


def groups(answers: Answers, labels: Labels, members: Mapping[str, Members], weights: Floats) -> dict[str, Any]:
    """`answer_shares` of each group that is not empty, by its name."""
    return {name: answer_shares(answers, labels, group, weights) for name, group in members.items() if group.any()}
