"""The arguments of `train.py`: folders of films and of lung masks."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from pneumonia.errors import DatasetError, UsageError
from pneumonia.learning.train_args import parse


@pytest.fixture
def films(tmp_path: Path) -> Path:
    root = tmp_path / "films" / "chest_xray"
    for split in ("train", "test"):
        for name in ("NORMAL", "PNEUMONIA"):
            (root / split / name).mkdir(parents=True)
            Image.new("L", (70, 70)).save(root / split / name / "film.png")
    return root


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    folder = tmp_path / "masks" / "lung_masks"
    folder.mkdir(parents=True)
    (folder / "masks.csv").write_text("mask,film,match_z\n", encoding="utf-8")
    return folder


def test_films_and_masks_may_lie_in_different_folders_in_any_order(films: Path, masks: Path) -> None:
    for roots in ((films, masks), (masks, films), (films.parent, masks.parent)):
        args = parse(["--data", *map(str, roots), "--recipe", "lungs", "--validate"])
        assert (args.data in {films, films.parent}, args.masks) == (True, masks)
    assert args.command == "python train.py --data films masks --recipe lungs --split official --seed 1"


def test_masks_beside_the_films_are_found(films: Path, masks: Path) -> None:
    masks.rename(films.parent / "lung_masks")
    assert parse(["--data", str(films), "--recipe", "lungs"]).masks == films.parent / "lung_masks"


def test_a_recipe_without_lung_head_reads_no_masks(films: Path, masks: Path) -> None:
    assert parse(["--data", str(films), str(masks)]).masks is None


def test_a_recipe_with_lung_head_needs_masks(films: Path) -> None:
    with pytest.raises(UsageError, match=r"lungs needs lung masks.*masks\.csv"):
        parse(["--data", str(films), "--recipe", "lungs"])


def test_a_folder_without_films_is_refused(masks: Path) -> None:
    with pytest.raises(DatasetError, match="expected layout"):
        parse(["--data", str(masks)])
