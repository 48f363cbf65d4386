"""Chunks of a PNG file (ISO/IEC 15948): what is needed for the picture, separated from the rest.

Text, colour profiles, times and unknown chunks do not change the picture that the model sees. They are skipped without
being read, so they may be damaged, or expand to gigabytes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from ...errors import TooLarge, UnreadableImage, UnsupportedFormat
from ...messages import message
from ..decode_limits import MAX_READS

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_APPLE_CHUNK = b"CgBI"
"""Mark of a PNG that Xcode has changed for iPhones: other channel order, premultiplied alpha, no zlib header."""

_TEXT_CHUNKS = {b"tEXt", b"zTXt", b"iTXt"}
_HARMLESS = {b"IHDR": 13, b"pHYs": 9, b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"tIME": 7}
"""Chunks that Pillow reads or skips without effect on the picture -> their size in bytes."""

_MAX_HARMLESS_TEXT = 1_000

_MIN_BYTES_WITHOUT_COPY = 500_000
"""A copy of 4 MB takes 1.5 of the 40 ms in which the film is predicted."""
_EXIF_KEYWORD, _XMP_KEYWORD = b"Raw profile type exif\0", b"XML:com.adobe.xmp\0"
_MAX_TEXT_BYTES = 1_000_000
"""Maximum bytes of text that are decompressed, in the two chunks that may declare a rotation."""

_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Colour type -> samples per pixel."""

_PALETTE = 3
_COLOUR_BYTES = {0: 2, 2: 6}
"""Colour type -> bytes of a transparent colour."""

_ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
"""First row, first column, step of rows and step of columns of each pass of an interlaced image."""


@dataclass
class PngChunks:
    """The parts of a PNG that are needed: header, palette, transparency, compressed data, and the rotation's source."""

    source: bytes
    is_regular: bool = True
    """Whether Pillow reads `source` as it is: no damaged chunk, and none of a kind that may be large."""
    header: bytes = b""
    is_header_valid: bool = False
    palette: bytes | None = None
    transparency: bytes | None = None
    data: list[tuple[memoryview, bytes]] = field(default_factory=list)
    """Compressed data and checksum of each chunk IDAT."""
    exif: bytes | None = None
    xmp: bytes | None = None
    animated: int = 0
    """Number of images of an animation."""
    frames: int = 1
    """Number of images in the file."""

    @property
    def depth(self) -> int:
        return self.header[8]

    @property
    def colour_type(self) -> int:
        return self.header[9]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        width, height = struct.unpack_from(">LL", self.header)
        return width, height

    def as_png(self) -> bytes:
        """A PNG with the same picture and no chunk that may hinder Pillow.

        A small file is always copied: Pillow reads one chunk of compressed data faster than several.
        """
        if self.is_regular and len(self.source) > _MIN_BYTES_WITHOUT_COPY:
            return self.source
        palette = self.palette if self.colour_type == _PALETTE else None
        chunks = [(b"IHDR", self.header), (b"PLTE", palette), (b"tRNS", self._valid_transparency())]
        parts = [_chunk(name, body) for name, body in chunks if body is not None]
        # Pillow does not verify the checksum of IDAT; the compressed data have their own.
        bodies = [body for body, _ in self.data]
        compressed: list[bytes | memoryview] = [struct.pack(">L", sum(map(len, bodies))), b"IDAT", *bodies, bytes(4)]
        return b"".join([SIGNATURE, *parts, *compressed, _chunk(b"IEND", b"")])

    def _valid_transparency(self) -> bytes | None:
        """The transparent colour, or the alpha values of a palette; None if the chunk has a wrong size."""
        size = len(self.transparency or b"")
        is_valid = 1 <= size <= 256 if self.colour_type == _PALETTE else size == _COLOUR_BYTES.get(self.colour_type)
        return self.transparency if is_valid else None

    def has_complete_rows(self) -> bool:
        """Whether the compressed data contain exactly the rows that the header declares."""
        return len(inflate(self)) == expected_bytes(self)

    def has_valid_data(self) -> bool:
        """Whether the checksums of all compressed data are right."""
        return all(_is_valid(b"IDAT", body, checksum) for body, checksum in self.data)


def scan(data: bytes) -> PngChunks:
    """Find the chunks of a PNG. Raises `UnreadableImage`, `UnsupportedFormat`, or `TooLarge`."""
    chunks, view = PngChunks(data), memoryview(data)
    has_first_control = False
    for name, start, end in _walk(data):
        checksum = data[end : end + 4]
        if name == b"IDAT":
            chunks.data.append((view[start:end], checksum))
            continue
        chunks.is_regular &= _is_harmless(name, end - start) and _is_valid(name, view[start:end], checksum)
        _add(chunks, name, data[start:end], checksum)
        has_first_control |= name == b"fcTL" and not chunks.data
    if len(chunks.header) != 13:
        raise UnreadableImage(message("The PNG is damaged: it has no valid header."))
    # The first image of an animation may be no part of it.
    chunks.frames = max(1, chunks.animated + (chunks.animated > 0 and not has_first_control))
    return chunks


