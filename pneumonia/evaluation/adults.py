"""Adult films, listed in a table with class, radiologists' reading, patient and source.

SIIM-FISABIO-RSNA COVID-19 Detection 2021 has both classes from the same hospitals; its "NORMAL" means negative for
pneumonia, not healthy. Its terms allow non-commercial research only, and so do those of a model that is trained on it.
The healthy films of the RSNA readings 2018 are from NIH ChestX-ray14.
"""

from __future__ import annotations

import csv
from pathlib import Path

from ..errors import DatasetError
from .dataset import FOLDERS, FilmSet, LabelledFilm, read_films

TABLE = "films.csv"
FOLDER = "adults"
SPLIT = "adults"
"""`LabelledFilm.split` of these films. The data sets have no official split."""

SIIM, RSNA_NORMAL = "siim", "rsna_normal"
SOURCES = (SIIM, RSNA_NORMAL)
"""Sources that are read. The table has further films, whose readings are neither of the two classes."""

TYPICAL = "typical"
"""Reading of SIIM's films with the typical appearance of COVID-19 pneumonia."""

_COLUMNS = ("path", "set", "label", "reading", "patient", "orientation_suspect")


def find_folder(root: Path) -> Path | None:
    """The folder with `films.csv`: `root` itself or `adults` in it; None if there is none."""
    return next((folder for folder in (root, root / FOLDER) if (folder / TABLE).is_file()), None)


def load_adults(folder: Path, *, both_classes: bool = True, quiet: bool = False) -> FilmSet:
    """Read the films of `SOURCES`. Damaged files are skipped and listed in `FilmSet.broken`.

    Films whose orientation is in doubt are left out. Raises `DatasetError` if the table lacks a column, or with
    `both_classes` a class.
    """
    return read_films(list_adults(folder, both_classes=both_classes), folder, quiet=quiet)


def list_adults(folder: Path, *, both_classes: bool = True) -> list[LabelledFilm]:
    """The films of `SOURCES` in the order of the table; no film is read.

    A source of which no file exists is left out, because its terms may not allow everyone to have it. Raises
    `DatasetError` if the table lacks a column, and with `both_classes` if a class has no film.
    """
    with (folder / TABLE).open(encoding="utf-8", newline="") as table:
        reader = csv.DictReader(table)
        missing = sorted(set(_COLUMNS) - set(reader.fieldnames or ()))
        if missing:
            raise DatasetError(
                f"{TABLE} lacks columns. Expected: {', '.join(_COLUMNS)}. Missing: {', '.join(missing)}."
            )
        films = [_film(folder, row) for row in reader if row["set"] in SOURCES and not row["orientation_suspect"]]
    present = {source for source in SOURCES if any(film.path.is_file() for film in films if film.source == source)}
    films = [film for film in films if film.source in present]
    missing_classes = [name for name, label in FOLDERS.items() if not any(film.label == label for film in films)]
    if not films or (both_classes and missing_classes):
        raise DatasetError(
            f"There is no film of the class {' or '.join(missing_classes)}. Expected: films of {' and '.join(SOURCES)} "
            f"as listed in {TABLE}. Received: {', '.join(sorted(present)) or 'none of them'}."
        )
    return films


def _film(folder: Path, row: dict[str, str]) -> LabelledFilm:
    label = FOLDERS.get(row["label"])
    if label is None:
        raise DatasetError(f"{TABLE} has an unknown class. Allowed: {', '.join(FOLDERS)}. Received: {row['label']!r}.")
    # The healthy films have no patient in the table. RSNA's readers got one film of most patients, so each film counts
    # as a patient of its own.
    patient = row["patient"] or f"{row['set']}:{row['path']}"
    return LabelledFilm(folder / row["path"], SPLIT, label, patient, row["set"], row["reading"])
