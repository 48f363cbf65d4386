"""The folder of films in Kaggle's layout: who is on which film, what is broken, what stands twice.

The names are those of Kermany et al. 2018 as Kaggle publishes them (`paultimothymooney/chest-xray-pneumonia`), or those
of NIH ChestX-ray14. Files with other names are read too; each then counts as a patient of its own.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from .. import imaging, settings
from ..errors import DatasetError, FilmError

SPLITS = ("train", "val", "test")
FOLDERS = {"NORMAL": 0, "PNEUMONIA": 1}
SOURCE = "https://www.kaggle.com/datasets/paultimothymooney/chest-xray-pneumonia"

_PNEUMONIA_NAME = re.compile(r"person(\d+)_(bacteria|virus)_")
_NORMAL_NAME = re.compile(r"(NORMAL2-)?IM-(\d+)-")
_NIH_NAME = re.compile(r"(\d{8})_\d{3}\b")


@dataclass(frozen=True)
class LabelledFilm:
    """One labelled film. `label` is 0 for Normal, 1 for Pneumonia; `kind` is normal, bacterial, viral or pneumonia."""

    path: Path
    split: str
    label: int

    @property
    def kind(self) -> str:
        match = _PNEUMONIA_NAME.match(self.path.name)
        if self.label == 0:
            return "normal"
        return {"bacteria": "bacterial", "virus": "viral"}[match[2]] if match else "pneumonia"

    @property
    def strict_key(self) -> str:
        """The patient for the bootstrap: `personN` with its type, `NORMAL2-` kept."""
        if match := _PNEUMONIA_NAME.match(self.path.name):
            return f"person{match[1]}_{match[2]}"
        if match := _NORMAL_NAME.match(self.path.name):
            return f"{match[1] or ''}IM-{match[2]}"
        return self._own_key

    @property
    def loose_key(self) -> str:
        """The patient for splits: whatever might be one child counts as one, which is the careful side."""
        if match := _PNEUMONIA_NAME.match(self.path.name):
            return f"person{match[1]}"
        if match := _NORMAL_NAME.match(self.path.name):
            return f"IM-{match[2]}"
        return self._own_key

    @property
    def place(self) -> tuple[str, int]:
        """Its series and its number there: films were numbered as they were collected. Foreign names have no place."""
        if match := _PNEUMONIA_NAME.match(self.path.name):
            return match[2], int(match[1])
        if match := _NORMAL_NAME.match(self.path.name):
            return f"{match[1] or ''}IM", int(match[2])
        return "", 0

    @property
    def _own_key(self) -> str:
        """NIH's patient number, else the film itself."""
        match = _NIH_NAME.match(self.path.name)
        return f"nih{match[1]}" if match else f"{self.split}/{self.path.name}"


@dataclass(frozen=True)
class FilmSet:
    """Films in memory. `inputs` is uint8 `[N, 150, 150]`: the model input's one channel, the other two are equal."""

    films: tuple[LabelledFilm, ...]
    inputs: npt.NDArray[np.uint8]
    digests: tuple[str, ...]
    broken: tuple[tuple[Path, str], ...]

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        return np.array([film.label for film in self.films], dtype=np.int64)

    @property
    def strict_keys(self) -> npt.NDArray[np.str_]:
        return np.array([film.strict_key for film in self.films])

    @property
    def kinds(self) -> npt.NDArray[np.str_]:
        return np.array([film.kind for film in self.films])

    @property
    def duplicates(self) -> list[list[int]]:
        """Groups of indices whose files are equal byte for byte."""
        places = defaultdict(list)
        for index, digest in enumerate(self.digests):
            places[digest].append(index)
        return [group for group in places.values() if len(group) > 1]

    @property
    def patients(self) -> npt.NDArray[np.str_]:
        """The loose key of each film, where films that are copies of each other share one."""
        keys = [film.loose_key for film in self.films]
        for group in self.duplicates:
            first, others = keys[group[0]], {keys[index] for index in group[1:]}
            keys = [first if key in others else key for key in keys]
        return np.array(keys)

    @property
    def fingerprint(self) -> str:
        """sha256 over the sorted file digests: two folders with the same films share it."""
        return hashlib.sha256("\n".join(sorted(self.digests)).encode()).hexdigest()

    def subset(self, where: npt.NDArray[np.intp]) -> FilmSet:
        films = tuple(self.films[index] for index in where)
        return FilmSet(films, self.inputs[where], tuple(self.digests[index] for index in where), ())

    def report(self) -> str:
        """What was found, as lines for a person."""
        counts: dict[str, int] = defaultdict(int)
        for film in self.films:
            counts[f"{film.split}/{'PNEUMONIA' if film.label else 'NORMAL'}"] += 1
        lines = [f"{len(self.films):,} films: " + ", ".join(f"{name} {count:,}" for name, count in counts.items())]
        copies = self.duplicates
        if copies:
            lines.append(f"{sum(map(len, copies))} files are exact copies, in {len(copies)} groups (kept together)")
        lines += [f"left out, broken: {path}: {message}" for path, message in self.broken]
        return "\n".join(lines)


