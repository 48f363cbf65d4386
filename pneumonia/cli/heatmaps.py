"""Heat maps of `predict --heatmap`: written by the threads of the predictor, named in the order of the films."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import TracebackType

from ..files import ProcessTempdir, portable_name, rename_file
from ..imaging import Source
from ..inference.reading import Reading
from ..messages import message
from .write_errors import translate_write_errors

_FILE_PROBLEM = message("The heat map cannot be written")
_DISK_FULL = message("The disk is full; the heat map was not written. Free space and try again.")


class HeatmapFolder:
    """The folder of the heat maps, as a context; created if needed.

    A heat map is first written to a temporary folder inside it. It gets its name when the results of all films before
    it are known, because the maps of films with the same name are numbered in the order of the films. Raises
    `UsageError` if the folder cannot be created or written, and `DiskFull`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with translate_write_errors(message("The folder cannot be created or written"), path, if_full=_DISK_FULL):
            path.mkdir(parents=True, exist_ok=True)
            self._tempdir = ProcessTempdir(path, ".heatmaps-")

    def __enter__(self) -> HeatmapFolder:
        return self

    def __exit__(self, _type: type[BaseException] | None, _error: object, _traceback: TracebackType | None) -> None:
        self._tempdir.delete()

    def write(self, reading: Reading, source: Source) -> Path | None:
        """Write the heat map of a reading under a temporary name, on any thread; None if there is no answer.

        Raises `DiskFull` or `UsageError`.
        """
        from ..inference import map_overlay

        if reading.activation is None:
            return None
        image = map_overlay.overlay(
            reading.display(source), reading.activation, area=reading.area, lung_field=reading.lung_field
        )
        temporary = self._tempdir.path / f"{uuid.uuid4().hex}.png"
        with translate_write_errors(_FILE_PROBLEM, self._path, if_full=_DISK_FULL):
            image.save(temporary)
        return temporary

    def publish(self, temporary: Path, film: str) -> None:
        """Give a heat map the name of its film; raises `DiskFull` or `UsageError`, for example for a long name."""
        with translate_write_errors(_FILE_PROBLEM, self._path, if_full=_DISK_FULL):
            # `exists` ignores case where the file system does, so no heat map replaces another one there either.
            stem = self._path / portable_name(Path(film).stem)
            rename_file(temporary, next(path for path in _possible_paths(stem) if not path.exists()))


def _possible_paths(stem: Path) -> Iterator[Path]:
    """Yield the possible paths of a heat map: without a number, then numbered from 2."""
    yield stem.with_name(f"{stem.name}.heatmap.png")
    for index in count(2):
        yield stem.with_name(f"{stem.name}-{index}.heatmap.png")
