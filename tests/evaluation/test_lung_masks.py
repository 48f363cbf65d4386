"""Lung masks: paired by the table, stretched like the films, dropped where the pair is doubtful."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from pneumonia.evaluation.dataset import FilmSet, LabelledFilm
from pneumonia.evaluation.lung_masks import find_folder, load_masks

NAMES = ("IM-0001-0001.jpeg", "IM-0002-0001.jpeg", "IM-0003-0001.jpeg")


def films() -> FilmSet:
    listed = tuple(LabelledFilm(Path("films/train/NORMAL") / name, "train", 0) for name in NAMES)
    return FilmSet(listed, np.zeros((3, 150, 150), np.uint8), ("a", "b", "c"), ())


def write_masks(root: Path) -> None:
    """Masks of the first two films; that of the second is a doubtful match."""
    (root / "lung_masks" / "train").mkdir(parents=True)
    mask = np.zeros((200, 300), bool)
    mask[40:120, 30:120] = True
    rows = ["mask,film,match_z"]
    for name, z in zip(NAMES[:2], ("1.2", "-0.3"), strict=True):
        Image.fromarray(mask).save(root / "lung_masks" / "train" / f"{name}.png")
        rows.append(f"train/{name}.png,chest_xray/train/NORMAL/{name},{z}")
    (root / "lung_masks" / "masks.csv").write_text("\n".join(rows), encoding="utf-8")


def test_a_mask_is_stretched_to_its_film_and_a_doubtful_match_is_not_used(tmp_path: Path) -> None:
    write_masks(tmp_path)
    lung_masks = load_masks(find_folder(tmp_path), films())
    assert lung_masks.has_mask.tolist() == [True, False, False]
    rows, columns = np.nonzero(lung_masks.masks[0] > 127)
    assert (rows.min(), rows.max()) == (30, 89)
    assert (columns.min(), columns.max()) == (15, 59)
    assert not lung_masks.masks[1:].any()
    assert lung_masks.subset(np.array([2, 0])).has_mask.tolist() == [False, True]


def test_without_a_folder_no_film_has_a_mask(tmp_path: Path) -> None:
    assert find_folder(tmp_path) is None
    assert not load_masks(None, films()).has_mask.any()
