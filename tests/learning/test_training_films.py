"""Sample weights of the training films."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pneumonia.learning.training_films import TrainingFilms


def test_in_each_group_both_classes_have_the_same_total_weight() -> None:
    labels = np.array([0, 1, 1, 1, 0, 0, 1])
    groups = np.array(["children"] * 4 + ["adults"] * 3)
    films = TrainingFilms(
        np.zeros((7, 150, 150), np.uint8), labels, np.zeros((7, 150, 150), np.uint8), np.zeros(7, bool), groups
    )
    weights = films.class_weights()
    assert weights.mean() == pytest.approx(1)
    for group in ("children", "adults"):
        members = groups == group
        normal, pneumonia = (weights[members & (labels == label)].sum() for label in (0, 1))
        assert normal == pytest.approx(pneumonia)
        assert normal + pneumonia == pytest.approx(members.sum())


def test_a_group_with_one_class_counts_as_half_of_a_balanced_group() -> None:
    labels = np.array([0, 1, 1, 1, 0, 0])
    groups = np.array(["children"] * 4 + ["adults"] * 2)
    films = replace(TrainingFilms.without_masks(np.zeros((6, 150, 150), np.uint8), labels), groups=groups)
    assert films.class_weights().tolist() == pytest.approx([2, 2 / 3, 2 / 3, 2 / 3, 0.5, 0.5])
