"""Find the films of a batch: files, folders, ZIPs and patterns."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator, Set
from pathlib import Path

from ..errors import PneumoniaError, UnreadableImage
from ..inference.named_film import NamedFilm
from . import zip_members


def find_films(
    paths: Iterable[str], *, leave_out: Set[Path] = frozenset(), open_zips: bool = True
) -> Iterator[NamedFilm]:
    """The films of files, folders, ZIPs and patterns, in a stable order, each once.

    Folders are walked, hidden files and folders skipped. What cannot be opened is a film whose reading fails, so that
    it gets its row. `leave_out` are absolute paths that are no films. A ZIP is open while its films are asked for;
    without `open_zips` it counts as a film, which then fails.
    """
    expanded = list(_expanded(paths))
    seen: set[str] = set()
    for path in expanded:
        for film in _below(path, (), leave_out, open_zips):
            if len(expanded) == 1 and isinstance(film.source, Path):
                yield film  # no file comes twice in one folder: the names of 100,000 need not be kept
            elif film.name not in seen:
                seen.add(film.name)
                yield film


def films_in_zip(path: Path, name: str, *, most_bytes: int | None = None) -> Iterator[NamedFilm]:
    """The films of a ZIP, named behind the ZIP's own name; one film that fails where it cannot be opened."""
    try:
        inside = zip_members.list_members(path, most_bytes=most_bytes)
    except PneumoniaError as error:
        inside = []
        yield NamedFilm(name, _failing(error))
    for member, read in inside:
        yield NamedFilm(f"{name}/{member}", read)


def _expanded(paths: Iterable[str]) -> Iterator[str]:
    """A shell expands patterns itself, but not where they are quoted, and not on every system."""
    for path in paths:
        matching = [] if os.path.lexists(path) else sorted(glob.iglob(path, recursive=True))
        yield from matching or [path]


def _below(name: str, above: tuple[tuple[int, int], ...], leave_out: Set[Path], open_zips: bool) -> Iterator[NamedFilm]:
    path = Path(name)
    if path.absolute() in leave_out:
        return
    if not os.path.isdir(name):
        yield from films_in_zip(path, name) if open_zips and zip_members.is_zip(path) else [NamedFilm(name, path)]
        return
    try:
        facts = path.stat()
        inside = sorted(entry.name for entry in os.scandir(path) if not entry.name.startswith("."))
    except OSError as error:
        yield NamedFilm(name, _failing(UnreadableImage(f"The folder cannot be opened: {error.strerror}.")))
        return
    here = (facts.st_dev, facts.st_ino)
    if here not in above:  # a link to a folder above would never end
        for each in inside:
            yield from _below(os.path.join(name, each), (*above, here), leave_out, open_zips)


def _failing(error: PneumoniaError) -> Callable[[], bytes]:
    def read() -> bytes:
        raise error

    return read
