"""ZIPs as writers other than Python's `zipfile` create them, byte by byte."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

STORED, DEFLATED = 0, 8
DOS, UNIX, NTFS = 0, 3, 10
UTF8_FLAG = 0x800
LINK = 0o120777 << 16
"""External attributes of a symbolic link."""


@dataclass(frozen=True)
class Member:
    """A member of a ZIP. `local_name` and `crc` are, if given, different from what they should be."""

    name: bytes
    data: bytes = b""
    flags: int = 0
    method: int = DEFLATED
    system: int = UNIX
    attributes: int = 0
    extra: bytes = b""
    local_name: bytes | None = None
    crc: int | None = None

    @property
    def packed(self) -> bytes:
        compressor = zlib.compressobj(wbits=-15)
        return self.data if self.method != DEFLATED else compressor.compress(self.data) + compressor.flush()

    def fields(self) -> bytes:
        """Flags to uncompressed size, which both headers have."""
        crc = zlib.crc32(self.data) if self.crc is None else self.crc
        return struct.pack("<HHIIII", self.flags, self.method, 0x21_0000, crc, len(self.packed), len(self.data))


def zip_bytes(*members: Member, before: bytes = b"", comment: bytes = b"", offset: int = 0) -> bytes:
    """The bytes of a ZIP; `before` precedes it, and `offset` is added to all its offsets."""
    content, directory = b"", b""
    for member in members:
        name = member.name if member.local_name is None else member.local_name
        position = len(content) + offset
        content += struct.pack("<4sH", b"PK\x03\x04", 20) + member.fields() + struct.pack("<HH", len(name), 0)
        content += name + member.packed
        directory += struct.pack("<4sBBH", b"PK\x01\x02", 63, member.system, 20) + member.fields()
        directory += struct.pack("<HHHHHII", len(member.name), len(member.extra), 0, 0, 0, member.attributes, position)
        directory += member.name + member.extra
    count = len(members)
    values = (0, 0, count % 65_536, count % 65_536, len(directory), (len(content) + offset) % 2**32, len(comment))
    return before + content + directory + struct.pack("<4sHHHHIIH", b"PK\x05\x06", *values) + comment


def unicode_path(name: bytes, text: str) -> bytes:
    """The Info-ZIP Unicode Path extra field for a member whose header contains `name`."""
    content = struct.pack("<BI", 1, zlib.crc32(name)) + text.encode()
    return struct.pack("<HH", 0x7075, len(content)) + content
