"""The command `evaluate`: figures beside those of the card, and folders that cannot be evaluated."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from pneumonia import cli
from pneumonia.evaluation import metrics
from pneumonia.inference import bundle, sources

from .conftest import WriteFilms


@pytest.fixture
def labelled(tmp_path: Path, write_films: WriteFilms) -> Path:
    """Six films of five patients in Kaggle's layout, test split only."""
    names = {
        "test/NORMAL": ["IM-0001-0001.jpeg", "NORMAL2-IM-0002-0001.jpeg", "IM-0003-0001.jpeg"],
        "test/PNEUMONIA": ["person1_virus_1.jpeg", "person1_virus_2.jpeg", "person2_bacteria_3.jpeg"],
    }
    return write_films(tmp_path / "data", names)


@pytest.fixture
def few_replicates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer bootstrap replicates: 2,000 take 5 s and are tested elsewhere."""
    monkeypatch.setattr(metrics, "bootstrap_weights", partial(metrics.bootstrap_weights, replicates=20))


@pytest.mark.usefixtures("few_replicates")
def test_evaluate_prints_every_figure_and_writes_its_results(
    labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "out"
    assert cli.main(["evaluate", "--data", str(labelled), "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert "6 films: test/NORMAL 3, test/PNEUMONIA 3" in text
    for word in ("the card (other films)", "accuracy", "auroc", "gated_accuracy", "screening", "confirm"):
        assert word in text
    assert {path.name for path in out.iterdir()} == {bundle.EVALUATION, "curves.png"}
    [entry] = json.loads((out / bundle.EVALUATION).read_bytes())["runs"].values()
    assert entry["films"] == {"total": 6, "bacterial": 1, "normal": 3, "viral": 2}
    assert entry["patients"] == 5
    with Image.open(out / "curves.png") as picture:
        assert picture.format == "PNG"


@pytest.mark.slow
@pytest.mark.usefixtures("few_replicates")
def test_evaluate_on_the_cards_own_films_fails_where_the_figures_differ(
    labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 0 if all figures agree with the card of the same films; 1 and a message if one differs."""
    out, folder = tmp_path / "out", Path(shutil.copytree(sources.EMBEDDED_FOLDER, tmp_path / "mine"))
    cli.main(["evaluate", "--data", str(labelled), "--out", str(out)])
    evaluation = json.loads((out / bundle.EVALUATION).read_bytes())
    for error, code in ((0.0, 0), (0.01, 1)):
        next(iter(evaluation["runs"].values()))["figures"]["brier"]["value"] += error
        (folder / bundle.EVALUATION).write_text(json.dumps(evaluation))
        bundle.write_config(folder, bundle.read_config(folder)[0])
        assert cli.main(["evaluate", "--data", str(labelled), "--model", str(folder)]) == code
    assert "Do not use this installation" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["missing", "empty", "other layout", "one class"])
def test_evaluate_on_a_wrong_folder_states_the_expected_layout(
    tmp_path: Path, write_films: WriteFilms, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    if kind != "missing":
        data.mkdir()
    if kind == "other layout":
        write_films(data, {"normal": ["a.png"], "sick": ["b.png"]})
    if kind == "one class":
        write_films(data, {"test/NORMAL": ["a.png"]})
    assert cli.main(["evaluate", "--data", str(data)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    for word in (
        "dataset_layout: ",
        "Expected: ",
        "test/PNEUMONIA",
        "Received: ",
        str(data),
        "https://www.kaggle.com/",
    ):
        assert word in err


@pytest.mark.usefixtures("few_replicates")
@pytest.mark.parametrize("broken", ["NORMAL", "PNEUMONIA", "*"])
def test_evaluate_with_an_unreadable_class_is_not_an_internal_error(
    labelled: Path, tmp_path: Path, broken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in labelled.glob(f"test/{broken}/*"):
        path.write_bytes(b"broken")
    assert cli.main(["evaluate", "--data", str(labelled), "--out", str(tmp_path / "out")]) in {0, 2}
    assert "internal" not in capsys.readouterr().err