def _walk(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(name, start, end) of the content of each chunk before IEND; the name is empty where chunks were skipped.

    Behind a chunk with a wrong length the next chunk IDAT is searched for.
    """
    position = len(SIGNATURE)
    for _ in range(MAX_READS):
        name, start, end = data[position + 4 : position + 8], position + 8, _chunk_end(data, position)
        if name == b"IEND":
            return
        if name.isalpha() and (end <= len(data) or name == b"IDAT"):
            yield name, start, end
            position = end + 4
            continue
        yield b"", start, start
        next_name = data.find(b"IDAT", start)
        if next_name < 0:
            return
        position = next_name - 4
    raise TooLarge(
        message("The file has too many parts. Allowed: {max_reads:,} chunks, segments or tags.", max_reads=MAX_READS)
    )


def inflate(chunks: PngChunks) -> bytes:
    """The decompressed rows, without a verification of their checksum; at most one byte more than expected."""
    compressed = b"".join(body for body, _ in chunks.data)
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(compressed[2:], expected_bytes(chunks) + 1)
    except zlib.error:
        raise UnreadableImage(message("The image is damaged: its compressed data are invalid.")) from None


def expected_bytes(chunks: PngChunks) -> int:
    """Number of bytes of all rows, each with its filter type."""
    width, height = chunks.size
    bits = chunks.depth * _SAMPLES.get(chunks.colour_type, 0)
    passes = _ADAM7 if chunks.header[12] else ((0, 0, 1, 1),)
    sizes = (
        (max(0, -(-(height - row) // rows)), max(0, -(-(width - column) // columns)))
        for row, column, rows, columns in passes
    )
    return sum(high * (1 + (wide * bits + 7) // 8) for high, wide in sizes if wide)


def _add(chunks: PngChunks, name: bytes, body: bytes, checksum: bytes) -> None:
    if name == _APPLE_CHUNK:
        raise UnsupportedFormat(
            message(
                "Unsupported PNG: save it again as PNG or JPEG. Allowed: standard PNG. Received: a PNG of an "
                "iPhone app."
            )
        )
    if name == b"IHDR" and not chunks.header:
        chunks.header, chunks.is_header_valid = body, _is_valid(name, body, checksum)
    elif name == b"PLTE" and chunks.palette is None:
        if not _is_valid(name, body, checksum) and chunks.header[9:10] == bytes([_PALETTE]):
            raise UnreadableImage(message("The PNG is damaged: its palette has a wrong checksum."))
        chunks.palette = body
    elif name == b"tRNS" and chunks.transparency is None and _is_valid(name, body, checksum):
        chunks.transparency = body
    elif name == b"acTL" and len(body) == 8:
        chunks.animated = int.from_bytes(body[:4])
    elif name == b"eXIf" and chunks.exif is None:
        chunks.exif = body
    elif name in _TEXT_CHUNKS:
        _add_text(chunks, name, body)


def _add_text(chunks: PngChunks, name: bytes, body: bytes) -> None:
    """Keep the EXIF tags that ImageMagick writes as text, and XMP."""
    if body.startswith(_EXIF_KEYWORD) and chunks.exif is None:
        text = body[len(_EXIF_KEYWORD) :]
        text = _decompressed(text[1:]) if name == b"zTXt" else text
        try:
            chunks.exif = bytes.fromhex(text[:_MAX_TEXT_BYTES].decode("ascii").split("\n", 3)[3])
        except (ValueError, IndexError):
            chunks.exif = b"damaged"
    elif body.startswith(_XMP_KEYWORD) and chunks.xmp is None:
        rest = body[len(_XMP_KEYWORD) :]
        text = rest[2:].split(b"\0", 2)[-1]
        chunks.xmp = _decompressed(text) if rest[:1] == b"\1" else text


def _decompressed(text: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(text, _MAX_TEXT_BYTES)
    except zlib.error:
        return b""


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">L", len(body)) + name + body + struct.pack(">L", zlib.crc32(name + body))


def _is_harmless(name: bytes, size: int) -> bool:
    return size == _HARMLESS.get(name) or (name == b"tEXt" and size <= _MAX_HARMLESS_TEXT)


def _chunk_end(data: bytes, position: int) -> int:
    return position + 8 + int.from_bytes(data[position : position + 4])


def _is_valid(name: bytes, body: bytes | memoryview, checksum: bytes) -> bool:
    return zlib.crc32(body, zlib.crc32(name)).to_bytes(4) == checksum
