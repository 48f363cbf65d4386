"""Adult films: read by their table, split by patient."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumonia.errors import DatasetError
from pneumonia.evaluation.adults import find_folder, load_adults
from pneumonia.evaluation.protocols import ADULTS, splits

HEADER = "path,set,label,reading,patient,age,orientation_suspect"


def write_films(root: Path, rows: list[str], header: str = HEADER) -> Path:
    folder = root / "adults"
    folder.mkdir()
    for row in rows:
        Image.fromarray(np.full((160, 150), 90, np.uint8)).save(folder / row.split(",")[0])
    (folder / "films.csv").write_text("\n".join([header, *rows]), encoding="utf-8")
    return folder


def rows_of(patients: int) -> list[str]:
    """Two films of each patient; every second patient has pneumonia."""
    readings = ("NORMAL,negative_for_pneumonia", "PNEUMONIA,typical")
    return [
        f"{patient}-{film}.png,siim,{readings[patient % 2]},siim:{patient},,"
        for patient in range(patients)
        for film in range(2)
    ]


def test_films_have_class_reading_source_and_patient_of_the_table(tmp_path: Path) -> None:
    rows = [*rows_of(2), "healthy.png,rsna_normal,NORMAL,normal,nih:7,54,"]
    rows += ["other.png,nih_extra,other,other,nih:8,30,", "turned.png,siim,NORMAL,negative_for_pneumonia,siim:9,,rot90"]
    write_films(tmp_path, rows)
    folder = find_folder(tmp_path)
    assert folder is not None
    films = load_adults(folder, quiet=True)
    assert films.labels.tolist() == [0, 0, 1, 1, 0]
    assert films.kinds.tolist() == ["negative_for_pneumonia"] * 2 + ["typical"] * 2 + ["normal"]
    assert films.sources.tolist() == ["siim"] * 4 + ["rsna_normal"]
    assert films.strict_keys.tolist() == ["siim:0", "siim:0", "siim:1", "siim:1", "nih:7"]


def test_the_split_holds_out_a_fifth_of_the_patients(tmp_path: Path) -> None:
    films = load_adults(write_films(tmp_path, rows_of(70)), quiet=True)
    # All images are equal here. Copies would count as films of one patient.
    films = type(films)(films.films, films.inputs, tuple(map(str, range(len(films.films)))), ())
    (split,) = splits(films, ADULTS)
    parts = [set(films.patients[part]) for part in (split.train, split.validation, split.test)]
    assert [len(part) for part in parts] == [48, 8, 14]
    assert len(set.union(*parts)) == 70
    assert all(0.4 < films.labels[part].mean() < 0.6 for part in (split.train, split.validation, split.test))


def test_each_part_of_the_split_has_films_of_each_source_also_without_patients(tmp_path: Path) -> None:
    healthy = [f"healthy-{number}.png,rsna_normal,NORMAL,normal,,," for number in range(70)]
    films = load_adults(write_films(tmp_path, [*rows_of(70), *healthy]), quiet=True)
    films = type(films)(films.films, films.inputs, tuple(map(str, range(len(films.films)))), ())
    (split,) = splits(films, ADULTS)
    counts = [int((films.sources[part] == "rsna_normal").sum()) for part in (split.train, split.validation, split.test)]
    assert counts == [48, 8, 14]


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        (rows_of(2), HEADER.replace("patient", "person"), "Missing: patient"),
        (rows_of(1), HEADER, "no film of the class PNEUMONIA"),
        ([*rows_of(2), "x.png,siim,pneumonia,typical,siim:5,,"], HEADER, "unknown class"),
    ],
)
def test_an_invalid_table_is_refused(tmp_path: Path, rows: list[str], header: str, message: str) -> None:
    folder = write_films(tmp_path, rows, header)
    with pytest.raises(DatasetError, match=message):
        load_adults(folder, quiet=True)


def test_a_source_without_files_is_missing(tmp_path: Path) -> None:
    """SIIM's terms do not allow everyone to have its films; the table lists them all the same."""
    folder = write_films(tmp_path, [*rows_of(2), "healthy.png,rsna_normal,NORMAL,normal,,54,"])
    for film in folder.glob("*-*.png"):
        film.unlink()
    assert load_adults(folder, both_classes=False, quiet=True).sources.tolist() == ["rsna_normal"]
    with pytest.raises(DatasetError, match="class PNEUMONIA.*Received: rsna_normal"):
        load_adults(folder, quiet=True)
