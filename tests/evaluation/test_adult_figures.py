"""Figures of adult films by class, reading and source, on films whose figures can be counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pneumonia.evaluation.adult_figures import adult_figures
from pneumonia.evaluation.answers import answers_at, by_class
from pneumonia.evaluation.assess import FilmScores
from pneumonia.evaluation.dataset import FilmSet, LabelledFilm
from pneumonia.evaluation.metrics import bootstrap_weights
from pneumonia.inference.decision import OperatingPoint

POINT = OperatingPoint(0.4, 0.5, 0.6)
ROWS: tuple[tuple[str, str, int, float], ...] = (
    ("siim", "negative_for_pneumonia", 0, 0.1),
    ("siim", "negative_for_pneumonia", 0, 0.7),
    ("siim", "negative_for_pneumonia", 0, 0.5),
    ("siim", "negative_for_pneumonia", 0, 0.2),
    ("siim", "typical", 1, 0.9),
    ("siim", "typical", 1, 0.8),
    ("siim", "indeterminate", 1, 0.3),
    ("siim", "atypical", 1, 0.95),
    ("rsna_normal", "normal", 0, 0.05),
    ("rsna_normal", "normal", 0, 0.9),
)
"""(source, reading, label, P(pneumonia)) of each film; the gate refuses the last film of SIIM."""

REFUSED = np.array([row[1] == "atypical" for row in ROWS])
PROBABILITY = np.array([row[3] for row in ROWS])


@pytest.fixture(scope="module")
def films() -> FilmSet:
    listed = tuple(
        LabelledFilm(Path(f"{index}.png"), "adults", label, f"patient {index}", source, reading)
        for index, (source, reading, label, _) in enumerate(ROWS)
    )
    return FilmSet(listed, np.zeros((len(ROWS), 150, 150), np.uint8), tuple(map(str, range(len(ROWS)))), ())


@pytest.fixture(scope="module")
def figures(films: FilmSet) -> dict[str, Any]:
    scores = FilmScores(PROBABILITY, REFUSED, tuple("x" if refused else None for refused in REFUSED))
    return adult_figures(films, scores, {"balanced": POINT})


def values(entry: dict[str, Any], *names: str) -> list[float]:
    return [entry[name]["value"] for name in names]


def test_each_reading_has_its_answers(figures: dict[str, Any]) -> None:
    readings = figures["readings"]
    assert {name: entry["films"] for name, entry in readings.items()} == {
        "atypical": 1,
        "indeterminate": 1,
        "negative_for_pneumonia": 4,
        "normal": 2,
        "typical": 2,
    }
    assert values(readings["negative_for_pneumonia"], "Normal", "Pneumonia", "Unknown") == [0.5, 0.25, 0.25]
    assert values(readings["typical"], "Pneumonia", "answered_accuracy") == [1, 1]
    assert values(readings["atypical"], "Unknown", "answered") == [1, 0]
    assert readings["atypical"]["answered_accuracy"]["value"] is None


def test_the_auroc_compares_films_of_the_same_hospitals(figures: dict[str, Any]) -> None:
    """Of the 16 pairs of SIIM's films, the film of .3 loses to .7 and .5. RSNA's films take no part."""
    siim, healthy = figures["sources"]["siim"], figures["sources"]["rsna_normal"]
    assert siim["auroc"]["value"] == pytest.approx(14 / 16)
    assert siim["auroc_typical"]["value"] == 1
    assert figures["readings"]["indeterminate"]["auroc"]["value"] == 0.5
    assert "auroc" not in figures["readings"]["negative_for_pneumonia"]
    assert healthy["auroc"]["value"] == pytest.approx(5.5 / 8), "against SIIM's films with pneumonia"
    assert values(healthy, "answered", "answered_accuracy") == [1, 0.5]


def test_every_share_has_an_interval(figures: dict[str, Any]) -> None:
    for group in figures.values():
        for entry in group.values():
            figure = entry["answered"]
            assert figure["low"] <= figure["value"] <= figure["high"]


def test_both_classes_have_their_shares(films: FilmSet) -> None:
    answers = answers_at(PROBABILITY, REFUSED, POINT)
    assert answers.tolist()[:4] == ["Normal", "Pneumonia", "Unknown", "Normal"]
    classes = by_class(answers, films.labels, bootstrap_weights(films.strict_keys, replicates=20))
    assert values(classes["Normal"], "Normal", "Pneumonia", "Unknown", "answered") == pytest.approx(
        [3 / 6, 2 / 6, 1 / 6, 5 / 6], abs=1e-5
    )
    assert values(classes["Pneumonia"], "Normal", "Pneumonia", "Unknown", "answered_accuracy") == pytest.approx(
        [1 / 4, 2 / 4, 1 / 4, 2 / 3], abs=1e-5
    )
    for entry in classes.values():
        assert sum(values(entry, "Normal", "Pneumonia", "Unknown")) == pytest.approx(1, abs=1e-4)


def test_a_class_without_films_has_no_shares() -> None:
    labels = np.zeros(2, np.int64)
    answers = answers_at(np.array([0.1, 0.9]), np.zeros(2, bool), POINT)
    assert list(by_class(answers, labels, np.ones((3, 2)))) == ["Normal"]
