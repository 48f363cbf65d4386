"""Films of NIH ChestX-ray14 with age, view and second readings, listed in `ages.csv`.

The labels of the folders are text-mined from the reports. For a few films there is a second reading of the film
itself: whether the readers of the RSNA challenge 2018 called it normal. `report` films are for reporting only; the
limits of the gate may be fitted on `gate_dev`, no network is trained on either.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from ..errors import DatasetError
from .dataset import FOLDERS, LabelledFilm

TABLE = "ages.csv"
FOLDER = Path("external") / "nih"
PARTS = ("gate_dev", "report")

_COLUMNS = ("image", "part", "age", "view", "patient", "rsna_called_normal")


@dataclass(frozen=True)
class NihFilm:
    """One film with its table row. `age` is in years, None if unknown; `view` is AP, PA or "".

    `called_normal`: a radiologist's reading contradicts the label "Pneumonia", or confirms "No Finding".
    """

    film: LabelledFilm
    age: float | None
    view: str
    called_normal: bool


def find_folder(data: Path) -> Path | None:
    """The folder with `ages.csv`: `data` itself or `external/nih` in it; None if there is none."""
    return next((folder for folder in (data, data / FOLDER, data / "nih") if (folder / TABLE).is_file()), None)


def list_nih(data: Path, parts: tuple[str, ...] = PARTS) -> list[NihFilm]:
    """The films of `parts` that exist, in the order of the table; no film is read. Raises `DatasetError`."""
    folder = find_folder(data)
    if folder is None:
        raise DatasetError(f"No films of NIH. Expected: {(FOLDER / TABLE).as_posix()}. Received: {data}.")
    with (folder / TABLE).open(encoding="utf-8", newline="") as table:
        reader = csv.DictReader(table)
        missing = sorted(set(_COLUMNS) - set(reader.fieldnames or ()))
        if missing:
            raise DatasetError(
                f"{TABLE} lacks columns. Expected: {', '.join(_COLUMNS)}. Missing: {', '.join(missing)}."
            )
        rows = [row for row in reader if row["part"] in parts]
    films = [film for row in rows if (film := _film(folder, row)) is not None]
    if not films:
        raise DatasetError(f"No film of {TABLE} exists. Expected: {' or '.join(parts)} with NORMAL and PNEUMONIA.")
    return films


def _film(folder: Path, row: dict[str, str]) -> NihFilm | None:
    """The film of a row; None if it is not in the folder."""
    for name, label in FOLDERS.items():
        for suffix in (".jpg", ".png"):
            path = folder / row["part"] / name / f"{Path(row['image']).stem}{suffix}"
            if path.is_file():
                film = LabelledFilm(path, row["part"], label, f"nih{row['patient']}", "nih")
                age = float(row["age"]) if row["age"] else None
                return NihFilm(film, age, row["view"], row["rsna_called_normal"] == "yes")
    return None
