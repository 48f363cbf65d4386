"""The deletion test distinguishes a faithful activation map from an unfaithful one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from benchmarks import deletion
from pneumonia.inference.model import Score

Film = npt.NDArray[np.uint8]
Map = npt.NDArray[np.float32]

GRAIN = np.random.default_rng(5).integers(0, 256, (150, 150), dtype=np.uint8)
FILM: Film = np.repeat(GRAIN[:, :, None], 3, axis=2)
CORNER = np.zeros((150, 150), bool)
CORNER[:67, :67] = True
"""A fifth of the film; the network of these tests depends only on the noise in this region."""


def network(activation_map: Map) -> Callable[[Film], Score]:
    """A network whose probability drops when the noise of the corner is hidden; its map may point elsewhere."""

    def score(film: Film) -> Score:
        return Score(1 / (1 + float(np.exp(3 - film[CORNER].std() / 20))), activation_map, None)

    return score


def faithful() -> Map:
    shares: Map = CORNER.reshape(30, 5, 30, 5).mean(axis=(1, 3), dtype=np.float32)
    return shares


@pytest.mark.parametrize("side", [5, 18, 150])
def test_a_fifth_is_hidden_for_any_size_of_the_map(side: int) -> None:
    activation = np.random.default_rng(side).random((side, side)).astype(np.float32)
    mask = deletion.strongest_mask(activation)
    assert mask.sum() == 0.2 * 150 * 150
    enlarged = np.repeat(np.repeat(activation, 150 // side, 0), 150 // side, 1) if 150 % side == 0 else None
    if enlarged is not None and side > 5:
        assert enlarged[mask].min() >= enlarged[~mask].max()


def test_a_random_mask_has_the_same_area_and_varies() -> None:
    generator = np.random.default_rng(0)
    masks = [deletion.random_mask(CORNER, generator) for _ in range(20)]
    assert {int(mask.sum()) for mask in masks} == {int(CORNER.sum())}
    assert len({mask.tobytes() for mask in masks}) > 15


@pytest.mark.parametrize("fill", deletion.FILLS)
def test_hiding_changes_nothing_outside_the_mask(fill: str) -> None:
    hidden = deletion.hide(FILM, CORNER, fill)
    np.testing.assert_array_equal(hidden[~CORNER], FILM[~CORNER])
    assert hidden[CORNER].std() < FILM[CORNER].std() / 4


@pytest.mark.parametrize("fill", deletion.FILLS)
def test_only_a_faithful_map_exceeds_the_random_drop(fill: str) -> None:
    generator = np.random.default_rng(1)
    strongest, random = deletion.log_odds_drops(FILM, network(faithful()), fill, generator)
    assert strongest > 2 * random > 0
    strongest, random = deletion.log_odds_drops(FILM, network(faithful()[::-1, ::-1]), fill, generator)
    assert strongest < random


def test_the_summary_averages_films_and_resamples_patients() -> None:
    drops = np.array([[3.0, 1.0], [2.0, 1.0], [0.0, 1.0], [1.0, 1.0]])
    summary = deletion.summary(drops, np.array(["a", "a", "b", "c"]))
    assert summary["strongest"]["value"] == 1.5
    assert summary["difference"]["value"] == 0.5
    assert summary["films_above_random"]["value"] == 0.5
    low, high = summary["difference"]["low"], summary["difference"]["high"]
    assert low is not None
    assert high is not None
    assert low < 0.5 < high


def test_it_uses_only_training_films_with_pneumonia(
    tmp_path: Path,
    write_films: Callable[[Path, dict[str, list[str]]], Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    positive = ["person1_bacteria_1.png", "person1_bacteria_2.png", "person2_virus_1.png"]
    root = write_films(tmp_path, {"train/NORMAL": ["IM-0001-0001.png"], "train/PNEUMONIA": positive})
    json_path = tmp_path / "found.json"
    assert deletion.main(["--data", str(root), "--films", "9", "--model", "", "--json", str(json_path)]) == 0
    out = capsys.readouterr().out
    assert "3 films with pneumonia of 2 patients" in out
    assert out.count("\n| ") == 3
    assert json_path.read_text().startswith('{\n "model"')


def test_without_films_the_error_states_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert deletion.main([]) == 2
    assert "--data DIR" in capsys.readouterr().err
