"""The results of `batch` together with their result files, which are written before the row of their film.

A run that is killed between the two writes the files again when it is resumed: they replace the first ones. A film that
has a row but lacks a file, for example because an earlier run did not request it, is read again, and keeps its row.
"""

from __future__ import annotations

import argparse
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePath

from ..batch.results import ResultTable
from ..errors import DiskFull, UnsupportedDicom, UsageError
from ..imaging import Source
from ..inference.decision import Failure, Prediction
from ..inference.named_film import NamedFilm, source_of
from ..inference.predictor import Observer, Predictor
from ..messages import message
from .result_folders import ResultFolders, WrittenFiles, read_and_decide, report_missing
from .result_names import nested_stem_of

_Output = tuple[Prediction | Failure, WrittenFiles]


@dataclass(frozen=True)
class _Place:
    """Where the files of a film belong, and whether it has a row already."""

    stem: PurePath
    number: int
    has_row: bool


def write_results(
    predictor: Predictor,
    options: argparse.Namespace,
    films: Iterator[NamedFilm],
    table: ResultTable,
    folders: ResultFolders,
    observe: Observer | None,
) -> Iterator[Prediction | Failure]:
    """Yield the result of each film that has no row yet, in order, after its files were written.

    Raises `DiskFull` if a file cannot be written for lack of space: the film has no row then, and `--resume` continues
    with it. Any other error of a file is the result of its film.
    """
    places: deque[_Place] = deque()

    def work(source: Source, name: str | None) -> _Output:
        result, reading = read_and_decide(predictor, options, source, name, observe)
        return result, folders.write(predictor, source, result, reading)

    for output in predictor.map_films(_pending(films, table, folders, places), work):
        place = places.popleft()
        result = _publish(output, folders, place)
        if not place.has_row:
            if isinstance(output, Failure) and observe is not None:
                observe(output, None)
            yield result


def _pending(
    films: Iterator[NamedFilm], table: ResultTable, folders: ResultFolders, places: deque[_Place]
) -> Iterator[NamedFilm]:
    """The films without a row, and those with a row that lack a file; appends the place of each."""
    for film in films:
        stem = nested_stem_of(film.name)
        place = _Place(stem, folders.number(stem), table.has(film.name))
        if not place.has_row:
            places.append(place)
            yield film
        elif not folders.has_all(stem, place.number):
            places.append(place)
            yield NamedFilm(film.name, _source_with_files(film, folders))


def _source_with_files(film: NamedFilm, folders: ResultFolders) -> Callable[[], Source]:
    """The source of a film; reading it fails at once, without decoding, if it can have no file anyway."""

    def read() -> Source:
        source = source_of(film)
        if not folders.can_have_files(source):
            raise UnsupportedDicom(message("The film cannot have result files."))
        return source

    return read


def _publish(output: _Output | Failure, folders: ResultFolders, place: _Place) -> Prediction | Failure:
    """Name the files of a film; a film whose files cannot be named fails."""
    if isinstance(output, Failure):
        if isinstance(output.error, DiskFull):
            raise output.error
        return output
    result, written = output
    film = result.file or ""
    if not place.has_row:
        report_missing(film, written)
    try:
        folders.publish(written, place.stem, place.number)
    except UsageError as error:
        return Failure(film, error)
    return result
