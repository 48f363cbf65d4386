"""Find the films of a batch in files, folders, ZIPs and patterns."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator, Set
from pathlib import Path
from typing import TypeAlias

from .. import operating_system
from ..errors import PneumoniaError, UnreadableImage
from ..inference.named_film import NamedFilm
from ..messages import message
from . import zip_members
from .system_files import is_hidden, is_system_name

_Entry: TypeAlias = str | NamedFilm
"""An entry of a listing: the path of a file, or a folder that cannot be opened, as a film whose reading fails."""


def find_films(
    paths: Iterable[str], *, exclude: Set[Path] = frozenset(), open_zips: bool = True
) -> Iterator[NamedFilm]:
    """Find the films in files, folders, ZIPs and glob patterns; yields each once, in a stable order.

    Folders are searched recursively; hidden files and folders and those of operating systems are skipped, and so are
    the absolute paths in `exclude`. A file or folder that cannot be opened is yielded as a film whose reading fails, so
    that it gets a row. Two films in a ZIP may have the same name. Without `open_zips` the ZIP itself is yielded as a
    film whose reading fails.
    """
    roots = list(expand_patterns(paths))
    yield from _films(_list_entries(roots, exclude), len(roots) == 1, open_zips)


class FilmList:
    """The films of `find_films`, with their number. Each folder is listed once; one name per file is kept in memory.

    A ZIP is opened twice, for the number of its films and when they are iterated.
    """

    def __init__(self, paths: Iterable[str], *, exclude: Set[Path] = frozenset()) -> None:
        roots = list(expand_patterns(paths))
        self._is_single_root = len(roots) == 1
        self._entries = list(_list_entries(roots, exclude))
        self._count = sum(1 for _ in self)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[NamedFilm]:
        return _films(self._entries, self._is_single_root, open_zips=True)


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
        yield NamedFilm(f"{name}/{member}" if member else name, read)


def expand_patterns(paths: Iterable[str]) -> Iterator[str | NamedFilm]:
    """Expand glob patterns and `~`: a shell does not expand quoted ones, and the shells of Windows expand none.

    The path of an existing file is not a pattern, and brackets that match nothing are those of a name, such as in
    `films [2024]/*.png`. A pattern without matches is yielded as a film whose reading fails.
    """
    for path in paths:
        expanded = path if os.path.lexists(path) else os.path.expanduser(path)
        if os.path.lexists(expanded) or not any(character in expanded for character in "*?["):
            yield expanded
        elif matches := _matches(expanded) or _matches(expanded.replace("[", "[[]")):
            yield from (match for match in matches if not is_system_name(os.path.basename(match)))
        else:
            yield NamedFilm(
                path, _raise_on_read(UnreadableImage(message("No file has this name or matches it as a pattern.")))
            )


def _matches(pattern: str) -> list[str]:
    return sorted(glob.iglob(pattern, recursive=True))


def _films(entries: Iterable[_Entry], is_single_root: bool, open_zips: bool) -> Iterator[NamedFilm]:
    """The films of the entries, each entry once."""
    names: set[str] = set()
    for entry in entries:
        name = entry.name if isinstance(entry, NamedFilm) else entry
        if not is_single_root:  # a single folder has no duplicates, so the names of 100,000 films need not be stored
            if name in names:
                continue
            names.add(name)
        yield from _films_of(entry, open_zips)


def _films_of(entry: _Entry, open_zips: bool) -> Iterable[NamedFilm]:
    if isinstance(entry, NamedFilm):
        return [entry]
    path = Path(entry)
    return films_in_zip(path, entry) if open_zips and zip_members.is_zip(path) else [NamedFilm(entry, path)]


def _list_entries(roots: Iterable[_Entry], exclude: Set[Path]) -> Iterator[_Entry]:
    for root in roots:
        yield from [root] if isinstance(root, NamedFilm) else _walk(root, (), exclude)


def _walk(name: str, ancestors: tuple[tuple[int, int], ...], exclude: Set[Path]) -> Iterator[_Entry]:
    path = Path(name)
    if path.absolute() in exclude:
        return
    if not os.path.isdir(name):
        yield name
        return
    try:
        status = path.stat()
        names = sorted(entry.name for entry in os.scandir(path) if not is_hidden([entry.name]))
    except OSError as error:
        unreadable = UnreadableImage(message("The folder cannot be opened: {strerror}.", strerror=error.strerror))
        is_temporary = operating_system.is_out_of_files(error)
        yield NamedFilm(name, _raise_on_read(operating_system.out_of_files_error() if is_temporary else unreadable))
        return
    folder_id = (status.st_dev, status.st_ino)
    if folder_id not in ancestors:  # a symbolic link to an ancestor would recurse without end
        for child in names:
            yield from _walk(os.path.join(name, child), (*ancestors, folder_id), exclude)


def _raise_on_read(error: PneumoniaError) -> Callable[[], bytes]:
    def read() -> bytes:
        raise error

    return read