def load_films(root: Path, splits: tuple[str, ...] = SPLITS, *, quiet: bool = False) -> FilmSet:
    """Read every film below `root`; broken files are left out and reported, never fatal.

    `splits` names the folders below `root` that hold NORMAL and PNEUMONIA. Raises `DatasetError` where they do not.
    """
    listed = list_films(root, splits)
    with ThreadPoolExecutor(settings.THREADS.read()) as pool:
        # One buffer for all: a list of arrays would need the memory twice when it is stacked.
        inputs = np.empty((len(listed), imaging.INPUT_SIDE, imaging.INPUT_SIDE), np.uint8)
        outcomes = list(
            tqdm(pool.map(_load_one, listed, inputs), "reading films", len(listed), unit="film", disable=quiet or None)
        )
    good = [index for index, (digest, _) in enumerate(outcomes) if digest]
    _require_both_classes(listed, good, outcomes)
    broken = [(film.path.relative_to(root), error) for film, (_, error) in zip(listed, outcomes, strict=True) if error]
    return FilmSet(
        tuple(listed[index] for index in good),
        inputs if len(good) == len(listed) else inputs[good],
        tuple(outcomes[index][0] for index in good),
        tuple(broken),
    )


def _require_both_classes(listed: list[LabelledFilm], good: list[int], outcomes: list[tuple[str, str]]) -> None:
    readable = {(listed[index].split, listed[index].label) for index in good}
    for film, (_, error) in zip(listed, outcomes, strict=True):
        if film.split != "val" and (film.split, film.label) not in readable:
            folder = next(name for name, label in FOLDERS.items() if label == film.label)
            raise DatasetError(f"No film in {film.split}/{folder} can be read. The first says: {error}")


def list_films(root: Path, splits: tuple[str, ...] = SPLITS) -> list[LabelledFilm]:
    """All files of the layout, sorted; `val` may be missing. Raises `DatasetError` with what was found instead."""
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
                raise DatasetError(f"The folder {split}/{folder} holds no film. {_expected(root, splits)}")
    return films


def _load_one(film: LabelledFilm, into: npt.NDArray[np.uint8]) -> tuple[str, str]:
    """Fill `into`; returns (sha256 of the file, "") or ("", what is wrong)."""
    try:
        data = film.path.read_bytes()
        into[:] = imaging.to_input(imaging.read(data))[:, :, 0]
        return hashlib.sha256(data).hexdigest(), ""
    except (FilmError, OSError) as error:
        return "", str(error)


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        with os.scandir(folder) as entries:
            # Kaggle's archive carries .DS_Store and ._ files of the Mac it was packed on.
            yield from sorted(Path(entry.path) for entry in entries if entry.is_file() and entry.name[0] != ".")


def _with_layout(root: Path, splits: tuple[str, ...]) -> Path:
    """`root` itself, or the `chest_xray` folder in it that Kaggle's archive unpacks to."""
    for candidate in (root, root / "chest_xray", root / "chest_xray" / "chest_xray"):
        if any((candidate / split / folder).is_dir() for split in splits for folder in FOLDERS):
            return candidate
    raise DatasetError(f"No films in the expected layout. {_expected(root, splits)}")


def _expected(root: Path, splits: tuple[str, ...]) -> str:
    found = ", ".join(sorted(entry.name for entry in root.iterdir())[:8]) if root.is_dir() else "no such folder"
    needed = ", ".join(f"{split}/{folder}" for split in splits if split != "val" for folder in FOLDERS)
    more = " (and val/...)" if "val" in splits else ""
    source = f" The films: {SOURCE}." if set(splits) <= set(SPLITS) else ""
    return f"Expected: {needed}{more}. Received: {root} with {found or 'nothing in it'}.{source}"
