"""Read and write files and objects. A name is a local path, or an fsspec address such as `s3://bucket/film.png`."""

from __future__ import annotations

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
from ..files import is_disk_full
from ..inference.named_film import NamedFilm

FETCH_ATTEMPTS = 3
"""Maximum number of attempts to read an object; the storage client makes further retries within each."""

RETRY_DELAY_S = 2.0
"""Seconds before the second attempt, doubled before the third."""

MAX_CONCURRENT_FETCHES = 16
"""Maximum number of concurrent reads of a worker: a prediction takes about 10 ms, reading an object 50 to 100 ms."""

_PERMANENT_ERRORS = {FileNotFoundError: "there is no such object", PermissionError: "the storage denies access"}


def is_address(name: str) -> bool:
    """True if `name` is an fsspec address; anything else is a local path."""
    return "://" in name


def filesystem(name: str) -> tuple[Any, str]:
    """(fsspec file system, path in it) of an address or a local path; raises `UsageError` for an unknown protocol."""
    try:
        system, path = fsspec.core.url_to_fs(name)
    except (ImportError, ValueError) as error:
        # The message of fsspec names the missing package or the unknown protocol.
        raise UsageError(f"The storage cannot be used: {error}. Received: {name.partition('://')[0]}://.") from None
    return system, path


def open_films(names: Iterable[str]) -> Iterator[NamedFilm]:
    """Yield a named film for each name; reads at most `MAX_CONCURRENT_FETCHES` objects ahead."""
    pending: deque[tuple[str, Future[bytes] | None]] = deque()
    with ThreadPoolExecutor(MAX_CONCURRENT_FETCHES, thread_name_prefix="fetch") as pool:
        for name in names:
            pending.append((name, pool.submit(fetch_object, name) if is_address(name) else None))
            if len(pending) > MAX_CONCURRENT_FETCHES:
                yield _named_film(*pending.popleft())
        while pending:
            yield _named_film(*pending.popleft())


def fetch_object(name: str) -> bytes:
    """Read an object: at most one byte more than `PNEUMONIA_MAX_FILE_MB`, enough for the reader to refuse a larger one.

    Raises `UnreadableImage` if the object is missing or cannot be accessed, and `Busy` if the storage does not respond;
    the next run tries again.
    """
    system, path = filesystem(name)
    for attempt in range(FETCH_ATTEMPTS):
        try:
            with system.open(path, "rb") as file:
                return bytes(file.read(settings.MAX_FILE_MB.read() * 1_000_000 + 1))
        except tuple(_PERMANENT_ERRORS) as error:
            cause = next(text for error_type, text in _PERMANENT_ERRORS.items() if isinstance(error, error_type))
            raise UnreadableImage(f"The file cannot be opened: {cause}.") from None
        except IsADirectoryError:
            raise UnreadableImage(
                "Not a regular file. Allowed: one file. Received: a folder, a device or a pipe."
            ) from None
        except Exception as error:  # each storage has its own exception types
            error_name = type(error).__name__
            if attempt + 1 < FETCH_ATTEMPTS:
                time.sleep(RETRY_DELAY_S * 2**attempt)
    raise Busy(f"The storage cannot be read ({error_name}). Run the same command again to retry this film.")


def _named_film(name: str, content: Future[bytes] | None) -> NamedFilm:
    return NamedFilm(name, Path(name) if content is None else content.result)


@dataclass(frozen=True)
class ResultFolder:
    """The folder of the results: a local path or an fsspec address. Files are written completely or not at all."""

    address: str

    @property
    def local(self) -> Path | None:
        """The local path of the folder; None for an address."""
        return None if is_address(self.address) else Path(self.address)

    def read(self, name: str) -> bytes | None:
        """Read a file; None if it does not exist. Raises `UsageError` if the folder cannot be used."""
        system, root = filesystem(self.address)
        try:
            return bytes(self._access(partial(system.cat_file, f"{root}/{name}")))
        except FileNotFoundError:
            return None

    def write(self, name: str, data: bytes) -> None:
        """Write or replace a file atomically, even with concurrent writers; raises `DiskFull` and `UsageError`."""
        if self.local is not None:
            return _replace(self.local / name, data)
        system, root = filesystem(self.address)
        # An object becomes visible when its last byte is written.
        self._access(partial(system.pipe_file, f"{root}/{name}", data))

    def _access(self, operation: Callable[[], Any]) -> Any:
        try:
            return operation()
        except (FileNotFoundError, PneumoniaError):
            raise
        except Exception as error:
            cause = getattr(error, "strerror", None) or type(error).__name__
            raise UsageError(f"The output folder cannot be used: {cause}. Received: {self.address}.") from None


def _replace(path: Path, data: bytes) -> None:
    # The temporary name is unique, since an abandoned worker may still be writing, and hidden, since readers skip
    # hidden files.
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if is_disk_full(error):
            raise DiskFull(
                "The disk is full; the results so far are kept. Free space and run the same command again."
            ) from None
        raise UsageError(f"The results cannot be written: {error.strerror}. Received: {path.parent}.") from None
    finally:
        temporary.unlink(missing_ok=True)
