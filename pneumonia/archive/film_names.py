"""List the films of an archive and divide them into parts by their names.

All names are held in memory, which is enough for ten million. The part of a film depends on its name only.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset

from .. import batch
from ..batch import rows
from ..errors import UsageError
from . import storage
from .storage_errors import StorageUnusable, permanent_errors

LIST_SUFFIX = ".parquet"
"""Suffix of a path that is a list of films; it is never read as a film."""

LIST_COLUMNS = ("path", "file")
"""Names of the column with film names; the first one that a list has is used. A result table is a valid list too."""

_CHUNK_NAMES = 65_536
"""Maximum number of names held as Python objects, which take five times the memory of an Arrow array."""


def list_names(paths: Iterable[str], exclude: set[Path]) -> pa.ChunkedArray:
    """List the names of all films in `paths`, except the absolute paths in `exclude`.

    Paths are files, folders, glob patterns, Parquet lists and fsspec addresses. Names are bytes, since a file name need
    not be valid Unicode. Raises `UsageError` for a list or an address that cannot be read.
    """
    chunks, chunk = [], []
    for name in _iterate_names(paths, exclude):
        chunk.append(os.fsencode(name))
        if len(chunk) == _CHUNK_NAMES:
            chunks.append(pa.array(chunk, pa.binary()))
            chunk = []
    return pa.chunked_array([*chunks, pa.array(chunk, pa.binary())])


def sample_addresses(names: pa.ChunkedArray, count: int) -> list[str]:
    """At most `count` of the names that are fsspec addresses, spread evenly over all of them."""
    indices = np.flatnonzero(pc.match_substring(names, "://").to_numpy())
    positions = np.linspace(0, len(indices) - 1, min(count, len(indices))).astype(int)
    return [os.fsdecode(names[int(index)].as_py()) for index in indices[positions]]


def partition_names(names: pa.ChunkedArray, parts: int) -> Iterator[tuple[int, list[bytes]]]:
    """Yield (part, its names) for each part that is not empty; duplicate names are merged."""
    part_indices = np.fromiter((partition_of(name, parts) for name in _iterate_bytes(names)), np.int32, len(names))
    order = np.argsort(part_indices, kind="stable")
    ends = np.searchsorted(part_indices, np.arange(parts), side="right", sorter=order)
    # Combined into one chunk, since each slice would search for its chunk. Names of more than 2 GB need 64-bit offsets.
    ordered_names = names.cast(pa.large_binary()).combine_chunks().take(pa.array(order))
    for part, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
        if end > start:
            yield part, list(dict.fromkeys(ordered_names.slice(start, end - start).to_pylist()))


def partition_of(name: bytes, parts: int) -> int:
    """Index of the part of a name, 0 to `parts` - 1; it is the same on every machine and in every run."""
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
    """Yield the films of a Parquet list, or of all lists that match a pattern."""
    system, path_in_system = storage.filesystem(path)
    try:
        with permanent_errors(path):
            files = sorted(system.glob(path_in_system)) if _is_pattern(path) else [path_in_system]
            if not files:
                raise FileNotFoundError
            table = pa.dataset.dataset(files, format="parquet", filesystem=system)
        column = next(name for name in LIST_COLUMNS if name in table.schema.names)
        is_result_table = column == "file" and set(rows.COLUMNS) <= set(table.schema.names)
        for record_batch in table.to_batches(columns=[column]):
            names = (name for name in record_batch.column(0).cast(pa.string()).to_pylist() if name is not None)
            yield from map(rows.unescape, names) if is_result_table else names
    except StopIteration:
        received = ", ".join(table.schema.names)
        raise UsageError(
            f"The list has no column with film names. Allowed: path, or file. Received: {received}."
        ) from None
    except StorageUnusable:
        raise
    except Exception as error:  # each storage has its own exception types
        raise UsageError(f"The list cannot be read: {_list_error(error)}. Received: {path}.") from None


def _list_error(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "it does not exist"
    if isinstance(error, (OSError, pa.ArrowException)):
        return getattr(error, "strerror", None) or "it is not a complete Parquet file"
    return f"the storage failed ({type(error).__name__})"


def _names_at_address(address: str) -> Iterator[str]:
    """Yield the films below an fsspec address; a missing object is yielded as a film whose reading fails."""
    system, root = storage.filesystem(address)
    try:
        with permanent_errors(address):
            objects = sorted(system.glob(root)) if _is_pattern(address) else system.find(root)
    except FileNotFoundError:
        objects = []
    except StorageUnusable:
        raise
    except Exception as error:
        raise UsageError(f"The storage cannot be listed ({type(error).__name__}). Received: {address}.") from None
    if _is_pattern(address):
        yield from (system.unstrip_protocol(path) for path in objects)
        return
    relative_names = [name[len(root) :].strip("/") for name in objects]
    if relative_names in ([], [""]):
        yield address
        return
    yield from (f"{address.rstrip('/')}/{name}" for name in relative_names if not _is_hidden(name))


def _is_pattern(path: str) -> bool:
    return any(character in path for character in "*?[") and (storage.is_address(path) or not os.path.lexists(path))


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in PurePosixPath(name).parts)
