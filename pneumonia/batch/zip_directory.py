"""The central directory of a ZIP: which members it lists, and where their data begin.

`zipfile` refuses the whole ZIP for one member with an invalid name, extra field or version, and a member whose name
differs between the central directory and its local header, as several writers cause. Here only that member is lost.
Structures: APPNOTE.TXT 6.3.10, https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (section in brackets).
"""

from __future__ import annotations

import os
import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from ..errors import TooLarge, UnreadableImage
from ..messages import message

_END = struct.Struct("<4sHHHHIIH")  # end of central directory [4.3.16]
_END_SIGNATURE = b"PK\x05\x06"
_END64_LOCATOR = struct.Struct("<4sIQI")  # [4.3.15]
_END64_LOCATOR_SIGNATURE = b"PK\x06\x07"
_END64 = struct.Struct("<4sQ2xHIIQQQQ")  # [4.3.14]; its version made by and version needed are 2x and H
_END64_SIGNATURE = b"PK\x06\x06"
_ENTRY = struct.Struct("<4sxB2xHH4xIIIHHH4xII")  # central directory header [4.3.12]
_ENTRY_SIGNATURE = b"PK\x01\x02"
_LOCAL_HEADER = struct.Struct("<4s22xHH")  # [4.3.7]
_LOCAL_SIGNATURE = b"PK\x03\x04"
_SPLIT_SIGNATURE = b"PK\x07\x08"  # first bytes of the first part of a split ZIP [8.5.3]

_MAX_COMMENT_BYTES = 65_535
_ZIP64_MARK = 0xFFFFFFFF
"""Value of a 32-bit field whose real value is in the Zip64 extra field [4.5.3]."""

_WRAP = 2**32
"""The Archive Utility of macOS writes ZIPs over 4 GB without Zip64: their offsets are remainders of 2**32."""

_UNIX_SYSTEMS = frozenset({3, 19})
"""Values of "version made by" whose external attributes contain a Unix mode [4.4.2]: Unix and macOS."""

_DOS_FOLDER = 0x10
"""Attribute of a folder in the lowest byte of the external attributes [4.4.15]."""


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """A member as the central directory lists it. `name` is not decoded; sizes are in bytes.

    `unicode_name` is the name of the Info-ZIP Unicode Path extra field [4.6.9], None without a valid one.
    `header_offset` is relative to the start of the ZIP, which data may precede.
    """

    name: bytes
    unicode_name: str | None
    flags: int
    method: int
    crc: int
    packed_size: int
    size: int
    header_offset: int
    system: int
    attributes: int

    @property
    def is_encrypted(self) -> bool:
        return bool(self.flags & 0x1)

    @property
    def has_utf8_flag(self) -> bool:
        return bool(self.flags & 0x800)

    @property
    def is_folder(self) -> bool:
        """True for a folder. .NET writes its name with a backslash; some writers mark it by its attributes only."""
        if self.size:
            return False  # a film with the name of a folder is not skipped
        return self.name.endswith((b"/", b"\\")) or bool(self.attributes & _DOS_FOLDER) or stat.S_ISDIR(self._mode)

    @property
    def is_link(self) -> bool:
        """True for a symbolic link; its data are the path of its target."""
        return stat.S_ISLNK(self._mode)

    @property
    def _mode(self) -> int:
        return self.attributes >> 16 if self.system in _UNIX_SYSTEMS else 0


@dataclass(frozen=True)
class ZipDirectory:
    """The entries of a ZIP; `is_complete` is false if the directory is damaged after them.

    `start` is the number of bytes before the ZIP, such as the program of a self-extracting ZIP.
    """

    entries: list[ZipEntry]
    start: int
    is_complete: bool


@dataclass(frozen=True)
class _End:
    """Position, size and declared offset of the central directory, and the number of entries modulo 65,536."""

    position: int
    size: int
    offset: int
    count: int
    is_split: bool


def has_directory(file: BinaryIO) -> bool:
    """True if the file ends like a ZIP, whatever it begins with."""
    return next(_ends(file), None) is not None


def read_directory(file: BinaryIO, max_bytes: int) -> ZipDirectory:
    """Read the central directory of a ZIP.

    Raises `UnreadableImage` if it is missing, damaged or part of a split ZIP, and `TooLarge` above `max_bytes`.
    """
    end = _end_of_zip(file)
    if end.size > max_bytes:
        raise TooLarge(
            message(
                "The ZIP has too many files. Allowed: {max_bytes:,.0f} MB of file names. Received: {end:,.0f} MB. "
                "Unpack it, or split it.",
                max_bytes=max_bytes / 1e6,
                end=end.size / 1e6,
            )
        )
    data = _read(file, end.position, end.size)
    entries = list(_parse_entries(data))
    if end.count and not entries:
        raise UnreadableImage(message("The ZIP is damaged: the list of its files, at its end, cannot be read."))
    return ZipDirectory(entries, end.position - end.offset, len(entries) % 2**16 == end.count % 2**16)


def _end_of_zip(file: BinaryIO) -> _End:
    """The end of the central directory; raises `UnreadableImage` if it is missing, damaged or that of a split ZIP.

    The last one with entries counts: a comment may contain the end of an empty ZIP.
    """
    ends = list(_ends(file))
    end = next((end for end in ends if _starts_with_entry(file, end)), ends[0] if ends else None)
    if (end is not None and end.is_split) or (end is None and _read(file, 0, 4) == _SPLIT_SIGNATURE):
        raise UnreadableImage(
            message("The ZIP is one part of a split ZIP. Allowed: a ZIP in one file. Join the parts.")
        )
    if end is None:
        raise UnreadableImage(
            message("The ZIP is damaged or incomplete: the list of its files, at its end, is missing.")
        )
    if end.size > file.seek(0, os.SEEK_END):
        raise UnreadableImage(message("The ZIP is damaged: the list of its files, at its end, cannot be read."))
    return end


