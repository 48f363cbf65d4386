"""Films of NIH with age and view, and the audit of AP against PA."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pneumonia import Predictor
from pneumonia.errors import DatasetError
from pneumonia.evaluation.nih_films import list_nih
from pneumonia.evaluation.projection_audit import projection_audit, projection_figures
from tests.support.made_models import lungs, reader_of

WriteFilms = Callable[[Path, dict[str, list[str]]], Path]

HEADER = "image,part,age,view,patient,google_airspace_opacity,rsna_called_normal"
ROWS = [
    "00000001_000.png,report,36,AP,1,,",
    "00000002_000.png,report,40,PA,2,,",
    "00000003_000.png,report,4,PA,3,,",
    "00000004_000.png,report,70,AP,4,,yes",
    "00000005_000.png,gate_dev,50,PA,5,,",
    "00000006_000.png,report,,,6,,",
    "00000007_000.png,report,60,PA,7,,",
]


@pytest.fixture
def nih(tmp_path: Path, write_films: WriteFilms) -> Path:
    """A data folder with six of the seven films of the table."""
    folder = tmp_path / "external" / "nih"
    names = {
        "report/NORMAL": ["00000001_000.jpg", "00000002_000.jpg", "00000003_000.jpg"],
        "report/PNEUMONIA": ["00000004_000.jpg", "00000006_000.jpg"],
        "gate_dev/PNEUMONIA": ["00000005_000.jpg"],
    }
    write_films(folder, names)
    (folder / "ages.csv").write_text("\n".join([HEADER, *ROWS]) + "\n")
    return tmp_path


def test_the_films_have_age_view_and_second_reading(nih: Path) -> None:
    films = list_nih(nih)
    assert [film.age for film in films] == [36, 40, 4, 70, 50, None]
    assert [film.view for film in films] == ["AP", "PA", "PA", "AP", "PA", ""]
    assert [film.film.label for film in films] == [0, 0, 0, 1, 1, 1]
    assert [film.called_normal for film in films] == [False, False, False, True, False, False]
    assert films[0].film.strict_key == "nih1"
    assert len(list_nih(nih, ("gate_dev",))) == 1


def test_a_folder_without_table_or_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"external/nih/ages\.csv"):
        list_nih(tmp_path)
    (tmp_path / "ages.csv").write_text("image,part\n")
    with pytest.raises(DatasetError, match="rsna_called_normal"):
        list_nih(tmp_path)
    (tmp_path / "ages.csv").write_text("\n".join([HEADER, *ROWS]))
    with pytest.raises(DatasetError, match="No film"):
        list_nih(tmp_path)


def values(figures: dict[str, dict[str, float | None]]) -> dict[str, float | None]:
    return {name: figure["value"] for name, figure in figures.items()}


def test_a_score_that_is_the_projection_reads_it_and_says_nothing_within_a_view() -> None:
    view = np.array(["AP", "PA"] * 4)
    labels = np.array([0, 0, 1, 1] * 2)
    patients = np.array([str(index) for index in range(8)])
    figures = projection_figures((view == "AP").astype(float), labels, view, patients)
    assert values(figures["reads_view"]) == {
        "Normal": 1.0,
        "Pneumonia": 1.0,
    }
    assert values(figures["by_view"]) == {"AP": 0.5, "PA": 0.5}
    assert figures["films"] == {"Normal AP": 2, "Normal PA": 2, "Pneumonia AP": 2, "Pneumonia PA": 2}
    figures = projection_figures(labels.astype(float), labels, view, patients)
    assert values(figures["reads_view"]) == {
        "Normal": 0.5,
        "Pneumonia": 0.5,
    }
    assert values(figures["by_view"]) == {"AP": 1.0, "PA": 1.0}


def test_a_missing_side_has_no_figure() -> None:
    view, labels = np.array(["AP", "AP"]), np.array([0, 0])
    figures = projection_figures(np.array([0.1, 0.2]), labels, view, np.array(["1", "2"]))
    assert figures["reads_view"]["Normal"]["value"] is figures["by_view"]["PA"]["value"] is None


def test_the_audit_has_adults_with_a_known_view_only(nih: Path, predictor: Predictor) -> None:
    model = reader_of(predictor.models[0].bundle, lungs())
    entry = projection_audit(model, nih, quiet=True)
    assert entry["films"] == {"Normal AP": 1, "Normal PA": 1, "Pneumonia AP": 1, "Pneumonia PA": 1}
    assert projection_audit(model, nih / "external" / "nih" / "report", quiet=True) == {}
