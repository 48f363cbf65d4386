"""Films in a ZIP, unpacked in memory: nothing is written to the disk, and no member name is used as a path."""

from __future__ import annotations

import bz2
import lzma
import re
import struct
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from .. import operating_system
from ..errors import EmptyFile, TooLarge, UnreadableImage, UnsupportedFormat
from ..imaging.reader import check_file_size
from ..messages import message
from .system_files import is_hidden
from .zip_directory import ZipDirectory, ZipEntry, data_offset, has_directory, read_directory
from .zip_names import decode_names

MAX_MEMBERS = 50_000
"""Maximum number of members, ten times the number of films in the public training set. The list of members is read into
memory before the first film."""

MAX_DIRECTORY_BYTES = 16_000_000
"""Maximum size of the central directory: 320 bytes per member, enough for names of 200 characters."""

_FIRST_MEMBER = b"PK\x03\x04"

_DICOM_PREFIX = slice(128, 132)
"""Position of "DICM" (PS3.10, section 7.1)."""

_DRIVE = re.compile(r"[A-Za-z]:")

_STORED, _DEFLATED, _BZIP2, _LZMA = 0, 8, 12, 14

_METHODS = {1: "Shrink", 6: "Implode", 9: "Deflate64", 93: "Zstandard", 95: "XZ", 96: "JPEG", 98: "PPMd"}
"""Compression methods that are not supported (APPNOTE.TXT 4.4.5). Enhanced compression of WinZip is Deflate64."""

_PACKING_OVERHEAD = 1.01
"""Packed data that cannot be compressed are larger than the file: Deflate by 5 bytes in 16 kB, BZIP2 by 1 %."""

Member = tuple[str, Callable[[], bytes]]
"""(name, function that reads the member); the function raises a `PneumoniaError` if the member cannot be read. The name
is "" for a member without a name, and for an error that concerns the ZIP."""


_NO_ZIP_SUFFIXES = frozenset(
    (
        *(".dcm", ".dicom", ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".pgm"),
        *(".ppm", ".jp2", ".j2k", ".avif", ".heic", ".csv", ".txt", ".json", ".jsonl", ".pdf", ".docx", ".docm"),
        *(".xlsx", ".xlsm", ".pptx", ".odt", ".ods", ".odp", ".epub", ".jar", ".apk", ".exe"),
    )
)
"""Suffixes of files that are not examined: films, and documents and programs that are ZIPs too."""

_DOCUMENT_MEMBERS = frozenset((b"[Content_Types].xml", b"mimetype", b"META-INF/MANIFEST.MF", b"AndroidManifest.xml"))
"""Members of Office, OpenDocument and EPUB files and of programs in Java."""


def is_zip(path: Path) -> bool:
    """True if a file is a ZIP by its suffix and content, or, with another unusual suffix or none, by its content alone.

    A ZIP begins with its first member, or with a program that unpacks it. Documents and programs that are ZIPs too are
    none here.
    """
    suffix = path.suffix.lower()
    if suffix in _NO_ZIP_SUFFIXES:
        return False
    try:
        with path.open("rb") as file:
            start = file.read(_DICOM_PREFIX.stop)
            if suffix == ".zip":
                return start[:2] == b"PK" or has_directory(file)
            is_dicom = start[_DICOM_PREFIX] == b"DICM"  # its preamble may contain anything
            return start.startswith(_FIRST_MEMBER) and not is_dicom and _has_no_document(file)
    except (OSError, ValueError):
        return False


def _has_no_document(file: BinaryIO) -> bool:
    try:
        entries = read_directory(file, MAX_DIRECTORY_BYTES).entries
    except (UnreadableImage, TooLarge):
        return True  # the ZIP gets a row that says so
    return not any(entry.name in _DOCUMENT_MEMBERS for entry in entries)


def list_members(path: Path, *, max_bytes: int | None = None) -> list[Member]:
    """List the files in a ZIP, in its order; two members may have the same name.

    They can be read on any thread; the ZIP is opened for each. Hidden files and those of operating systems are skipped.
    `max_bytes` limits the unpacked size of all files together. If the end of the list is damaged, the last member is
    an error. Raises `UnreadableImage` for a damaged ZIP, `EmptyFile` for an empty one, and `TooLarge` for too many
    members or more than `max_bytes`.
    """
    try:
        with path.open("rb") as file:
            directory = read_directory(file, MAX_DIRECTORY_BYTES)
    except OSError as error:
        if operating_system.is_out_of_files(error):
            raise operating_system.out_of_files_error() from None
        raise UnreadableImage(message("The ZIP cannot be opened.")) from None
    names = decode_names(directory.entries)
    members = [
        (name, entry)
        for name, entry in zip(names, directory.entries, strict=True)
        if not entry.is_folder and not is_hidden(PurePosixPath(name.replace("\\", "/")).parts)
    ]
    _check_members([entry for _, entry in members], max_bytes)
    readers: list[Member] = [
        (name, partial(_read_member, path, name, entry, directory.start)) for name, entry in members
    ]
    return readers if directory.is_complete else [*readers, ("", partial(_raise_incomplete, directory))]


