"""Films in a ZIP, read where they lie: nothing is unpacked to the disk, and no name from inside is used as a path."""

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
"""Ten times the films of the public training set; a longer list of members takes memory before one film is read."""

MAX_DIRECTORY_BYTES = 16_000_000
"""Bytes of a ZIP's list of members: 320 for each, a name of 200 letters."""

_DRIVE = re.compile(r"[A-Za-z]:")

Member = tuple[str, Callable[[], bytes]]
"""A name inside the ZIP, and how to read it; the reading raises a `PneumoniaError` for what is no film's file."""


def is_zip(path: Path) -> bool:
    """By name and by content: an office file is a ZIP too, but nobody calls it one."""
    try:
        with path.open("rb") as file:
            return path.suffix.lower() == ".zip" and file.read(2) == b"PK"
    except (OSError, ValueError):
        return False


def list_members(path: Path, *, max_bytes: int | None = None) -> list[Member]:
    """The files in a ZIP, in its order, readable from any thread; the ZIP stays open as long as one may be read.

    Hidden files and macOS's doubles are left out. Raises a `PneumoniaError` for a ZIP that is damaged, empty, has too
    many members, or would unpack to more than `max_bytes`.
    """
    try:
        archive = zipfile.ZipFile(_BoundedFile(path))
    except PneumoniaError:
        raise
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, OverflowError, struct.error):
        raise UnreadableImage("The ZIP is damaged and cannot be opened.") from None
    # Not `is_dir`, which fails for a member without a name.
    members = [
        member for member in archive.infolist() if not member.filename.endswith("/") and not _is_hidden(member.filename)
    ]
    _check_members(members, max_bytes)
    return [(member.filename, partial(_read_member, archive, member)) for member in members]


class _BoundedFile(io.FileIO):
    """A file that refuses to hand out more at once than a list of members may take.

    It closes when the last member that may be read from it is forgotten: films are read behind the one that asks.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_DIRECTORY_BYTES:
            raise _too_many()
        return super().read(size) or b""

    def __del__(self) -> None:
        self.close()


def _check_members(members: list[zipfile.ZipInfo], max_bytes: int | None) -> None:
    if not members:
        raise EmptyFile("The ZIP holds no files.")
    if len(members) > MAX_MEMBERS:
        raise _too_many()
    total = sum(member.file_size for member in members)
    if max_bytes is not None and total > max_bytes:
        raise TooLarge(
            f"The ZIP is too large when unpacked. Allowed: {max_bytes / 1e6:,.0f} MB. Received: {total / 1e6:,.0f} MB."
        )


def _too_many() -> TooLarge:
    return TooLarge(f"The ZIP has too many files. Allowed: {MAX_MEMBERS:,}. Unpack it, or make several.")


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    _check_name(member.filename)
    if member.flag_bits & 0x1:
        raise UnreadableImage("The file is encrypted. Allowed: files that need no password.")
    limit_mb = settings.MAX_FILE_MB.read()
    limit = limit_mb * 1_000_000
    if member.file_size > limit:
        raise TooLarge(f"The file is too large. Allowed: {limit_mb} MB. Received: {member.file_size / 1e6:.1f} MB.")
    data = _unpack(archive, member, limit)
    if data.startswith(b"PK\x03\x04"):
        raise UnsupportedFormat("A ZIP inside a ZIP is not opened. Allowed: films. Received: a ZIP or office file.")
    return data


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int) -> bytes:
    """The member's bytes: `limit` holds whatever size its header claims."""
    try:
        with archive.open(member) as file:
            return file.read(limit)
    except NotImplementedError:
        raise UnreadableImage("The file is packed in a way that cannot be read. Allowed: stored or deflated.") from None
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, RuntimeError, ValueError):
        raise UnreadableImage("The file is damaged inside the ZIP and cannot be unpacked.") from None


def _check_name(name: str) -> None:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or not path.parts or _DRIVE.match(name):
        raise UnreadableImage("The name of the file leads out of the ZIP. Allowed: names inside it.")


def _is_hidden(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return "__MACOSX" in parts or any(part.startswith(".") and part != ".." for part in parts)
