"""A TIFF with one page and only the tags that decoding needs, over the compressed data of another TIFF."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .tiff_directory import Header
from .tiff_page import TiffPage

Tags = Mapping[int, "npt.NDArray[Any] | int | tuple[int, ...]"]
"""Tag -> its numbers. An integer is written as LONG."""

_KINDS = {"u1": 7, "u2": 3, "u4": 4, "u8": 16}
_DECODER_TAGS = (292, 293, 347, 512, 513, 514, 515, 519, 520, 521, 530)
"""Options of fax, tables of JPEG, and subsampling, which the decoders of libtiff read."""

_COLOUR_MAP = 320


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
        256: page.width,
        257: page.height,
        258: page.bits,
        259: page.compression,
        262: page.photometric,
        266: page.fill_order,
        277: page.samples,
        284: 2 if page.is_planar else 1,
        **segment_tags(page, size),
    }
    if page.predictor != 1:
        tags[317] = page.predictor
    if page.extra:
        tags[338] = page.extra
    for tag in _DECODER_TAGS:
        numbers = page.directory.numbers(tag)
        if len(numbers) and numbers.dtype.kind == "u":
            tags[tag] = numbers
    colours = page.directory.numbers(_COLOUR_MAP)
    if len(colours):
        # Some writers store 8 bits; libtiff has the same rule.
        tags[_COLOUR_MAP] = (colours * 257 if colours.max() < 256 else colours).astype(np.uint16)
    return tags


def segment_tags(page: TiffPage, size: int, part: slice = slice(None)) -> dict[int, Any]:
    """The tags of strips or tiles; `part` selects some of them."""
    offsets, sizes = (values[part] for values in page.segments(size))
    if page.tile:
        return {322: page.tile[0], 323: page.tile[1], 324: offsets, 325: sizes}
    return {278: page.rows_per_strip, **({273: offsets, 279: sizes} if len(offsets) else {})}


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
