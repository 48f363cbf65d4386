"""Labelled films in Kaggle's folder layout: patients, subgroups, damaged files and duplicates.

File names are those of Kermany et al. 2018 as published on Kaggle (`paultimothymooney/chest-xray-pneumonia`), or those
of NIH ChestX-ray14. Files with other names are read too; each of them counts as a separate patient.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from .. import imaging, settings
from ..errors import DatasetError, FilmError

SPLITS = ("train", "val", "test")
"""Folders of the official split."""

FOLDERS = {"NORMAL": 0, "PNEUMONIA": 1}
"""Folder of a class -> label."""

KERMANY = "kermany"
"""`LabelledFilm.source` of the films in Kaggle's layout when they are read beside those of other data sets."""

SOURCE = "https://www.kaggle.com/datasets/paultimothymooney/chest-xray-pneumonia"

_PNEUMONIA_NAME = re.compile(r"person(\d+)_(bacteria|virus)_")
_NORMAL_NAME = re.compile(r"(NORMAL2-)?IM-(\d+)-")
_NIH_NAME = re.compile(r"(\d{8})_\d{3}\b")


@dataclass(frozen=True)
class LabelledFilm:
    """One labelled film. `label` is 0 for Normal, 1 for Pneumonia.

    The fields after `label` are empty for a data set whose file names contain the patient, and come from the table of
    the others: `patient` is the key for splits and for the bootstrap, `source` the data set, `reading` the
    radiologists' reading.
    """

    path: Path
    split: str
    label: int
    patient: str = ""
    source: str = ""
    reading: str = ""

    @property
    def kind(self) -> str:
        """Subgroup: the reading, or `normal`, `bacterial`, `viral`; `pneumonia` if the type is not known."""
        if self.reading:
            return self.reading
        match = _PNEUMONIA_NAME.match(self.path.name)
        if self.label == 0:
            return "normal"
        return {"bacteria": "bacterial", "virus": "viral"}[match[2]] if match else "pneumonia"

    @property
    def strict_key(self) -> str:
        """Patient key for the bootstrap. It distinguishes the pneumonia type and the prefix `NORMAL2-`."""
        if self.patient:
            return self.patient
        if match := _PNEUMONIA_NAME.match(self.path.name):
            return f"person{match[1]}_{match[2]}"
        if match := _NORMAL_NAME.match(self.path.name):
            return f"{match[1] or ''}IM-{match[2]}"
        return self._fallback_key

    @property
    def loose_key(self) -> str:
        """Patient key for splits: all names that may be of the same child get the same key, which prevents leakage."""
        if self.patient:
            return self.patient
        if match := _PNEUMONIA_NAME.match(self.path.name):
            return f"person{match[1]}"
        if match := _NORMAL_NAME.match(self.path.name):
            return f"IM-{match[2]}"
        return self._fallback_key

    @property
    def collection_index(self) -> tuple[str, int]:
        """(series, number) of the file name; within a series, films are numbered in order of collection.

        ("", 0) for names of other data sets.
        """
        if match := _PNEUMONIA_NAME.match(self.path.name):
            return match[2], int(match[1])
        if match := _NORMAL_NAME.match(self.path.name):
            return f"{match[1] or ''}IM", int(match[2])
        return "", 0

    @property
    def _fallback_key(self) -> str:
        """Patient number of an NIH file name; for other names a key of the film alone."""
        match = _NIH_NAME.match(self.path.name)
        return f"nih{match[1]}" if match else f"{self.split}/{self.path.name}"