def data_offset(file: BinaryIO, entry: ZipEntry, start: int) -> int | None:
    """Position of the packed data of a member in a file whose ZIP begins at `start`; None without a local header.

    The name in the local header decides between several possible positions only.
    """
    first_position: int | None = None
    for offset in _possible_offsets(entry, start):
        header = _read(file, offset, _LOCAL_HEADER.size)
        if len(header) == _LOCAL_HEADER.size and header.startswith(_LOCAL_SIGNATURE):
            _, name_length, extra_length = _LOCAL_HEADER.unpack(header)
            position: int = offset + len(header) + name_length + extra_length
            if _read(file, offset + len(header), name_length) == entry.name:
                return position
            first_position = position if first_position is None else first_position
    return first_position


def _possible_offsets(entry: ZipEntry, start: int) -> Iterator[int]:
    yield entry.header_offset + start
    if start and start % _WRAP == 0:
        yield from range(entry.header_offset, entry.header_offset + start, _WRAP)
    elif start > 0:
        yield entry.header_offset  # some writers of self-extracting ZIPs count from the start of the file


def _ends(file: BinaryIO) -> Iterator[_End]:
    """Every end of a central directory in the last bytes of a file, the last one first.

    A comment, or data that were appended to the ZIP, may contain the signature too.
    """
    file_size = file.seek(0, os.SEEK_END)
    tail_position = max(0, file_size - _MAX_COMMENT_BYTES - _END.size)
    tail = _read(file, tail_position, file_size - tail_position)
    index = tail.rfind(_END_SIGNATURE)
    while index >= 0:
        if index + _END.size <= len(tail):
            yield _parse_end(file, tail_position + index, tail[index : index + _END.size])
        index = tail.rfind(_END_SIGNATURE, 0, index + len(_END_SIGNATURE) - 1)


def _parse_end(file: BinaryIO, position: int, record: bytes) -> _End:
    _, disk, first_disk, _, count, size, offset, _ = _END.unpack(record)
    locator = _read(file, position - _END64_LOCATOR.size, _END64_LOCATOR.size) if position >= 20 else b""
    if locator.startswith(_END64_LOCATOR_SIGNATURE):
        _, _, end64_offset, _ = _END64_LOCATOR.unpack(locator)
        for end64_position in (position - len(locator) - _END64.size, end64_offset):
            record64 = _read(file, end64_position, _END64.size)
            if len(record64) == _END64.size and record64.startswith(_END64_SIGNATURE):
                _, _, _, disk, first_disk, _, count, size, offset = _END64.unpack(record64)
                position = end64_position
                break
    directory_position = position - size
    if directory_position < 0 or _read(file, directory_position, 4) != _ENTRY_SIGNATURE:
        directory_position = offset  # data lie between the directory and its end
    return _End(directory_position, size, offset, count, is_split=bool(disk or first_disk) and disk != 0xFFFF)


def _starts_with_entry(file: BinaryIO, end: _End) -> bool:
    return end.size > 0 and _read(file, end.position, 4) == _ENTRY_SIGNATURE


def _parse_entries(data: bytes) -> Iterator[ZipEntry]:
    """The entries of a central directory up to the first invalid one."""
    position = 0
    while position + _ENTRY.size <= len(data) and data.startswith(_ENTRY_SIGNATURE, position):
        name_length, extra_length, comment_length = struct.unpack_from("<HHH", data, position + 28)
        name_end = position + _ENTRY.size + name_length
        end = name_end + extra_length + comment_length
        if end > len(data):
            return
        fields = _ENTRY.unpack_from(data, position)
        name = data[position + _ENTRY.size : name_end]
        yield _entry(fields, name, data[name_end : name_end + extra_length])
        position = end


def _entry(fields: tuple[int, ...], name: bytes, extra: bytes) -> ZipEntry:
    _, system, flags, method, crc, packed_size, size, _, _, _, attributes, offset = fields
    unicode_name = None
    for tag, content in _extra_fields(extra):
        if tag == 0x0001:
            size, packed_size, offset = _zip64_values(content, size, packed_size, offset)
        elif tag == 0x7075:
            unicode_name = _unicode_name(content, name)
    return ZipEntry(name, unicode_name, flags, method, crc, packed_size, size, offset, system, attributes)


def _extra_fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """(tag, content) of each extra field [4.5.1]; what follows an invalid length is ignored."""
    position = 0
    while position + 4 <= len(extra):
        tag, length = struct.unpack_from("<HH", extra, position)
        position += 4
        if position + length > len(extra):
            return
        yield tag, extra[position : position + length]
        position += length


def _zip64_values(content: bytes, *values: int) -> list[int]:
    """The values, with those that are `_ZIP64_MARK` replaced by the next 64-bit integers of the extra field."""
    integers = iter(struct.unpack(f"<{len(content) // 8}Q", content[: len(content) // 8 * 8]))
    return [next(integers, value) if value == _ZIP64_MARK else value for value in values]


def _unicode_name(content: bytes, name: bytes) -> str | None:
    """The name in an Info-ZIP Unicode Path field; None if a writer changed the header's name without this one."""
    if len(content) < 5 or content[0] != 1 or struct.unpack_from("<I", content, 1)[0] != zlib.crc32(name):
        return None
    try:
        return content[5:].decode()
    except UnicodeDecodeError:
        return None


def _read(file: BinaryIO, position: int, size: int) -> bytes:
    """Read `size` bytes, fewer at the end of the file; none at a position that a file cannot have."""
    if not 0 <= position < 2**63:
        return b""
    file.seek(position)
    return file.read(size)