def _check_members(members: list[ZipEntry], max_bytes: int | None) -> None:
    if not members:
        raise EmptyFile(message("The ZIP contains no files."))
    if len(members) > MAX_MEMBERS:
        raise TooLarge(
            message(
                "The ZIP has too many files. Allowed: {max_members:,}. Received: {count:,}. Unpack it, or split it.",
                max_members=MAX_MEMBERS,
                count=len(members),
            )
        )
    total = sum(member.size for member in members)
    if max_bytes is not None and total > max_bytes:
        raise TooLarge(
            message(
                "The ZIP is too large when unpacked. Allowed: {max_bytes:,.0f} MB. Received: {total:,.0f} MB.",
                max_bytes=max_bytes / 1e6,
                total=total / 1e6,
            )
        )


def _raise_incomplete(directory: ZipDirectory) -> bytes:
    raise UnreadableImage(
        message(
            "The list of files in the ZIP is damaged behind {count:,} entries; files may be missing.",
            count=len(directory.entries),
        )
    )


def _read_member(path: Path, name: str, entry: ZipEntry, start: int) -> bytes:
    _check_name(name)
    if entry.is_link:
        raise UnreadableImage(message("The file in the ZIP is a symbolic link. Allowed: regular files."))
    if entry.is_encrypted:
        raise UnreadableImage(message("The file is encrypted. Allowed: files without a password."))
    check_file_size(entry.size)
    data = _unpack(entry.method, _read_packed(path, entry, start), entry.size)
    if len(data) != entry.size or zlib.crc32(data) != entry.crc:
        raise _damaged_error()
    if data.startswith(b"PK\x03\x04"):
        raise UnsupportedFormat(
            message("A ZIP inside a ZIP is not opened. Allowed: films. Received: a ZIP or office file.")
        )
    return data


def _read_packed(path: Path, entry: ZipEntry, start: int) -> bytes:
    """Read the packed data of a member, at most `_PACKING_OVERHEAD` more than its size."""
    limit = int(entry.size * _PACKING_OVERHEAD) + 1_000
    try:
        with path.open("rb") as file:
            position = data_offset(file, entry, start)
            if position is None or entry.packed_size > limit:
                raise _damaged_error()
            file.seek(position)
            return file.read(entry.packed_size)
    except (OSError, OverflowError):
        raise UnreadableImage(message("The ZIP cannot be read any more.")) from None


def _unpack(method: int, packed: bytes, size: int) -> bytes:
    """Decompress `packed`, at most one byte more than the declared size."""
    if method == _STORED:
        return packed
    try:
        if method == _DEFLATED:
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, size + 1)
        if method == _BZIP2:
            return bz2.BZ2Decompressor().decompress(packed, size + 1)
        if method == _LZMA:
            return _lzma_decompressor(packed, size).decompress(packed[9:], size + 1)
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, struct.error):
        raise _damaged_error() from None
    raise UnreadableImage(
        message(
            "The compression method of the file is not supported. Allowed: stored or deflated. Received: "
            "{method}. Create the ZIP again.",
            method=_METHODS.get(method, f"method {method}"),
        )
    )


def _lzma_decompressor(packed: bytes, size: int) -> lzma.LZMADecompressor:
    """The decompressor for a header of LZMA in a ZIP (APPNOTE.TXT 5.8.8): version, 5, packed parameters, dictionary.

    The dictionary is not larger than the file, because a header could request 4 GB of memory.
    """
    _, length, parameters, dictionary = struct.unpack_from("<HHBI", packed)
    if length != 5:
        raise ValueError
    rest, literal_context = divmod(parameters, 9)
    position_bits, literal_position = divmod(rest, 5)
    options = {"lc": literal_context, "lp": literal_position, "pb": position_bits}
    dictionary = min(dictionary, max(size, 4096))
    return lzma.LZMADecompressor(
        lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA1, "dict_size": dictionary, **options}]
    )


def _check_name(name: str) -> None:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or not path.parts or _DRIVE.match(name):
        raise UnreadableImage(
            message(
                "The file name is empty or points outside the ZIP (path traversal). Allowed: relative names "
                'without "..".'
            )
        )


def _damaged_error() -> UnreadableImage:
    return UnreadableImage(message("The file in the ZIP is damaged and cannot be unpacked."))
