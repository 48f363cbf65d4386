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

MAX_CONCURRENT_FETCHES = 16
"""Objects of one worker that are on their way at a time: an answer takes some 10 ms, an object 50 to 100 to come."""

_PERMANENT_ERRORS = {FileNotFoundError: "there is no such object", PermissionError: "the storage allows no access"}


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
    pending: deque[tuple[str, Future[bytes] | None]] = deque()
    with ThreadPoolExecutor(MAX_CONCURRENT_FETCHES, thread_name_prefix="fetch") as pool:
        for name in names:
            pending.append((name, pool.submit(fetch_object, name) if is_address(name) else None))
            if len(pending) > MAX_CONCURRENT_FETCHES:
                yield _named_film(*pending.popleft())
        while pending:
            yield _named_film(*pending.popleft())


def fetch_object(name: str) -> bytes:
    """An object's bytes, never more than just over the limit for a film.

    Raises `UnreadableImage` for one that is not there, and `Busy` where the storage does not answer: then a later run
    asks again.
    """
    system, path = filesystem(name)
    for attempt in range(FETCH_ATTEMPTS):
        try:
            with system.open(path, "rb") as file:
                return bytes(file.read(settings.MAX_FILE_MB.read() * 1_000_000 + 1))
        except tuple(_PERMANENT_ERRORS) as error:
            cause = next(text for kind, text in _PERMANENT_ERRORS.items() if isinstance(error, kind))
            raise UnreadableImage(f"The file cannot be opened: {cause}.") from None
        except IsADirectoryError:
            raise UnreadableImage("This is not a file (a folder, a device, a pipe). Allowed: one file.") from None
        except Exception as error:  # each storage has errors of its own
            error_name = type(error).__name__
            if attempt + 1 < FETCH_ATTEMPTS:
                time.sleep(RETRY_DELAY_S * 2**attempt)
    raise Busy(f"The storage does not hand the file out ({error_name}); run the same command again for it.")


def _named_film(name: str, content: Future[bytes] | None) -> NamedFilm:
    return NamedFilm(name, Path(name) if content is None else content.result)


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
            return bytes(self._access(partial(system.cat_file, f"{root}/{name}")))
        except FileNotFoundError:
            return None

    def write(self, name: str, data: bytes) -> None:
        """Put the file in the place of the one that may be there, at once; two that write it do not mix."""
        if self.local is not None:
            return _replace(self.local / name, data)
        system, root = filesystem(self.address)
        # An object appears whole, when its last byte has come.
        self._access(partial(system.pipe_file, f"{root}/{name}", data))

    def _access(self, operation: Callable[[], Any]) -> Any:
        try:
            return operation()
        except (FileNotFoundError, PneumoniaError):
            raise
        except Exception as error:
            cause = getattr(error, "strerror", None) or type(error).__name__
            raise UsageError(f"The folder of the answers cannot be used: {cause}. Received: {self.address}.") from None


def _replace(path: Path, data: bytes) -> None:
    # A name of its own: a worker that was given up may still write while the next one does. Readers skip hidden files.
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull("The disk is full; the answers so far stay. Free space and run the command again.") from None
        raise UsageError(f"The answers cannot be written: {error.strerror}. Received: {path.parent}.") from None
    finally:
        temporary.unlink(missing_ok=True)
