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

LIST = ".parquet"
"""A path of this ending is a list of films, never a film."""

COLUMNS = ("path", "file")
"""Of a list, the first of these that it has; a table of answers is a list, too."""

_CHUNK = 65_536
"""Names that are Python's at a time: as such they take five times the memory."""


def list_names(paths: Iterable[str], leave_out: set[Path]) -> pa.ChunkedArray:
    """The names of all films, as bytes, since a file's name need not be text."""
    chunks, chunk = [], []
    for name in _each(paths, leave_out):
        chunk.append(os.fsencode(name))
        if len(chunk) == _CHUNK:
            chunks.append(pa.array(chunk, pa.binary()))
            chunk = []
    return pa.chunked_array([*chunks, pa.array(chunk, pa.binary())])


def partition_names(names: pa.ChunkedArray, parts: int) -> Iterator[tuple[int, list[bytes]]]:
    """(part, its names) for each part that has some; a name that was given twice counts once."""
    of = np.fromiter((partition_of(name, parts) for name in _pythons(names)), np.int32, len(names))
    order = np.argsort(of, kind="stable")
    ends = np.searchsorted(of, np.arange(parts), side="right", sorter=order)
    # In one piece, since a piece is looked for anew in each part's turn; over 2 GB of names need large offsets.
    together = names.cast(pa.large_binary()).combine_chunks().take(pa.array(order))
    for part, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
        if end > start:
            yield part, list(dict.fromkeys(together.slice(start, end - start).to_pylist()))


def partition_of(name: bytes, parts: int) -> int:
    """By the name alone, the same on every machine and in every run."""
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest()) % parts


def _pythons(names: pa.ChunkedArray) -> Iterator[bytes]:
    for chunk in names.chunks:
        yield from chunk.to_pylist()


def _each(paths: Iterable[str], leave_out: set[Path]) -> Iterator[str]:
    for path in paths:
        if path.endswith(LIST):
            yield from _listed(path)
        elif storage.is_address(path):
            yield from _objects(path)
        else:
            yield from (film.name for film in batch.find_films([path], leave_out=leave_out, open_zips=False))


def _listed(path: str) -> Iterator[str]:
    """The films of a list; a pattern is several."""
    system, inside = storage.filesystem(path)
    try:
        found = sorted(system.glob(inside)) if _is_pattern(path) else [inside]
        if not found:
            raise FileNotFoundError
        table = pa.dataset.dataset(found, format="parquet", filesystem=system)
        column = next(name for name in COLUMNS if name in table.schema.names)
        for piece in table.to_batches(columns=[column]):
            yield from (name for name in piece.column(0).cast(pa.string()).to_pylist() if name is not None)
    except StopIteration:
        received = ", ".join(table.schema.names)
        raise UsageError(f"The list has no column of films. Allowed: path, or file. Received: {received}.") from None
    except (OSError, pa.ArrowException) as error:
        gone = isinstance(error, FileNotFoundError)
        why = "it is not there" if gone else getattr(error, "strerror", None) or "it is not a whole Parquet file"
        raise UsageError(f"The list cannot be read: {why}. Received: {path}.") from None


def _objects(address: str) -> Iterator[str]:
    """The films under an address, by the address that was given; one that cannot be listed is a film that fails."""
    system, inside = storage.filesystem(address)
    if _is_pattern(address):
        yield from (system.unstrip_protocol(found) for found in sorted(system.glob(inside)))
        return
    try:
        found = system.find(inside)
    except FileNotFoundError:
        found = []
    except Exception as error:
        raise UsageError(f"The storage cannot be listed ({type(error).__name__}). Received: {address}.") from None
    below = [path[len(inside) :].strip("/") for path in found]
    if below in ([], [""]):
        yield address
        return
    yield from (f"{address.rstrip('/')}/{name}" for name in below if not _is_hidden(name))


def _is_pattern(path: str) -> bool:
    return any(letter in path for letter in "*?[") and (storage.is_address(path) or not os.path.lexists(path))


def _is_hidden(name: str) -> bool:
    return any(each.startswith(".") for each in PurePosixPath(name).parts)
