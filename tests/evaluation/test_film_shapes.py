"""The shapes of whole films beside the limits above which a film is taken for a part of one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumonia import imaging
from pneumonia.evaluation import cropped_films
from pneumonia.evaluation.dataset import FilmSet, LabelledFilm
from pneumonia.evaluation.film_shapes import aspects_by_source, limits, shape_table
from pneumonia.inference.cut_off_films import ASPECT_LIMITS, examine
from pneumonia.inference.populations import ADULTS, CHILDREN, Population

SIZES = {"a.png": (100, 150), "b.png": (200, 100), "c.png": (100, 100), "d.png": (100, 100)}


def write_films(folder: Path) -> FilmSet:
    """Four films, one of another source; the original sizes of two of them are in a table."""
    root = folder / "chest_xray" / "train" / "NORMAL"
    root.mkdir(parents=True)
    for name, size in SIZES.items():
        Image.new("L", size).save(root / name)
    rows = ["mask,film,original_width,original_height,match_z"]
    rows += [
        f"m/{name},chest_xray/train/NORMAL/{name},{width},300,-1" for name, width in (("c.png", 690), ("d.png", 90))
    ]
    (folder / "lung_masks").mkdir()
    (folder / "lung_masks" / "masks.csv").write_text("\n".join(rows), encoding="utf-8")
    films = tuple(LabelledFilm(root / name, "train", 0, source="siim" if name == "b.png" else "") for name in SIZES)
    return FilmSet(films, np.zeros((4, 150, 150), np.uint8), tuple(SIZES), ())


def test_a_film_has_the_size_of_the_table_or_of_its_file(tmp_path: Path) -> None:
    films = write_films(tmp_path)
    aspects = aspects_by_source(films, tmp_path / "lung_masks")
    assert {key: values.round(2).tolist() for key, values in aspects.items()} == {
        ("kermany", "files"): [1.5],
        ("kermany", "masks.csv"): [2.3, 3.33],
        ("siim", "files"): [2.0],
    }
    assert aspects_by_source(films, None)["kermany", "files"].tolist() == [1.5, 1.0, 1.0]


def test_the_table_counts_the_films_above_each_limit_of_the_service(tmp_path: Path) -> None:
    table = shape_table(aspects_by_source(write_films(tmp_path), tmp_path / "lung_masks")).splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    assert limits() == [1.5, 1.9, 2.2]
    assert rows[0][-4:] == ["longest", "above 1.5", "above 1.9", "above 2.2"]
    assert [(row[1], row[2], *row[-4:]) for row in rows[2:]] == [
        ("files", "1", "1.50", "0", "0", "0"),
        ("masks.csv", "2", "3.33", "2", "2", "2"),
        ("files", "1", "2.00", "1", "1", "0"),
    ]
    assert rows[-1][0] == "SIIM-FISABIO-RSNA (adults, Spain and USA)"


@pytest.mark.parametrize(
    ("population", "outcomes"), [(CHILDREN, ["", "", "warned"]), (ADULTS, ["", "warned", "refused"])]
)
def test_the_limits_of_the_table_are_those_of_the_service(population: Population, outcomes: list[str]) -> None:
    shown = []
    for height in (150, 185, 230):
        film = imaging.read(np.tile(np.linspace(0, 255, 100).astype(np.uint8), (height, 1)))
        examined, refusal = examine(film, None, population)
        shown.append("refused" if refusal else "warned" if len(examined.warnings) > len(film.warnings) else "")
    assert shown == outcomes
    assert {bound for limit in ASPECT_LIMITS.values() for bound in (limit.near, limit.far)} - {None} == set(limits())


def test_the_audit_prints_the_shapes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    films = write_films(tmp_path)
    split = type("Parts", (), {"train": np.arange(3), "validation": np.array([3])})()
    monkeypatch.setattr(cropped_films, "load_population", lambda model, data: (films, split))
    monkeypatch.setattr(cropped_films, "whole_film_table", lambda model, inputs: "whole")
    monkeypatch.setattr(cropped_films, "crop_table", lambda model, displays: "cropped")
    model = type("Model", (), {"population": CHILDREN})()
    heading, shapes, *others = cropped_films.audit(model, tmp_path, 1).split("\n\n")
    assert "above 2.2" in shapes and "masks.csv" in shapes
    assert others == ["whole", "cropped"]
