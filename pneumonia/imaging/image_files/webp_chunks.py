"""Chunks of a WebP file (RFC 9649): a file whose sizes are consistent, without colour profile and unknown chunks."""

from __future__ import annotations

import struct

from ..decode_limits import MAX_READS

_IMAGE_CHUNKS = {b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"}
_METADATA_CHUNKS = {b"EXIF", b"XMP "}
_ICC_FLAG = 0x20
"""Flag of VP8X for a colour profile."""


def without_metadata(data: bytes) -> bytes:
    """The file with its image, EXIF and XMP only, and with the size that it has.

    A damaged chunk after the image is left out. A damaged image remains as it is, for the decoder to report.
    """
    position, parts = 12, []
    for _ in range(MAX_READS):
        name = data[position : position + 4]
        end = position + 8 + int.from_bytes(data[position + 4 : position + 8], "little")
        chunk = data[position:end]
        if name in _IMAGE_CHUNKS or (name in _METADATA_CHUNKS and end <= len(data)):
            parts += [_without_profile(chunk) if name == b"VP8X" else chunk, b"\0" * (len(chunk) % 2)]
        if len(name) < 4 or end >= len(data):
            break
        position = end + (end - position) % 2
    body = b"".join(parts)
    return b"".join([b"RIFF", struct.pack("<L", len(body) + 4), b"WEBP", body])


def _without_profile(chunk: bytes) -> bytes:
    return chunk[:8] + bytes([chunk[8] & ~_ICC_FLAG]) + chunk[9:] if len(chunk) > 8 else chunk
