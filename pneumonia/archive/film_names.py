"""Which films there are, and to which part each belongs: ten million names fit, and a name's part never changes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

import numpy as np
import pyarrow as pa
import pyarrow.dataset

from .. import batch
from ..errors import UsageError
from . import storage

LIST_SUFFIX = ".parquet"
"""A path of this ending is a list of films, never a film."""

LIST_COLUMNS = ("path", "file")
"""Of a list, the first of these that it has; a table of answers is a list, too."""

_CHUNK_NAMES = 65_536
"""Names that are Python's at a time: as such they take five times the memory."""


def list_names(paths: Iterable[str], exclude: set[Path]) -> pa.ChunkedArray:
    """The names of all films, as bytes, since a file's name need not be text."""
    chunks, chunk = [], []
    for name in _iterate_names(paths, exclude):
        chunk.append(os.fsencode(name))
        if len(chunk) == _CHUNK_NAMES:
            chunks.append(pa.array(chunk, pa.binary()))
            chunk = []
    return pa.chunked_array([*chunks, pa.array(chunk, pa.binary())])


def partition_names(names: pa.ChunkedArray, parts: int) -> Iterator[tuple[int, list[bytes]]]:
    """(part, its names) for each part that has some; a name that was given twice counts once."""
    part_numbers = np.fromiter((partition_of(name, parts) for name in _iterate_bytes(names)), np.int32, len(names))
    order = np.argsort(part_numbers, kind="stable")
    ends = np.searchsorted(part_numbers, np.arange(parts), side="right", sorter=order)
    # In one piece, since a piece is looked for anew in each part's turn; over 2 GB of names need large offsets.
    ordered_names = names.cast(pa.large_binary()).combine_chunks().take(pa.array(order))
    for part, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
        if end > start:
            yield part, list(dict.fromkeys(ordered_names.slice(start, end - start).to_pylist()))


def partition_of(name: bytes, parts: int) -> int:
    """By the name alone, the same on every machine and in every run."""
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest()) % parts


def _iterate_bytes(names: pa.ChunkedArray) -> Iterator[bytes]:
    for chunk in names.chunks:
        yield from chunk.to_pylist()


def _iterate_names(paths: Iterable[str], exclude: set[Path]) -> Iterator[str]:
    for path in paths:
        if path.endswith(LIST_SUFFIX):
            yield from _names_in_list(path)
        elif storage.is_address(path):
            yield from _names_at_address(path)
        else:
            yield from (film.name for film in batch.find_films([path], exclude=exclude, open_zips=False))


def _names_in_list(path: str) -> Iterator[str]:
    """The films of a list; a pattern is several."""
    system, path_in_system = storage.filesystem(path)
    try:
        files = sorted(system.glob(path_in_system)) if _is_pattern(path) else [path_in_system]
        if not files:
            raise FileNotFoundError
        table = pa.dataset.dataset(files, format="parquet", filesystem=system)
        column = next(name for name in LIST_COLUMNS if name in table.schema.names)
        for record_batch in table.to_batches(columns=[column]):
            yield from (name for name in record_batch.column(0).cast(pa.string()).to_pylist() if name is not None)
    except StopIteration:
        received = ", ".join(table.schema.names)
        raise UsageError(f"The list has no column of films. Allowed: path, or file. Received: {received}.") from None
    except (OSError, pa.ArrowException) as error:
        is_missing = isinstance(error, FileNotFoundError)
        cause = (
            "it is not there" if is_missing else getattr(error, "strerror", None) or "it is not a whole Parquet file"
        )
        raise UsageError(f"The list cannot be read: {cause}. Received: {path}.") from None


def _names_at_address(address: str) -> Iterator[str]:
    """The films under an address, by the address that was given; one that cannot be listed is a film that fails."""
    system, root = storage.filesystem(address)
    if _is_pattern(address):
        yield from (system.unstrip_protocol(path) for path in sorted(system.glob(root)))
        return
    try:
        objects = system.find(root)
    except FileNotFoundError:
        objects = []
    except Exception as error:
        raise UsageError(f"The storage cannot be listed ({type(error).__name__}). Received: {address}.") from None
    relative = [name[len(root) :].strip("/") for name in objects]
    if relative in ([], [""]):
        yield address
        return
    yield from (f"{address.rstrip('/')}/{name}" for name in relative if not _is_hidden(name))


def _is_pattern(path: str) -> bool:
    return any(character in path for character in "*?[") and (storage.is_address(path) or not os.path.lexists(path))


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in PurePosixPath(name).parts)
