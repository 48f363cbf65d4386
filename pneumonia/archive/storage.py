"""Read and write files and objects. A name is a local path, or an fsspec address such as `s3://bucket/film.png`."""

from __future__ import annotations

import os
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import fsspec

from .. import settings
from ..errors import Busy, DiskFull, PneumoniaError, UnreadableImage, UsageError
from ..files import delete_file, is_disk_full, rename_file
from ..inference.named_film import NamedFilm
from .storage_errors import StorageUnusable, permanent_errors, root_of, unusable

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
    """(fsspec file system, path in it) of an address or a local path.

    Raises `StorageUnusable` for an unknown protocol, a missing package and missing credentials.
    """
    with permanent_errors(name):
        try:
            system, path = fsspec.core.url_to_fs(name)
        except (ImportError, ValueError) as error:
            # The message of fsspec names the missing package or the unknown protocol.
            protocol = name.partition("://")[0]
            raise StorageUnusable(f"The storage cannot be used: {error}. Received: {protocol}://.") from None
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


def check_access(names: Iterable[str]) -> None:
    """Read one byte of some films before a run; raises `StorageUnusable` for an error that would fail every film.

    This includes a bucket that denies access to all of these films. A single denied film is no such error, and neither
    is one that a retry may heal.
    """
    is_denied: dict[str, bool] = {}
    for name in names:
        root = root_of(name)
        try:
            _read(name, 1)
        except StorageUnusable:
            raise
        except PermissionError:
            is_denied.setdefault(root, True)
        except FileNotFoundError:
            is_denied[root] = False
        except Exception:
            return  # the run itself retries; further attempts would only wait for the same storage
        else:
            is_denied[root] = False
    for root in (root for root, denied in is_denied.items() if denied):
        raise unusable("it denies access", root)


def fetch_object(name: str) -> bytes:
    """Read an object: at most one byte more than `PNEUMONIA_MAX_FILE_MB`, enough for the reader to refuse a larger one.

    Raises `UnreadableImage` if the object is missing or cannot be accessed; `Busy` if the storage does not respond, the
    next run tries again; and `StorageUnusable` at once for an error that no retry can heal.
    """
    size = settings.MAX_FILE_MB.read() * 1_000_000 + 1
    for attempt in range(FETCH_ATTEMPTS):
        try:
            return _read(name, size)
        except StorageUnusable:
            raise
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


def _read(name: str, size: int) -> bytes:
    """Read at most `size` bytes of an object in one attempt."""
    system, path = filesystem(name)
    with permanent_errors(name), system.open(path, "rb") as file:
        return bytes(file.read(size))


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
        """Write or replace a file atomically, even with concurrent writers.

        Raises `DiskFull`, `StorageUnusable` for a local folder, and `UsageError` for an address.
        """
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
            # An error of object storage may be transient; a local folder fails for every part.
            error_type = UsageError if self.local is None else StorageUnusable
            raise error_type(f"The output folder cannot be used: {cause}. Received: {self.address}.") from None


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
        rename_file(temporary, path)
    except OSError as error:
        if is_disk_full(error):
            raise DiskFull(
                "The disk is full; the results so far are kept. Free space and run the same command again."
            ) from None
        raise StorageUnusable(f"The results cannot be written: {error.strerror}. Received: {path.parent}.") from None
    finally:
        with suppress(OSError):
            delete_file(temporary)
