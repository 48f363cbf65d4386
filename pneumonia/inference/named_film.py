"""A film together with the name under which its result is reported."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from ..imaging import Source


@dataclass(frozen=True)
class NamedFilm:
    """One film of many.

    `name` is the `file` of its `Prediction` or `Failure`. `source` is what `imaging.read` takes, or a function that
    returns it: the function is called when the film's turn comes, and a `PneumoniaError` that it raises becomes the
    film's failure.
    """

    name: str
    source: Source | Callable[[], Source]


def name_of(film: Source | NamedFilm) -> str | None:
    """The name of a film: its own, or its path; None for bytes, pictures and arrays."""
    if isinstance(film, NamedFilm):
        return film.name
    return os.fspath(film) if isinstance(film, (str, os.PathLike)) else None


def source_of(film: Source | NamedFilm) -> Source:
    """What `imaging.read` takes; calls the film's function if it has one."""
    if not isinstance(film, NamedFilm):
        return film
    return film.source() if callable(film.source) else film.source
