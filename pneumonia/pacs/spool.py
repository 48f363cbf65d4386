"""The files of the queue: objects that are being received, films that wait, and result objects that wait.

    incoming/   written by the network library while an object arrives; deleted at the start of the service
    films/      complete films, each with a row of `instance`
    results/    result objects, each with rows of `delivery`
    undelivered/  result objects whose rows were lost with the database

A file is moved to `films` or `results` complete and synced, so a kill leaves whole files only. Folders (0700) and files
(0600) belong to the user of the service alone.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .. import operating_system
from ..errors import DiskFull
from ..files import is_disk_full, rename_file, sync_folder, sync_to_disk
from ..messages import message

_CHUNK = 1 << 20


class Spool:
    """The three folders below `folder`, which are created if they are missing."""

    def __init__(self, folder: Path) -> None:
        self.incoming, self.films, self.results = (folder / name for name in ("incoming", "films", "results"))
        self._undelivered = folder / "undelivered"
        for path in (folder, self.incoming, self.films, self.results):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(OSError):
            folder.chmod(0o700)

    def store_film(self, source: Path, calling_ae: str) -> str:
        """Move a received file to `films`; returns its name when it is on the disk. Raises `DiskFull`."""
        # The AE title is kept in the name, so that the film can be routed even if the database is lost.
        name = f"{secrets.token_hex(16)}-{calling_ae.encode().hex()}.dcm"
        with _translate_disk_full():
            if operating_system.IS_WINDOWS:
                # Windows renames no file that is open, and the network library closes and deletes it later.
                source = Path(shutil.copyfile(source, self.films / f"{name}.partial"))
            os.chmod(source, 0o600)
            sync_to_disk(source)
            rename_file(source, self.films / name)
            sync_folder(self.films)
        return name

    def store_result(self, name: str, data: bytes) -> None:
        """Write a result object; an earlier one of the same name is replaced. The caller syncs the folder.

        Raises `DiskFull`; then what was written is deleted, since it would take the space of a transaction.
        """
        partial = self.results / f"{name}.partial"
        try:
            with _translate_disk_full():
                descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                with open(descriptor, "wb") as file:
                    file.write(data)
                sync_to_disk(partial)
                rename_file(partial, self.results / name)
        except DiskFull:
            delete_quietly(partial)
            raise

    def delete_unknown_results(self, known: Iterable[str]) -> int:
        """Delete the result files that are not in `known`; returns their number."""
        return sum(delete_quietly(path) for path in _files_except(self.results, known))

    def move_results(self, except_for: Iterable[str]) -> int:
        """Move the complete result files with other names to the folder `undelivered`; returns their number."""
        files = [path for path in _files_except(self.results, except_for) if path.suffix != ".partial"]
        if files:
            self._undelivered.mkdir(mode=0o700, exist_ok=True)
        for path in files:
            rename_file(path, self._undelivered / path.name)
        return len(files)

    def unknown_films(self, known: Iterable[str]) -> list[Path]:
        """The complete films that are not in `known`; incomplete ones are deleted."""
        for path in self.films.glob("*.partial"):
            delete_quietly(path)
        return _files_except(self.films, known)

    def delete_incoming(self, older_than_s: float = 0) -> int:
        """Delete what associations that have ended left behind; returns the number of files."""
        limit = time.time() - older_than_s
        files = [path for path in self.incoming.iterdir() if _modified_at(path) <= limit]
        return sum(delete_quietly(path) for path in files)


def calling_ae_of(film: Path) -> str:
    """The calling AE title in the name of a film; empty if the name has none."""
    try:
        return bytes.fromhex(film.stem.partition("-")[2]).decode()
    except ValueError:
        return ""


def digest_of(path: Path) -> bytes:
    """Digest of a file (BLAKE2b, 32 bytes), which runs at the speed of the disk and without the GIL."""
    digest = hashlib.blake2b(digest_size=32)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.digest()


def delete_quietly(path: Path) -> bool:
    """Delete a file; False if it is missing or in use. What remains is deleted at the next start."""
    try:
        path.unlink()
    except OSError:
        return False
    return True


def _files_except(folder: Path, names: Iterable[str]) -> list[Path]:
    known = set(names)
    return [path for path in folder.iterdir() if path.name not in known]


def _modified_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return float("inf")


@contextmanager
def _translate_disk_full() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if is_disk_full(error):
            raise DiskFull(message("The disk of the queue is full or cannot be written.")) from None
        raise
