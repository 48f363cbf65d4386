"""The films of a batch: the files of a form, and the members of its ZIPs."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ... import batch, imaging, settings
from ...batch import zip_members
from ...errors import EmptyFile
from ...imaging.reader import check_file_size
from ...inference.named_film import NamedFilm
from ...messages import message
from .body import Body, FilmPart, too_many_films
from .spool import Spool


def list_films(body: Body, spool: Spool, folder: Path, max_films: int) -> list[NamedFilm]:
    """The films of a body; a ZIP yields each of its members.

    Raises `EmptyFile` if there is none, `TooLarge` for too many, and the errors of a body that is a ZIP and cannot be
    opened.
    """
    films: list[NamedFilm] = []
    for number, part in enumerate(body.films):
        films += _films_of(part, spool, folder / f"{number}.zip")
        if len(films) > max_films:
            raise too_many_films(max_films)
    if not films:
        raise EmptyFile(
            message("No film was given. Allowed: {formats}, or a ZIP of such files.", formats=imaging.FORMATS)
        )
    return films


def _films_of(part: FilmPart, spool: Spool, path: Path) -> list[NamedFilm]:
    name = part.name or ""
    if name.lower().endswith(".zip") or spool.read(part.start, min(part.start + 4, part.end)) == b"PK\x03\x04":
        spool.copy(part.start, part.end, path)
        if zip_members.is_zip(path):
            max_bytes = settings.MAX_UPLOAD_MB.read() * 1_000_000
            if name:
                return list(batch.films_in_zip(path, name, max_bytes=max_bytes))
            return [NamedFilm(*member) for member in zip_members.list_members(path, max_bytes=max_bytes)]
    return [NamedFilm(name, partial(_read_part, spool, part))]


def _read_part(spool: Spool, part: FilmPart) -> bytes:
    check_file_size(part.end - part.start)
    return spool.read(part.start, part.end)
