"""Scores of held-out films: written by a validation run, read by the run that calibrates on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pneumonia.errors import UsageError
from pneumonia.evaluation.operating_points import calibrate
from pneumonia.learning.held_out_scores import FILE, read_held_out_scores, write_held_out_scores


def test_the_scores_of_several_runs_are_joined_in_order(tmp_path: Path) -> None:
    blocks = [tmp_path / "order5" / f"fold{number}" for number in (0, 4)]
    for number, folder in enumerate(blocks):
        folder.mkdir(parents=True)
        write_held_out_scores(folder, np.array([0, 1, 1]), np.array([0.1, 0.8, 0.9]) - 0.05 * number)
    held_out = read_held_out_scores(blocks)
    assert held_out is not None
    assert held_out.labels.tolist() == [0, 1, 1, 0, 1, 1]
    np.testing.assert_allclose(held_out.scores, [0.1, 0.8, 0.9, 0.05, 0.75, 0.85])
    assert held_out.runs == ("order5/fold0", "order5/fold4")


def test_no_run_means_no_scores() -> None:
    assert read_held_out_scores([]) is None


@pytest.mark.parametrize(
    "content", [None, "", "{}", '{"labels": [0, 1], "scores": [0.5]}', '{"labels": [1], "scores": [0.5]}']
)
def test_a_folder_without_valid_scores_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / FILE).write_text(content)
    with pytest.raises(UsageError, match="Invalid run to calibrate on"):
        read_held_out_scores([tmp_path])


def test_overconfident_scores_get_a_smaller_slope_on_held_out_films() -> None:
    """The reason for the option: on films like the training films the scores look better than elsewhere."""
    random = np.random.default_rng(1)
    labels = np.repeat([0, 1], 500)
    near, far = (1 / (1 + np.exp(-(shift * (2 * labels - 1) + random.normal(0, 2, 1000)))) for shift in (4, 2))
    assert calibrate(labels, far, balanced=True).slope < 0.8 * calibrate(labels, near, balanced=True).slope