@dataclass(frozen=True)
class FilmSet:
    """Labelled films in memory.

    `inputs`: uint8 `[N, 150, 150]`, one channel of the model input; the other two channels are equal to it. `digests`:
    sha256 of each file. `broken`: (path, error message) of each file that could not be read.
    """

    films: tuple[LabelledFilm, ...]
    inputs: npt.NDArray[np.uint8]
    digests: tuple[str, ...]
    broken: tuple[tuple[Path, str], ...]

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """Labels `[N]`: 0 Normal, 1 Pneumonia."""
        return np.array([film.label for film in self.films], dtype=np.int64)

    @property
    def strict_keys(self) -> npt.NDArray[np.str_]:
        return np.array([film.strict_key for film in self.films])

    @property
    def kinds(self) -> npt.NDArray[np.str_]:
        return np.array([film.kind for film in self.films])

    @property
    def sources(self) -> npt.NDArray[np.str_]:
        return np.array([film.source for film in self.films])

    @property
    def duplicates(self) -> list[list[int]]:
        """Groups of indices of files with identical bytes."""
        indices = defaultdict(list)
        for index, digest in enumerate(self.digests):
            indices[digest].append(index)
        return [group for group in indices.values() if len(group) > 1]

    @property
    def patients(self) -> npt.NDArray[np.str_]:
        """Patient key `[N]` for splits: the loose key, unified for files that are copies of each other."""
        keys = [film.loose_key for film in self.films]
        for group in self.duplicates:
            first, others = keys[group[0]], {keys[index] for index in group[1:]}
            keys = [first if key in others else key for key in keys]
        return np.array(keys)

    @property
    def fingerprint(self) -> str:
        """sha256 over the sorted file digests. Folders with the same films have the same fingerprint."""
        return hashlib.sha256("\n".join(sorted(self.digests)).encode()).hexdigest()

    def subset(self, indices: npt.NDArray[np.intp]) -> FilmSet:
        """The films at these indices, in this order."""
        films = tuple(self.films[index] for index in indices)
        return FilmSet(films, self.inputs[indices], tuple(self.digests[index] for index in indices), ())

    def with_source(self, source: str) -> FilmSet:
        """The same films with `source` as the data set of each."""
        return replace(self, films=tuple(replace(film, source=source) for film in self.films))

    def join(self, *others: FilmSet) -> FilmSet:
        """These films followed by those of the other sets."""
        sets = (self, *others)
        if len(sets) == 1:
            return self
        return FilmSet(
            tuple(film for films in sets for film in films.films),
            np.concatenate([films.inputs for films in sets]),
            tuple(digest for films in sets for digest in films.digests),
            tuple(entry for films in sets for entry in films.broken),
        )

    def counts_by_source(self) -> dict[str, int]:
        """Number of films of each source, by name."""
        names, counts = np.unique(self.sources, return_counts=True)
        return dict(zip(names.tolist(), counts.tolist(), strict=True))

    def report(self) -> str:
        """Counts of films, copies and damaged files, as text."""
        counts: dict[str, int] = defaultdict(int)
        for film in self.films:
            counts[f"{film.split}/{'PNEUMONIA' if film.label else 'NORMAL'}"] += 1
        lines = [f"{len(self.films):,} films: " + ", ".join(f"{name} {count:,}" for name, count in counts.items())]
        copies = self.duplicates
        if copies:
            count = sum(map(len, copies))
            lines.append(f"{count} files are exact copies, in {len(copies)} groups; splits keep each group together")
        lines += [f"skipped, damaged: {path}: {message}" for path, message in self.broken]
        return "\n".join(lines)


def load_films(root: Path, splits: tuple[str, ...] = SPLITS, *, quiet: bool = False) -> FilmSet:
    """Reads all films below `root`. Damaged files are skipped and listed in `FilmSet.broken`.

    `splits` names the folders below `root` that contain NORMAL and PNEUMONIA. Raises `DatasetError` for another
    layout, and if no film of a class can be read.
    """
    return read_films(list_films(root, splits), root, quiet=quiet)


