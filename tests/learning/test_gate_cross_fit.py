"""Cross-fitted figures of the gates, on small synthetic films."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pneumonia.evaluation.dataset import FilmSet, LabelledFilm
from pneumonia.inference.gate import Assessment
from pneumonia.learning import gate_classifier_fit, gate_cross_fit
from pneumonia.learning.gate_cross_fit import cross_fit, outcome
from tests.learning.synthetic_films import narrow_films, synthetic_films

FILMS = 100
"""Of each population; with fewer, the gates accept too few of the other half."""


class FixedGate:
    """A gate that accepts upright films (dark at the top) with a fixed resemblance."""

    def __init__(self, resemblance: float | None) -> None:
        self.resemblance = resemblance

    def assess(self, features: Any) -> Assessment:
        upright = features.views["brightness"][0, 0] < 0
        accepted = upright and self.resemblance is not None
        return Assessment(None if accepted else "unlike_training_films", self.resemblance or -9.0, 0.0)


RAMP = np.repeat(np.tile(np.arange(150, dtype=np.uint8)[:, None], (1, 150))[:, :, None], 3, axis=2)


@pytest.mark.parametrize(
    ("children", "adults", "expected"),
    [
        (3.0, None, "children"),
        (None, 3.0, "adults"),
        (None, None, "refused"),
        (5.0, 1.0, "children"),
        (1.0, 5.0, "adults"),
        (2.0, 1.0, "population_unclear"),
    ],
)
def test_the_closer_gate_answers_if_the_difference_is_large_enough(
    children: float | None, adults: float | None, expected: str
) -> None:
    gates: Any = {"children": FixedGate(children), "adults": FixedGate(adults)}
    assert outcome(gates, RAMP, margin=2.0) == expected
    assert outcome(gates, 255 - RAMP, margin=2.0) == expected, "an inverted film is corrected"


def film_set(films: Any, *sources: str) -> FilmSet:
    listed = tuple(
        LabelledFilm(Path(f"{index}.png"), "train", index % 2, source=sources[index % len(sources)])
        for index in range(len(films))
    )
    return FilmSet(listed, films, tuple(map(str, range(len(films)))), ())


@pytest.mark.slow  # four gates with eigenvectors, and their networks
def test_each_film_is_measured_once_by_gates_that_do_not_know_it(monkeypatch: pytest.MonkeyPatch) -> None:
    families = {name: gate_cross_fit.FAMILIES[name] for name in ("orientations", "patterns")}
    monkeypatch.setattr(gate_cross_fit, "FAMILIES", families)
    monkeypatch.setattr(gate_cross_fit, "KIND_IMAGES", 2)
    monkeypatch.setattr(gate_cross_fit, "FITTED_KIND_IMAGES", 4)
    for name in ("MIN_FILMS_OF_SOURCE", "MIN_IMAGES_OF_KIND", "VARIANTS"):
        monkeypatch.setattr(gate_classifier_fit, name, 1)
    children = film_set(synthetic_films(FILMS, 1), "kermany")
    adults = film_set(narrow_films(FILMS, 1), "siim", "rsna_normal")
    tables = cross_fit(children, adults, {"further": synthetic_films(5, 9)}, {"real": 255 - synthetic_films(4, 8)})
    counts = {name: count.total() for name, count in tables["films"].items()}
    assert sum(count for name, count in counts.items() if name.startswith("kermany")) == FILMS
    assert sum(count for name, count in counts.items() if name.startswith(("siim", "rsna"))) == FILMS
    assert counts["further"] == 10, "once for each half"
    assert tables["films"]["kermany: normal"]["adults"] == 0
    assert set(tables["kinds"]) == {"real"} | {name for names in families.values() for name in names}
