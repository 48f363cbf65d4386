"""Recipes are found by name: user recipes first, then the experiments of the search. No Keras is imported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pneumonia.errors import UsageError
from pneumonia.learning import recipe, train_args

EXPERIMENTS = [
    "adults_surroundings",
    "compact",
    "flat",
    "lungs",
    "lungs_children",
    "lungs_joint",
    "small",
    "small_bordered",
    "small_filters",
    "small_finer",
    "small_geometry",
    "small_unchanged",
    "small_undropped",
    "wide",
    "wide_bordered",
]


@pytest.fixture
def film_folder(tmp_path: Path) -> Path:
    """The smallest folder that `train.py` accepts: file names are read, pixels are not."""
    for split in ("train", "val", "test"):
        for label in ("NORMAL", "PNEUMONIA"):
            (tmp_path / split / label).mkdir(parents=True)
            (tmp_path / split / label / "1.png").touch()
    return tmp_path


def test_names_lists_the_user_recipes_and_no_experiment() -> None:
    assert recipe.names() == ["adults", "default", "seed"]
    assert recipe.experiment_names() == EXPERIMENTS


@pytest.mark.parametrize("name", ["adults", "default", "seed", *EXPERIMENTS])
def test_every_listed_recipe_is_found_by_its_own_name(name: str) -> None:
    assert recipe.get(name).name == name


@pytest.mark.parametrize("name", ["best", "experiments", "experiments.small", "../recipe", ""])
def test_an_unknown_recipe_is_refused_with_both_lists(name: str) -> None:
    with pytest.raises(UsageError) as raised:
        recipe.get(name)
    for allowed in (*recipe.names(), *recipe.experiment_names()):
        assert allowed in raised.value.message
    assert raised.value.message.endswith(f"Received: {name!r}.")


def test_an_experiment_is_accepted_on_the_command_line(film_folder: Path) -> None:
    command = ["--data", str(film_folder), "--recipe", "small", "--split", "order5", "--fold", "4", "--validate"]
    args = train_args.parse(command)
    assert args.recipe == recipe.get("small")
    assert (args.protocol, args.fold, args.validate) == ("order5", 4, True)
    assert args.out == Path("runs/small-order5")


def test_help_names_the_user_recipes_and_where_the_experiments_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        train_args.parse(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "adults, default, seed" in text
    assert "docs/experiments.md" in text
    assert "small_bordered" not in text


def test_a_checkpoint_does_not_depend_on_the_share_of_undecided_films() -> None:
    default = recipe.get("default")
    assert repr(replace(default, max_undecided=0.3)) == repr(default)
    assert repr(replace(default, epochs=1)) != repr(default)
