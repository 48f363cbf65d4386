"""Shortcut audit: hidden regions, swapped cues, and location of the activation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumonia import Predictor
from pneumonia.evaluation import shortcuts
from pneumonia.evaluation.dataset import FilmSet, load_films
from pneumonia.evaluation.lung_regions import BOXES, PREDICTED, lung_boxes
from pneumonia.inference import explain
from tests.support.made_models import lungs, reader_of

from .conftest import film_set


@pytest.fixture(scope="module")
def films(four_films: Path) -> FilmSet:
    return load_films(four_films, ("test",), quiet=True)


def test_the_lung_boxes_are_those_of_the_zones() -> None:
    mask = lung_boxes(150)
    inside = explain.zone_shares(mask.astype(np.float32))
    assert sum(inside.values()) == pytest.approx(1.0, abs=0.01)
    assert sum(explain.zone_shares(np.ones((150, 150), np.float32)).values()) == pytest.approx(mask.mean(), abs=0.01)


def test_the_border_is_the_outer_part_of_the_film() -> None:
    mask = shortcuts.border(150)
    assert mask[:22].all() and mask[-22:].all() and mask[:, :22].all() and mask[:, -22:].all()
    assert not mask[24:-24, 24:-24].any()


def test_hiding_the_lungs_changes_only_the_lung_boxes() -> None:
    grain = np.random.default_rng(0).integers(1, 255, (3, 150, 150), dtype=np.uint8)
    mask = lung_boxes(150)
    masks = np.broadcast_to(mask, grain.shape)
    black, mean = (shortcuts.HIDDEN[name](grain, masks) for name in ("lungs black", "lungs at the film's mean"))
    assert not black[:, mask].any()
    assert (mean[:, mask] == grain.mean(axis=(1, 2)).round()[:, None]).all()
    for hidden in (black, mean):
        assert np.array_equal(hidden[:, ~mask], grain[:, ~mask])


def test_hiding_all_but_the_border_retains_the_border() -> None:
    film = np.full((1, 150, 150), 200, np.uint8)
    hidden = shortcuts.HIDDEN["border alone, the rest black"](film, film > 255)[0]
    assert np.array_equal(hidden > 0, shortcuts.border(150))


def test_the_two_variants_of_a_swap_are_reversed() -> None:
    for first, second in (swap.values() for swap in shortcuts.SWAPS.values()):
        film = Image.fromarray(np.random.default_rng(1).integers(0, 255, (300, 400), dtype=np.uint8))
        variant, reversed_variant = ([np.asarray(change(film)) for change in pair] for pair in (first, second))
        assert np.array_equal(variant[0], reversed_variant[1]) and np.array_equal(variant[1], reversed_variant[0])
        assert variant[0].shape != variant[1].shape or not np.array_equal(variant[0], variant[1])


def test_the_aspect_crop_exchanges_the_aspect_ratios() -> None:
    """The remaining range of a ramp is the share that was retained: of the height for normal films, else of width."""
    narrow, wide = shortcuts.ASPECTS
    pair = shortcuts.SWAPS["aspect"]["normal wider, pneumonia narrower"]
    ramp = np.tile(np.linspace(0, 255, 1000), (1000, 1)).astype(np.uint8)
    normal, pneumonia = np.asarray(pair[0](Image.fromarray(ramp.T))), np.asarray(pair[1](Image.fromarray(ramp)))
    assert np.ptp(normal[:, 500]) / 255 == pytest.approx(narrow / wide, abs=0.01)
    assert np.ptp(pneumonia[500]) / 255 == pytest.approx(narrow / wide, abs=0.01)


def test_activation_is_grouped_by_class_and_empty_maps_are_counted_separately() -> None:
    films = film_set([f"test/NORMAL/IM-000{n}-0001.png" for n in range(3)] + ["test/PNEUMONIA/person1_virus_1.png"])
    audit = shortcuts.activation(films, np.array([0.2, 0.4, np.nan, 0.9]), 0.4, np.ones((2, 4)))
    assert audit["without"] == 1
    assert {name: row["count"] for name, row in audit["films"].items()} == {"all": 3, "Normal": 2, "Pneumonia": 1}
    assert audit["films"]["Normal"]["median"] == pytest.approx(0.3)
    assert audit["films"]["Normal"]["at_least_half"]["value"] == 0.0
    assert audit["films"]["all"]["at_least_half"]["value"] == pytest.approx(1 / 3, abs=1e-5)


def test_a_class_without_any_activation_has_no_quartiles() -> None:
    films = film_set(["test/NORMAL/IM-0001-0001.png", "test/PNEUMONIA/person1_virus_1.png"])
    audit = shortcuts.activation(films, np.array([np.nan, 0.9]), 0.4, np.ones((2, 2)))
    assert audit["films"]["Normal"] == {"count": 0}


def test_the_audit_has_a_row_for_every_experiment(predictor: Predictor, films: FilmSet) -> None:
    audit = shortcuts.shortcuts(predictor.models[0], films, quiet=True)
    assert set(audit["hidden"]) == set(shortcuts.HIDDEN)
    expected = {cue: set(swap) for cue, swap in shortcuts.SWAPS.items()} | {"border": {shortcuts.FOREIGN_BORDER}}
    assert {cue: set(swap) for cue, swap in audit["swaps"].items()} == expected
    rows = [
        audit["baseline"],
        *audit["hidden"].values(),
        *(row for swap in audit["swaps"].values() for row in swap.values()),
    ]
    assert all(set(row) == {"auroc", "accuracy"} for row in rows)
    assert audit["activation"]["films"]["all"]["count"] + audit["activation"]["without"] == 4
    has_field = "lung_targets" in predictor.models[0].bundle.config["data"]
    assert audit["activation"]["region"] == (PREDICTED if has_field else BOXES)
    if not has_field:
        assert audit["activation"]["chance"] == pytest.approx(0.44, abs=0.01)


def test_with_a_predicted_lung_field_the_lungs_are_that_field(predictor: Predictor, films: FilmSet) -> None:
    model = reader_of(predictor.models[0].bundle, lungs(), with_field=True)
    audit = shortcuts.shortcuts(model, films, quiet=True)
    assert audit["activation"]["region"] == PREDICTED
    assert audit["activation"]["films"]["all"]["median"] == 1.0
    assert audit["hidden"]["lungs black"]["auroc"]["value"] == 0.5