def read_films(listed: list[LabelledFilm], root: Path, *, quiet: bool = False) -> FilmSet:
    """Read the listed films, all of which are below `root`. Damaged files are skipped and listed in `FilmSet.broken`.

    Raises `DatasetError` if no film of a class can be read.
    """
    with ThreadPoolExecutor(settings.THREADS.read()) as pool:
        # One array for all films, because stacking a list of arrays would need twice the memory.
        inputs = np.empty((len(listed), imaging.INPUT_SIDE, imaging.INPUT_SIDE), np.uint8)
        outcomes = list(
            tqdm(pool.map(_load_one, listed, inputs), "reading films", len(listed), unit="film", disable=quiet or None)
        )
    readable = [index for index, (digest, _) in enumerate(outcomes) if digest]
    _require_both_classes(listed, readable, outcomes)
    broken = [(film.path.relative_to(root), error) for film, (_, error) in zip(listed, outcomes, strict=True) if error]
    return FilmSet(
        tuple(listed[index] for index in readable),
        inputs if len(readable) == len(listed) else inputs[readable],
        tuple(outcomes[index][0] for index in readable),
        tuple(broken),
    )


def _require_both_classes(films: list[LabelledFilm], readable: list[int], outcomes: list[tuple[str, str]]) -> None:
    classes = {(films[index].split, films[index].label) for index in readable}
    for film, (_, error) in zip(films, outcomes, strict=True):
        if film.split != "val" and (film.split, film.label) not in classes:
            folder = next(name for name, label in FOLDERS.items() if label == film.label)
            raise DatasetError(f"No film in {film.split}/{folder} can be read. Error of the first file: {error}")


def list_films(root: Path, splits: tuple[str, ...] = SPLITS) -> list[LabelledFilm]:
    """All files of the layout, sorted by name within each folder; no file is read. `val` may be missing.

    Raises `DatasetError` for another layout.
    """
    root = _with_layout(root, splits)
    films = [
        LabelledFilm(path, split, label)
        for split in splits
        for folder, label in FOLDERS.items()
        for path in _files(root / split / folder)
    ]
    for split in splits:
        for folder, label in FOLDERS.items():
            if split != "val" and not any(film.split == split and film.label == label for film in films):
                raise DatasetError(f"The folder {split}/{folder} contains no film. {_expected(root, splits)}")
    return films


def _load_one(film: LabelledFilm, buffer: npt.NDArray[np.uint8]) -> tuple[str, str]:
    """Write the model input to `buffer`; return (sha256 of the file, "") or ("", error message)."""
    try:
        data = film.path.read_bytes()
        buffer[:] = imaging.to_input(imaging.read(data))[:, :, 0]
        return hashlib.sha256(data).hexdigest(), ""
    except (FilmError, OSError) as error:
        return "", str(error)


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        with os.scandir(folder) as entries:
            # Hidden files are skipped: Kaggle's archive contains .DS_Store and ._ files of macOS.
            names = sorted(entry.name for entry in entries if entry.is_file() and entry.name[0] != ".")
            # Sorted by name, because Windows sorts paths without regard to case, and splits depend on the order.
            yield from (folder / name for name in names)


def _with_layout(root: Path, splits: tuple[str, ...]) -> Path:
    """Return `root`, or the folder `chest_xray` below it, as Kaggle's archive unpacks it."""
    for candidate in (root, root / "chest_xray", root / "chest_xray" / "chest_xray"):
        if any((candidate / split / folder).is_dir() for split in splits for folder in FOLDERS):
            return candidate
    raise DatasetError(f"No films in the expected layout. {_expected(root, splits)}")


def _expected(root: Path, splits: tuple[str, ...]) -> str:
    entries = ", ".join(sorted(entry.name for entry in root.iterdir())[:8]) if root.is_dir() else "no such folder"
    required = ", ".join(f"{split}/{folder}" for split in splits if split != "val" for folder in FOLDERS)
    optional = " (val/... is optional)" if "val" in splits else ""
    source = f" Download: {SOURCE}." if set(splits) <= set(SPLITS) else ""
    return f"Expected: {required}{optional}. Received: {root} with {entries or 'no entries'}.{source}"
