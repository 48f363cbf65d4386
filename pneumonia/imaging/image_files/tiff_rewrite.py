"""A TIFF with one page and only the tags that decoding needs, over the compressed data of another TIFF."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .tiff_directory import Header
from .tiff_page import TiffPage
from .tiff_tags import Tag

Tags = Mapping[int, "npt.NDArray[Any] | int | tuple[int, ...]"]
"""Tag -> its numbers. An integer is written as LONG."""

_KINDS = {"u1": 7, "u2": 3, "u4": 4, "u8": 16}
_DECODER_TAGS = (
    Tag.T4_OPTIONS,
    Tag.T6_OPTIONS,
    Tag.JPEG_TABLES,
    Tag.JPEG_PROC,
    Tag.JPEG_INTERCHANGE_FORMAT,
    Tag.JPEG_INTERCHANGE_FORMAT_LENGTH,
    Tag.JPEG_RESTART_INTERVAL,
    Tag.JPEG_Q_TABLES,
    Tag.JPEG_DC_TABLES,
    Tag.JPEG_AC_TABLES,
    Tag.YCBCR_SUBSAMPLING,
)
"""Options of fax, tables of JPEG, and subsampling, which the decoders of libtiff read."""


def rewrite(data: bytes, header: Header, tags: Tags) -> bytes:
    """`data` with a directory at its end that has `tags`; all other directories are no longer reachable."""
    prefix = "Q" if header.is_big else "L"
    start = len(data) + len(data) % 2
    values = {tag: _as_array(value, header) for tag, value in tags.items()}
    entry_size, count_size, value_size = (20, 8, 8) if header.is_big else (12, 2, 4)
    at = start + count_size + entry_size * len(values) + value_size
    entries, blocks = [], []
    for tag, numbers in sorted(values.items()):
        body = numbers.tobytes()
        if len(body) > value_size:
            field = struct.pack(header.order + prefix, at)
            blocks.append(body + b"\0" * (len(body) % 2))
            at += len(blocks[-1])
        else:
            field = body.ljust(value_size, b"\0")
        kind = _KINDS[numbers.dtype.str[1:]]
        entries.append(struct.pack(f"{header.order}HH{prefix}", tag, kind, len(numbers)) + field)
    count = struct.pack(header.order + ("Q" if header.is_big else "H"), len(entries))
    position = 8 if header.is_big else 4
    pointer = struct.pack(header.order + prefix, start)
    body = data[position + len(pointer) :] + b"\0" * (len(data) % 2)
    return b"".join([data[:position], pointer, body, count, *entries, bytes(value_size), *blocks])


def page_tags(page: TiffPage, size: int) -> dict[int, Any]:
    """The tags of a page of a file of `size` bytes, as Pillow needs them."""
    tags: dict[int, Any] = {
        Tag.IMAGE_WIDTH: page.width,
        Tag.IMAGE_LENGTH: page.height,
        Tag.BITS_PER_SAMPLE: page.bits,
        Tag.COMPRESSION: page.compression,
        Tag.PHOTOMETRIC_INTERPRETATION: page.photometric,
        Tag.FILL_ORDER: page.fill_order,
        Tag.SAMPLES_PER_PIXEL: page.samples,
        Tag.PLANAR_CONFIGURATION: 2 if page.is_planar else 1,
        **segment_tags(page, size),
    }
    if page.predictor != 1:
        tags[Tag.PREDICTOR] = page.predictor
    if page.extra:
        tags[Tag.EXTRA_SAMPLES] = page.extra
    for tag in _DECODER_TAGS:
        numbers = page.directory.numbers(tag)
        if len(numbers) and numbers.dtype.kind == "u":
            tags[tag] = numbers
    colours = page.directory.numbers(Tag.COLOR_MAP)
    if len(colours):
        # Some writers store 8 bits; libtiff has the same rule.
        tags[Tag.COLOR_MAP] = (colours * 257 if colours.max() < 256 else colours).astype(np.uint16)
    return tags


def segment_tags(page: TiffPage, size: int, part: slice = slice(None)) -> dict[int, Any]:
    """The tags of strips or tiles; `part` selects some of them."""
    offsets, sizes = (values[part] for values in page.segments(size))
    if page.tile:
        return {
            Tag.TILE_WIDTH: page.tile[0],
            Tag.TILE_LENGTH: page.tile[1],
            Tag.TILE_OFFSETS: offsets,
            Tag.TILE_BYTE_COUNTS: sizes,
        }
    return {
        Tag.ROWS_PER_STRIP: page.rows_per_strip,
        **({Tag.STRIP_OFFSETS: offsets, Tag.STRIP_BYTE_COUNTS: sizes} if len(offsets) else {}),
    }


def _as_array(value: npt.NDArray[Any] | int | tuple[int, ...], header: Header) -> npt.NDArray[Any]:
    """Numbers in the byte order of the file. Offsets have the size of the file's offsets; short numbers have two bytes,
    which libtiff requires for most tags.
    """
    numbers = np.atleast_1d(np.asarray(value))
    if numbers.dtype == np.uint64:
        kind = "u8" if header.is_big else "u4"
    elif isinstance(value, (int, tuple)):
        kind = "u2" if int(numbers.max()) < 65_536 else "u4"
    else:
        kind = numbers.dtype.str[1:]
    return numbers.astype(header.order + kind)
