"""Objects and files by their names, wherever they lie: a path of this machine, or an address that fsspec knows."""

from __future__ import annotations

import errno
import os
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import fsspec

from .. import settings
from ..errors import Busy, DiskFull, PneumoniaError, UnreadableImage, UsageError
from ..inference.named_film import NamedFilm

FETCH_ATTEMPTS = 3
"""Times that an object is asked for, on top of what the storage's own client tries."""

RETRY_DELAY_S = 2.0
"""Before the second try; twice as long before the third."""

READERS = 16
"""Objects of one worker that are on their way at a time: an answer takes some 10 ms, an object 50 to 100 to come."""

_GONE = {FileNotFoundError: "there is no such object", PermissionError: "the storage allows no access"}


def is_address(name: str) -> bool:
    """Whether fsspec is to read it; everything else is a path of this machine."""
    return "://" in name


def filesystem(name: str) -> tuple[Any, str]:
    """(fsspec's file system, the path inside) of an address or a path; raises `UsageError` where there is none."""
    try:
        system, path = fsspec.core.url_to_fs(name)
    except (ImportError, ValueError) as error:
        # fsspec's own sentence names the package to install, or the kind of address that nobody knows.
        raise UsageError(f"The storage cannot be used: {error}. Received: {name.partition('://')[0]}://.") from None
    return system, path


def open_films(names: Iterable[str]) -> Iterator[NamedFilm]:
    """Each name as a film to judge. Objects are fetched a bounded number ahead of the one that is asked for."""
    waiting: deque[tuple[str, Future[bytes] | None]] = deque()
    with ThreadPoolExecutor(READERS, thread_name_prefix="fetch") as pool:
        for name in names:
            waiting.append((name, pool.submit(fetch_object, name) if is_address(name) else None))
            if len(waiting) > READERS:
                yield _film(*waiting.popleft())
        while waiting:
            yield _film(*waiting.popleft())


def fetch_object(name: str) -> bytes:
    """An object's bytes, never more than just over the limit for a film.

    Raises `UnreadableImage` for one that is not there, and `Busy` where the storage does not answer: then a later run
    asks again.
    """
    system, path = filesystem(name)
    for number in range(FETCH_ATTEMPTS):
        try:
            with system.open(path, "rb") as file:
                return bytes(file.read(settings.MAX_FILE_MB.read() * 1_000_000 + 1))
        except tuple(_GONE) as error:
            why = next(text for kind, text in _GONE.items() if isinstance(error, kind))
            raise UnreadableImage(f"The file cannot be opened: {why}.") from None
        except IsADirectoryError:
            raise UnreadableImage("This is not a file (a folder, a device, a pipe). Allowed: one file.") from None
        except Exception as error:  # each storage has errors of its own
            failed = type(error).__name__
            if number + 1 < FETCH_ATTEMPTS:
                time.sleep(RETRY_DELAY_S * 2**number)
    raise Busy(f"The storage does not hand the file out ({failed}); run the same command again for it.")


def _film(name: str, coming: Future[bytes] | None) -> NamedFilm:
    return NamedFilm(name, Path(name) if coming is None else coming.result)


@dataclass(frozen=True)
class ResultFolder:
    """Where an archive's answers lie: a path or an fsspec address. Files are written whole or not at all."""

    address: str

    @property
    def local(self) -> Path | None:
        """The folder, where it lies on this machine."""
        return None if is_address(self.address) else Path(self.address)

    def read(self, name: str) -> bytes | None:
        """The file's bytes; None where there is none."""
        system, root = filesystem(self.address)
        try:
            return bytes(self._told(partial(system.cat_file, f"{root}/{name}")))
        except FileNotFoundError:
            return None

    def write(self, name: str, data: bytes) -> None:
        """Put the file in the place of the one that may be there, at once; two that write it do not mix."""
        if self.local is not None:
            return _replace(self.local / name, data)
        system, root = filesystem(self.address)
        # An object appears whole, when its last byte has come.
        self._told(partial(system.pipe_file, f"{root}/{name}", data))

    def _told(self, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except (FileNotFoundError, PneumoniaError):
            raise
        except Exception as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            raise UsageError(f"The folder of the answers cannot be used: {why}. Received: {self.address}.") from None


def _replace(path: Path, data: bytes) -> None:
    # A name of its own: a worker that was given up may still write while the next one does. Readers skip hidden files.
    own = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with own.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        own.replace(path)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull("The disk is full; the answers so far stay. Free space and run the command again.") from None
        raise UsageError(f"The answers cannot be written: {error.strerror}. Received: {path.parent}.") from None
    finally:
        own.unlink(missing_ok=True)
