"""Answers to mirrored and rotated films."""

from __future__ import annotations

import numpy as np

from pneumonia import Predictor
from pneumonia.evaluation.orientation_audit import ORIENTATIONS, orientation_audit, table
from tests.support.made_models import Grey, MadeModel, made_films

MAP = np.ones((12, 12), np.float32)


def test_a_model_that_reads_one_side_changes_its_answer_when_the_film_is_mirrored(predictor: Predictor) -> None:
    """The left side of the films is darker than the right one; at the top they are as bright as at the bottom."""
    films = made_films()
    films.inputs[:] = 100
    films.inputs[:, :, :75] = 50
    rows = orientation_audit(MadeModel(predictor.models[0].bundle, _left_is_dark, MAP), films, quiet=True)
    assert list(rows) == ["upright", *ORIENTATIONS]
    assert all(row["refused"]["value"] == 1.0 for row in rows.values())
    assert rows["mirrored"]["count"] == 0 and "same" not in rows["mirrored"]
    assert len(table(rows).rows) == len(rows)


def test_films_that_the_gate_accepts_are_compared(predictor: Predictor, normal_film: Grey) -> None:
    films = made_films()
    films.inputs[:] = normal_film
    films.inputs[:, :, :75] //= 2
    model = _Accepting(predictor.models[0].bundle, _left_is_dark, MAP)
    rows = orientation_audit(model, films, quiet=True)
    mirrored = rows["mirrored"]
    assert (mirrored["count"], mirrored["missed"], mirrored["raised"]) == (len(films.labels), len(films.labels), 0)
    assert mirrored["same"]["value"] == 0.0 and mirrored["difference"] == [0.8, 0.8]
    assert table(rows).rows[1][3] != ""


def _left_is_dark(film: Grey) -> float:
    return 0.9 if film[:, :75].mean() < film[:, 75:].mean() else 0.1


class _AcceptAll:
    def check(self, input_image: Grey) -> None:
        return None


class _Accepting(MadeModel):
    """A model whose gate accepts everything."""

    @property
    def gate(self) -> _AcceptAll:  # type: ignore[override]
        return _AcceptAll()
