"""The arguments of `train.py`: folders of films and of lung masks, and which data sets a recipe needs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from pneumonia.errors import DatasetError, UsageError
from pneumonia.learning import recipe
from pneumonia.learning.data_folders import DataFolders
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


@pytest.fixture
def adults(tmp_path: Path) -> Path:
    folder = tmp_path / "more" / "adults"
    folder.mkdir(parents=True)
    rows = ["path,set,label,reading,patient,orientation_suspect"]
    for source, label in (("siim", "NORMAL"), ("siim", "PNEUMONIA"), ("rsna_normal", "NORMAL")):
        name = f"{source}-{label}.png"
        (folder / name).touch()
        rows.append(f"{name},{source},{label},read,{name},")
    (folder / "films.csv").write_text("\n".join(rows), encoding="utf-8")
    return folder


def test_films_and_masks_may_lie_in_different_folders_in_any_order(films: Path, masks: Path) -> None:
    for roots in ((films, masks), (masks, films), (films.parent, masks.parent)):
        args = parse(["--data", *map(str, roots), "--recipe", "lungs", "--validate"])
        assert args.data.kermany in {films, films.parent}
        assert (args.data.masks, args.data.notices) == (masks, ())
    assert args.command == "python train.py --data films masks --recipe lungs --split official --seed 1"


def test_data_sets_beside_the_films_are_found(films: Path, masks: Path, adults: Path) -> None:
    masks.rename(films.parent / "lung_masks")
    adults.rename(films.parent / "adults")
    data = parse(["--data", str(films), "--recipe", "adults"]).data
    assert data == DataFolders(films, films.parent / "adults", films.parent / "lung_masks")


def test_one_folder_may_contain_all_data_sets(films: Path, masks: Path, adults: Path) -> None:
    masks.rename(films.parent / "lung_masks")
    adults.rename(films.parent / "adults")
    for name in ("lungs", "adults"):
        data = parse(["--data", str(films.parent), "--recipe", name]).data
        assert data == DataFolders(films.parent, films.parent / "adults", films.parent / "lung_masks")


def test_a_recipe_without_lung_head_reads_no_masks(films: Path, masks: Path) -> None:
    assert parse(["--data", str(films), str(masks), "--recipe", "seed"]).data.masks is None


def test_a_recipe_with_lung_head_trains_without_masks(films: Path) -> None:
    assert parse(["--data", str(films), "--recipe", "lungs"]).data.masks is None


def test_a_recipe_for_adults_needs_adults(films: Path) -> None:
    with pytest.raises(UsageError, match=r"adults needs films of adults.*adults/films\.csv.*Received: --data"):
        parse(["--data", str(films), "--recipe", "adults"])


def test_a_recipe_for_adults_trains_without_children_and_says_so(adults: Path) -> None:
    data = parse(["--data", str(adults.parent), "--recipe", "lungs_joint"]).data
    assert (data.kermany, data.adults) == (None, adults)
    assert [notice.split(" are missing")[0] for notice in data.notices] == ["The films of the source kermany"]


def test_a_recipe_for_children_trains_without_adults_and_says_so(
    films: Path, adults: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_adults = replace(recipe.get("lungs"), training_sources=("kermany", "rsna_normal"))
    monkeypatch.setattr(recipe, "get", lambda _: with_adults)
    command = ["--data", str(films), str(adults)]
    assert parse(command).data.notices == ()
    (adults / "siim-NORMAL.png").unlink()
    (adults / "siim-PNEUMONIA.png").unlink()
    assert parse(command).data.notices == (), "nobody needs SIIM's films for a recipe that does not learn from them"
    (adults / "rsna_normal-NORMAL.png").unlink()
    for data in (parse(command).data, parse(command[:2]).data):
        assert [notice.split(" are missing")[0] for notice in data.notices] == ["The films of the source rsna_normal"]


def test_one_class_of_adults_is_not_enough_for_their_recipe(adults: Path) -> None:
    (adults / "siim-NORMAL.png").unlink()
    (adults / "siim-PNEUMONIA.png").unlink()
    with pytest.raises(DatasetError, match=r"no film of the class PNEUMONIA.*Received: rsna_normal"):
        parse(["--data", str(adults), "--recipe", "adults"])


def test_a_recipe_has_the_protocols_of_its_population(films: Path, adults: Path) -> None:
    assert parse(["--data", str(films)]).protocol == "official"
    adult_args = parse(["--data", str(films), str(adults), "--recipe", "adults"])
    assert (adult_args.protocol, adult_args.out) == ("adults", Path("runs/adults-adults"))
    assert "--split adults" in adult_args.command
    for name, protocol in (("adults", "official"), ("default", "adults")):
        with pytest.raises(UsageError, match=f"is for .*Allowed: --split .*Received: --split {protocol}"):
            parse(["--data", str(films), str(adults), "--recipe", name, "--split", protocol])


def test_a_folder_without_films_is_refused(masks: Path) -> None:
    with pytest.raises(DatasetError, match="expected layout"):
        parse(["--data", str(masks)])
