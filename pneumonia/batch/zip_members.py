"""Films in a ZIP, unpacked in memory: nothing is written to the disk, and no member name is used as a path."""

from __future__ import annotations

import io
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath

from .. import settings
from ..errors import EmptyFile, PneumoniaError, TooLarge, UnreadableImage, UnsupportedFormat

MAX_MEMBERS = 50_000
"""Maximum number of members, ten times the number of films in the public training set. The list of members is read into
memory before the first film."""

MAX_DIRECTORY_BYTES = 16_000_000
"""Maximum size of the central directory: 320 bytes per member, enough for names of 200 characters."""

_DRIVE = re.compile(r"[A-Za-z]:")

Member = tuple[str, Callable[[], bytes]]
"""(name, function that reads the member); the function raises a `PneumoniaError` if the member cannot be read."""


def is_zip(path: Path) -> bool:
    """True if suffix and content are those of a ZIP; office files are ZIPs too, but have other suffixes."""
    if path.suffix.lower() != ".zip":
        return False
    try:
        with path.open("rb") as file:
            return file.read(2) == b"PK"
    except (OSError, ValueError):
        return False


def list_members(path: Path, *, max_bytes: int | None = None) -> list[Member]:
    """List the files in a ZIP, in its order.

    They can be read on any thread; the ZIP stays open while one of them is referenced. Hidden files and `__MACOSX`
    (resource forks) are skipped. `max_bytes` limits the unpacked size of all files together. Raises `UnreadableImage`
    for a damaged ZIP, `EmptyFile` for an empty one, and `TooLarge` for too many members or more than `max_bytes`.
    """
    try:
        archive = zipfile.ZipFile(_BoundedFile(path))
    except PneumoniaError:
        raise
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, OverflowError, struct.error):
        raise UnreadableImage("The ZIP is damaged and cannot be opened.") from None
    # Not `ZipInfo.is_dir`, which fails for a member without a name.
    members = [
        member for member in archive.infolist() if not member.filename.endswith("/") and not _is_hidden(member.filename)
    ]
    _check_members(members, max_bytes)
    return [(member.filename, partial(_read_member, archive, member)) for member in members]


class _BoundedFile(io.FileIO):
    """A file that refuses single reads of more than `MAX_DIRECTORY_BYTES`, which occur for a central directory only.

    It is closed when the last member that refers to it is deleted, because films are read later, on other threads.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_DIRECTORY_BYTES:
            raise _too_many_files_error()
        return super().read(size) or b""

    def __del__(self) -> None:
        self.close()


def _check_members(members: list[zipfile.ZipInfo], max_bytes: int | None) -> None:
    if not members:
        raise EmptyFile("The ZIP contains no files.")
    if len(members) > MAX_MEMBERS:
        raise _too_many_files_error()
    total = sum(member.file_size for member in members)
    if max_bytes is not None and total > max_bytes:
        raise TooLarge(
            f"The ZIP is too large when unpacked. Allowed: {max_bytes / 1e6:,.0f} MB. Received: {total / 1e6:,.0f} MB."
        )


def _too_many_files_error() -> TooLarge:
    return TooLarge(f"The ZIP has too many files. Allowed: {MAX_MEMBERS:,}. Unpack it, or split it.")


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    _check_name(member.filename)
    if member.flag_bits & 0x1:
        raise UnreadableImage("The file is encrypted. Allowed: files without a password.")
    limit_mb = settings.MAX_FILE_MB.read()
    limit = limit_mb * 1_000_000
    if member.file_size > limit:
        raise TooLarge(f"The file is too large. Allowed: {limit_mb} MB. Received: {member.file_size / 1e6:.1f} MB.")
    data = _unpack(archive, member, limit)
    if data.startswith(b"PK\x03\x04"):
        raise UnsupportedFormat("A ZIP inside a ZIP is not opened. Allowed: films. Received: a ZIP or office file.")
    return data


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int) -> bytes:
    """Decompress at most `limit` bytes of a member, regardless of the size that its header declares."""
    try:
        with archive.open(member) as file:
            return file.read(limit)
    except NotImplementedError:
        raise UnreadableImage(
            "The compression method of the file is not supported. Allowed: stored or deflated."
        ) from None
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, RuntimeError, ValueError):
        raise UnreadableImage("The file in the ZIP is damaged and cannot be unpacked.") from None


def _check_name(name: str) -> None:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or not path.parts or _DRIVE.match(name):
        raise UnreadableImage(
            'The file name points outside the ZIP (path traversal). Allowed: relative names without "..".'
        )


def _is_hidden(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return "__MACOSX" in parts or any(part.startswith(".") and part != ".." for part in parts)
