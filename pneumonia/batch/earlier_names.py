"""Which films have a row from an earlier run, also if that run wrote their names on another system."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable


class EarlierNames:
    """The names in the rows of an earlier run; a name may occur in several rows."""

    def __init__(self, names: Iterable[str]) -> None:
        self._rows = Counter(_with_slashes(name) for name in names)
        self._spellings: defaultdict[str, list[str]] = defaultdict(list)
        """Rows by composed name; only of names that are not ASCII, which have one spelling."""
        for name in self._rows:
            if not name.isascii():
                self._spellings[_composed(name)].append(name)

    def take(self, film: str) -> bool:
        """True if a row with the name of this film is left; the row is then taken."""
        name = _with_slashes(film)
        spellings = () if film.isascii() else self._spellings.get(_composed(name), ())
        row = next((row for row in (name, *spellings) if self._rows[row] and _is_same_film(row, name)), None)
        if row is None:
            return False
        self._rows[row] -= 1
        return True


def _with_slashes(name: str) -> str:
    r"""A name with `/` instead of the `\` of Windows.

    Linux and macOS allow a backslash in the name of a file; such a file keeps its name.
    """
    if "\\" not in name or (os.sep == "/" and os.path.lexists(name)):
        return name
    return name.replace("\\", "/")


def _composed(name: str) -> str:
    """A name with composed letters: macOS lists `é` as two characters, other systems write one."""
    return unicodedata.normalize("NFC", name)


def _is_same_film(row: str, film: str) -> bool:
    """True unless the film and the one of the row are two files, whose names differ in the spelling of a letter.

    macOS opens the same file by both spellings, Linux two files.
    """
    if row == film:
        return True
    try:
        return os.path.lexists(film) and (not os.path.lexists(row) or os.path.samefile(row, film))
    except OSError:
        return False
