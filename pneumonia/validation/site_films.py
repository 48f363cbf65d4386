"""The films of a validation with their labels; films and rows that cannot be used are listed with the reason."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ..inference.decision import MAX_AGE_YEARS
from ..inference.named_film import NamedFilm
from ..messages import Message, join, message
from . import class_words
from .label_table import AGE, FILE, GROUP, LABEL, SEX, SITE, LabelTable
from .matching import match_rows

PROBLEMS = {
    "no_label": message("No label: no folder of its path names a class."),
    "no_row": message("No label: the table has no row for this file."),
    "no_file": message("No file matches this row of the table."),
    "ambiguous_file": message("Several files match this row of the table. Write more of the path."),
    "empty_label": message("The label in the table is empty."),
    "unknown_label": message("The label in the table is not recognised."),
    "repeated_row": message("The table lists this file again with the same label; it counts once."),
    "conflicting_labels": message("This file has different labels in the table; it is not used."),
    "unknown_age": message("The age in the table is not recognised; it is left out."),
    "same_film": message("The same film as another file; it counts once."),
    "same_film_other_label": message("The same film as another file with another label; neither is used."),
}
"""Code of a problem -> its sentence."""

_AGE = re.compile(r"(\d{1,3}(?:[.,]\d+)?)\s*([A-Za-z]*)\.?")
_YEARS_PER_UNIT = {"": 1.0, "y": 1.0, "m": 1 / 12, "w": 7 / 365.25, "d": 1 / 365.25}


@dataclass(frozen=True)
class SiteFilm:
    """A labelled film. `label`: 0 Normal, 1 Pneumonia. `age` in years, None if the table states none.

    `group` is the patient; films of one group are resampled together. Empty texts: not stated.
    """

    film: NamedFilm
    label: int
    age: float | None = None
    sex: str = ""
    site: str = ""
    group: str = ""


@dataclass(frozen=True)
class Problem:
    """A file or row that is not used, or not completely; `code` is a key of `PROBLEMS`. `detail`: what was received."""

    file: str
    code: str
    detail: str = ""

    @property
    def message(self) -> Message:
        return join([PROBLEMS[self.code], self.detail])

    def as_dict(self) -> dict[str, str]:
        return {"file": self.file, "code": self.code, "message": self.message}


@dataclass(frozen=True)
class Selection:
    """The films that are used, the problems, and the number of files that were received."""

    films: tuple[SiteFilm, ...]
    problems: tuple[Problem, ...]
    received: int


def label_by_folder(films: Iterable[NamedFilm], roots: Sequence[str] = ()) -> Selection:
    """Labels by the nearest folder of each path that names a class (see `class_words`); case does not matter.

    `roots`: the paths that the user stated. Only folders below them count, and the name of a root itself where no
    folder below it names a class: a folder such as `/home/pneumonia/films` above them says nothing about a film.
    """
    listed = list(films)
    below, of_root = [], []
    for film in listed:
        root = _root_of(film.name, roots)
        below.append(_folder_label(film.name[len(root) :]))
        of_root.append(root)
    labelled_roots = {root for root, label in zip(of_root, below, strict=True) if label is not None}
    labelled, problems = [], []
    for film, root, label in zip(listed, of_root, below, strict=True):
        if label is None and root and root not in labelled_roots:
            label = class_words.class_of(_parts(root)[-1])
        if label is None:
            problems.append(Problem(film.name, "no_label", message("Allowed: {words}.", words=class_words.ALLOWED)))
        else:
            labelled.append(SiteFilm(film, label))
    return Selection(tuple(labelled), tuple(problems), len(listed))


def _root_of(name: str, roots: Sequence[str]) -> str:
    """The longest of the roots above a film; for a root that is the file itself, its folder."""
    above = [root if root != name else name[: -len(_parts(name)[-1])] for root in roots if name.startswith(root)]
    return max((root.rstrip("/\\") for root in above), key=len, default="")


def _folder_label(relative: str) -> int | None:
    labels = (class_words.class_of(folder) for folder in reversed(_parts(relative)[:-1]))
    return next((label for label in labels if label is not None), None)


def _parts(path: str) -> tuple[str, ...]:
    return PurePosixPath(path.replace("\\", "/")).parts


def label_by_table(films: Iterable[NamedFilm], table: LabelTable, columns: Mapping[str, str]) -> Selection:
    """Labels, ages, patients, sites and sexes by the rows of a table; `columns`: role -> column."""
    listed = list(films)
    names = table.cells(columns[FILE])
    matches = match_rows([film.name for film in listed], names)
    problems = [Problem(names[row], code) for row, code in matches.problems]
    rows_of: dict[int, list[int]] = {}
    for row, film in matches.pairs:
        rows_of.setdefault(film, []).append(row)
    cells = {role: table.cells(column) for role, column in columns.items()}
    labelled = []
    for index, named in enumerate(listed):
        if index not in rows_of:
            problems.append(Problem(named.name, "no_row"))
            continue
        usable, row_problems = _usable_row(named.name, rows_of[index], cells[LABEL])
        problems += row_problems
        if usable is not None:
            labelled.append(_site_film(named, usable, cells, problems))
    return Selection(tuple(labelled), tuple(problems), len(listed))


def _usable_row(name: str, rows: Sequence[int], labels: Sequence[str]) -> tuple[int | None, list[Problem]]:
    """The row of a film, None if its label cannot be used; and the problems of its rows."""
    classes = [class_words.class_of(labels[row]) for row in rows]
    problems = []
    for row, label in zip(rows, classes, strict=True):
        if not labels[row]:
            problems.append(Problem(name, "empty_label"))
        elif label is None:
            detail = message(
                "Allowed: {words}. Received: {label}.",
                words=class_words.ALLOWED,
                label=class_words.quote(labels[row]),
            )
            problems.append(Problem(name, "unknown_label", detail))
    if problems:
        return None, problems
    if len(set(classes)) > 1:
        return None, [Problem(name, "conflicting_labels")]
    return rows[0], [Problem(name, "repeated_row") for _ in rows[1:]]


def _site_film(film: NamedFilm, row: int, cells: Mapping[str, list[str]], problems: list[Problem]) -> SiteFilm:
    def cell(role: str) -> str:
        return cells[role][row] if role in cells else ""

    age = parse_age(cell(AGE))
    if age is None and cell(AGE):
        problems.append(
            Problem(film.name, "unknown_age", message("Received: {label}.", label=class_words.quote(cell(AGE))))
        )
    label = class_words.class_of(cell(LABEL))
    return SiteFilm(film, label or 0, age, cell(SEX), cell(SITE), cell(GROUP))


def parse_age(text: str) -> float | None:
    """Years of an age such as `4`, `4,5`, `004Y` or `18 months`; None for other texts and impossible ages."""
    match = _AGE.fullmatch(text.strip())
    unit = match[2][:1].lower() if match else "?"
    if match is None or unit not in _YEARS_PER_UNIT:
        return None
    years = float(match[1].replace(",", ".")) * _YEARS_PER_UNIT[unit]
    return years if math.isfinite(years) and years <= MAX_AGE_YEARS else None
