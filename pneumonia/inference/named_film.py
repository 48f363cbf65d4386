"""A film together with the name under which its result is reported."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from ..imaging import Source


@dataclass(frozen=True)
class NamedFilm:
    """A film and its name.

    `name` is the `file` of its `Prediction` or `Failure`. `source` is an argument of `imaging.read`, or a function that
    returns one. The function is called just before the film is read; a `PneumoniaError` that it raises becomes the
    `Failure` of the film.
    """

    name: str
    source: Source | Callable[[], Source]


def name_of(film: Source | NamedFilm) -> str | None:
    """The name of a named film, or the path of a file; None for bytes, PIL images and arrays."""
    if isinstance(film, NamedFilm):
        return film.name
    return os.fspath(film) if isinstance(film, (str, os.PathLike)) else None


def source_of(film: Source | NamedFilm) -> Source:
    """The argument of `imaging.read` for a film; if its `source` is a function, the function is called."""
    if not isinstance(film, NamedFilm):
        return film
    return film.source() if callable(film.source) else film.source
