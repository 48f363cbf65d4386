"""Gates fitted without a block of collection order, on small synthetic films and on given measures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pneumonia.evaluation.dataset import FilmSet, LabelledFilm
from pneumonia.inference.gate_views import Features, join_views
from pneumonia.learning import gate_block_tables, gate_blocks, gate_classifier_fit
from pneumonia.learning.gate_block_tables import BlockFilms, by_block, by_rule, outcomes, to_markdown, without_age
from pneumonia.learning.gate_classifier_fit import Others
from pneumonia.learning.gate_fit import fit_gate
from pneumonia.learning.gate_kinds import FAMILIES
from pneumonia.learning.gate_rules import (
    CHECKS,
    KIND,
    POPULATION,
    RULES,
    Measured,
    fitted_rule,
    joint,
    measure,
    near_limits,
)
from tests.learning.synthetic_films import narrow_films, synthetic_films

RANDOM = np.random.default_rng(4)
VALIDATION = np.zeros((9, len(CHECKS)), np.float32)
VALIDATION[0] = 0.8


def measured(*films: dict[int, float]) -> Measured:
    """Films whose measures are 0 but for those given by column; each limit is 1."""
    rows = np.zeros((len(films), len(CHECKS)), np.float32)
    for row, values in zip(rows, films, strict=True):
        for column, value in values.items():
            row[column] = value
    return Measured(rows, VALIDATION, np.ones(len(CHECKS), np.float32))


@pytest.mark.slow  # eigenvectors of both views
def test_the_measures_of_many_films_are_those_of_the_gate() -> None:
    films = synthetic_films(60, 1)
    gate = fit_gate(films, synthetic_films(20, 2), Others({"narrow": narrow_films(40, 1)}, {"dark": films // 3}))
    rows = measure(gate, join_views(films[:3]))
    for film, row in zip(films, rows, strict=False):
        features = Features.of(np.repeat(film[:, :, None], 3, axis=2))
        values = gate.measures(features)
        np.testing.assert_allclose(row, [values[view][name] for view, name in CHECKS], rtol=1e-3, atol=1e-4)
        refused = fitted_rule(Measured(row[None], rows, near_limits(gate)))[0]
        assert refused == (gate.assess(features).reason is not None)


def test_a_film_above_one_limit_is_refused_as_fitted_and_accepted_by_a_joint_limit() -> None:
    films = measured({}, {0: 1.2}, dict.fromkeys((0, 1, 3, 4, KIND), 0.95), {0: 1.5}, {POPULATION: 1.5})
    assert fitted_rule(films).tolist() == [False, True, False, True, True]
    assert joint(1.0, 1.0)(films).tolist() == [False, False, True, True, True]


@pytest.mark.parametrize("name", [name for name in RULES if "joint" not in name])
def test_wider_limits_refuse_no_film_that_the_gate_accepts(name: str) -> None:
    films = Measured(
        RANDOM.normal(0.5, 0.5, (200, len(CHECKS))).astype(np.float32), VALIDATION, np.ones(len(CHECKS), np.float32)
    )
    assert not (RULES[name](films) & ~fitted_rule(films)).any()


def test_without_an_age_the_closer_gate_answers() -> None:
    children = measured({POPULATION: -4}, {POPULATION: 0}, {POPULATION: 0.5}, {0: 2}, {0: 2})
    adults = measured({POPULATION: 0}, {POPULATION: -4}, {POPULATION: 0}, {}, {1: 2})
    counts = outcomes(fitted_rule(children), children, adults)
    assert counts == {"children": 1, "adults": 2, "population_unclear": 1, "refused": 1}


def block(kinds: list[str], films: Measured) -> BlockFilms:
    accepted = measured(*({} for _ in kinds))
    adults = measured({POPULATION: 0.9}, {POPULATION: -4})
    return BlockFilms(
        np.array(kinds),
        films,
        accepted,
        accepted,
        {"siim": (adults, measured({}, {0: 9}))},
        {"hand": measured({0: 2}, {})},
    )


def test_the_tables_count_films_by_block_kind_and_check() -> None:
    blocks = [
        block(["normal", "viral"], measured({0: 2, 1: 2}, {})),
        block(["normal", "normal"], measured({}, {KIND: 2})),
    ]
    rows = {(row["name"], row["kind"]): row for row in by_block(blocks)}
    assert rows["block 0", "normal"]["by"]["brightness: residual"] == 1
    assert rows["all blocks", "normal"]["films"] == 3
    assert rows["all blocks", "all"]["refused"]["value"] == 0.5
    assert rows["validation films of the other blocks", "all"]["refused"]["value"] == 0
    ages = {row["name"]: row for row in without_age(blocks)}
    assert ages["normal"]["adults"]["value"] == pytest.approx(2 / 3, abs=1e-4)
    rule = by_rule(blocks)[0]
    assert rule["name"] == "as fitted"
    assert rule["other_kinds"] == {"hand": 0.5}
    assert rule["adults_as_children"] == {"siim": 0.5}
    text = to_markdown({"blocks": by_block(blocks), "without_age": without_age(blocks), "rules": by_rule(blocks)})
    assert "| block 0 | normal | 1 | 100.0 % " in text
    assert f"Refused: {gate_block_tables.ALL}" in text


def film_set(films: Any, source: str, names: list[str]) -> FilmSet:
    listed = tuple(
        LabelledFilm(Path(name), "train", "NORMAL" not in name and "IM" not in name, source=source) for name in names
    )
    return FilmSet(listed, films, tuple(map(str, range(len(films)))), ())


@pytest.mark.slow  # five gates with eigenvectors
def test_each_block_is_measured_by_a_gate_that_does_not_know_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_blocks, "KIND_IMAGES", 2)
    monkeypatch.setattr(gate_blocks, "FAMILIES", {"patterns": FAMILIES["patterns"]})
    for name in ("MIN_FILMS_OF_SOURCE", "MIN_IMAGES_OF_KIND", "VARIANTS"):
        monkeypatch.setattr(gate_classifier_fit, name, 1)
    names = [f"IM-{number:04}-0001.jpeg" for number in range(60)]
    names += [f"person{number}_virus_{number}.jpeg" for number in range(60)]
    children = film_set(synthetic_films(120, 1), "kermany", names)
    adults = film_set(narrow_films(60, 1), "rsna_normal", [f"{number}.png" for number in range(60)])
    adults_gate = fit_gate(narrow_films(40, 3), narrow_films(20, 4), Others({"wide": synthetic_films(40, 5)}))
    images = gate_blocks.other_images(children, adults, None)
    healthy = gate_blocks.healthy_training_films(adults)
    assert sum(map(len, images.adults.values())) + len(healthy.films) == 60
    blocks = gate_blocks.measure_blocks(children, healthy, images, adults_gate)
    assert [len(each.films.films) for each in blocks] == [24] * 5
    assert set(blocks[0].other_kinds) == set(FAMILIES["patterns"])
    assert len({tuple(each.films.near) for each in blocks}) == 5
