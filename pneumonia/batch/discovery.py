"""Find the films of a batch in files, folders, ZIPs and patterns."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator, Set
from pathlib import Path

from ..errors import PneumoniaError, UnreadableImage
from ..inference.named_film import NamedFilm
from . import zip_members


def find_films(
    paths: Iterable[str], *, exclude: Set[Path] = frozenset(), open_zips: bool = True
) -> Iterator[NamedFilm]:
    """Find the films in files, folders, ZIPs and glob patterns; yields each once, in a stable order.

    Folders are searched recursively; hidden files and folders are skipped, and so are the absolute paths in `exclude`.
    A file or folder that cannot be opened is yielded as a film whose reading fails, so that it gets a row. A ZIP stays
    open while its films are iterated; without `open_zips` the ZIP itself is yielded as a film whose reading fails.
    """
    roots = list(_expand_patterns(paths))
    names: set[str] = set()
    for path in roots:
        for film in _walk(path, (), exclude, open_zips):
            if len(roots) == 1 and isinstance(film.source, Path):
                yield film  # a single folder has no duplicates, so the names of 100,000 films need not be stored
            elif film.name not in names:
                names.add(film.name)
                yield film


def films_in_zip(path: Path, name: str, *, max_bytes: int | None = None) -> Iterator[NamedFilm]:
    """Yield the films of a ZIP, named `name/member`; if it cannot be opened, one film whose reading fails.

    `max_bytes` limits the unpacked size of all members together.
    """
    try:
        members = zip_members.list_members(path, max_bytes=max_bytes)
    except PneumoniaError as error:
        members = []
        yield NamedFilm(name, _raise_on_read(error))
    for member, read in members:
        yield NamedFilm(f"{name}/{member}", read)


def _expand_patterns(paths: Iterable[str]) -> Iterator[str]:
    """Expand glob patterns: a shell does not expand quoted ones, and some systems expand none."""
    for path in paths:
        matches = [] if os.path.lexists(path) else sorted(glob.iglob(path, recursive=True))
        yield from matches or [path]


def _walk(
    name: str, ancestors: tuple[tuple[int, int], ...], exclude: Set[Path], open_zips: bool
) -> Iterator[NamedFilm]:
    path = Path(name)
    if path.absolute() in exclude:
        return
    if not os.path.isdir(name):
        yield from films_in_zip(path, name) if open_zips and zip_members.is_zip(path) else [NamedFilm(name, path)]
        return
    try:
        status = path.stat()
        names = sorted(entry.name for entry in os.scandir(path) if not entry.name.startswith("."))
    except OSError as error:
        yield NamedFilm(name, _raise_on_read(UnreadableImage(f"The folder cannot be opened: {error.strerror}.")))
        return
    folder_id = (status.st_dev, status.st_ino)
    if folder_id not in ancestors:  # a symbolic link to an ancestor would recurse without end
        for child in names:
            yield from _walk(os.path.join(name, child), (*ancestors, folder_id), exclude, open_zips)


def _raise_on_read(error: PneumoniaError) -> Callable[[], bytes]:
    def read() -> bytes:
        raise error

    return read
