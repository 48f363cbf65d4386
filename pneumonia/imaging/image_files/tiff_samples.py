"""Samples of a TIFF page in grey or RGB, of any number of bits, signed, unsigned or float.

Pillow reads only some of these layouts, and some of them with fewer bits. Here it (with libtiff) decompresses the rows
as bytes, and the samples are taken from the bytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ... import settings
from ...errors import TooLarge, UnreadableImage, UnsupportedFormat
from ...messages import message
from ..decode_limits import BoundedReader
from ..decoding import translate_decoder_errors
from ..intensity import row_slices
from .tiff_directory import Header
from .tiff_page import BLACK_IS_ZERO, MAX_SAMPLES, RGB, TiffPage
from .tiff_rewrite import rewrite, segment_tags
from .tiff_tags import Tag

UNSIGNED, SIGNED, FLOAT = 1, 2, 3
"""SampleFormat (TIFF 6.0, section 19)."""

UNCOMPRESSED = 1
LOSSLESS = {UNCOMPRESSED, 5, 8, 32_773, 32_946, 34_925, 50_000}
"""Compressions of bytes: none, LZW, deflate, PackBits, LZMA, Zstandard."""

_MAX_BYTES_PER_PIXEL = 8
_DIFFERENCES, _FLOAT_DIFFERENCES = 2, 3
"""Predictor (TIFF 6.0, section 14; Technical Note 3)."""

_REVERSED_BITS = np.packbits(np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)[:, ::-1], axis=1)[:, 0]


def read_samples(data: bytes, header: Header, page: TiffPage) -> list[npt.NDArray[Any]]:
    """The colours of a page, and its unassociated alpha, each `[H, W]`.

    Their type is uint8 to uint64, int8 to int64, or float16 to float64. Samples with other numbers of bits have the
    next larger type. Raises `UnsupportedFormat` for a layout that is not read, `TooLarge`, or `UnreadableImage`.
    """
    _check_layout(page)
    count = page.channels + (1 if page.extra[:1] == (2,) else 0)
    if not page.is_planar:
        samples = _unpack(page, header, _read_rows(data, header, page, page.samples, slice(None)), page.samples)
        return [samples[:, :, index] for index in range(count)]
    strips = len(page.segments(len(data))[0]) // page.samples
    parts = (slice(index * strips, (index + 1) * strips) for index in range(count))
    return [_unpack(page, header, _read_rows(data, header, page, 1, part), 1)[:, :, 0] for part in parts]


def _check_layout(page: TiffPage) -> None:
    bits = page.bits[0]
    is_regular = len(set(page.bits)) == 1 and 0 < page.samples <= MAX_SAMPLES
    is_known = bits in {16, 32, 64} if page.sample_format == FLOAT else 1 <= bits <= 32 or bits == 64
    is_predicted = page.predictor == 1 or (
        bits in {8, 16, 32, 64} and (page.predictor == _DIFFERENCES or page.sample_format == FLOAT)
    )
    if not (is_regular and is_known and is_predicted) or page.sample_format in {5, 6}:
        raise UnsupportedFormat(
            message(
                "The sample layout of the TIFF is not supported. Allowed: 1 to 32 or 64 bits, the same for all "
                "samples; integers or floats. Received: {bits} bits, sample format {sample_format}.",
                bits=bits,
                sample_format=page.sample_format,
            )
        )
    limit = settings.MAX_PIXELS.read() * _MAX_BYTES_PER_PIXEL
    if page.pixels * page.samples * bits > 8 * limit:
        raise TooLarge(
            message("The image is too large when decompressed. Allowed: {limit:,.0f} MB.", limit=limit / 1e6)
        )


def _tags_of_bytes(page: TiffPage, row_bytes: int, size: int) -> dict[int, Any]:
    """The tags of a page whose pixels are `size` bytes, so that Pillow decompresses the bytes and changes none."""
    tags: dict[int, Any] = {
        Tag.IMAGE_WIDTH: row_bytes // size,
        Tag.IMAGE_LENGTH: page.height,
        Tag.BITS_PER_SAMPLE: (8,) * size,
        Tag.COMPRESSION: page.compression,
        Tag.PHOTOMETRIC_INTERPRETATION: RGB if size == 4 else BLACK_IS_ZERO,
        Tag.FILL_ORDER: page.fill_order,
        Tag.SAMPLES_PER_PIXEL: size,
    }
    return {**tags, Tag.EXTRA_SAMPLES: 2} if size > 1 else tags


def _read_rows(data: bytes, header: Header, page: TiffPage, samples: int, part: slice) -> npt.NDArray[np.uint8]:
    """The decompressed rows of all samples, or of one plane: `[H, bytes]`."""
    row_bytes = (page.width * samples * page.bits[0] + 7) // 8
    offsets, _ = (values[part] for values in page.segments(len(data)))
    steps = np.arange(len(offsets), dtype=np.uint64) * np.uint64(row_bytes * page.rows_per_strip)
    if page.compression == UNCOMPRESSED and not page.tile and np.array_equal(offsets, offsets[:1] + steps):
        return _contiguous_rows(data, int(offsets[0]), page, row_bytes)
    tile_bits = page.tile[0] * samples * page.bits[0] if page.tile else 0
    if tile_bits % 8:
        raise UnsupportedFormat(message("The TIFF has tiles whose rows are not whole bytes."))
    # Fewer and wider pixels keep a film below the limit on pixels that a host program may have set in Pillow.
    size = next(size for size in (4, 2, 1) if (row_bytes | (tile_bits // 8)) % size == 0)
    size = 1 if page.fill_order == 2 else size
    tags = _tags_of_bytes(page, row_bytes, size)
    tags |= segment_tags(page, len(data), part)
    if page.tile:
        tags[Tag.TILE_WIDTH] = tile_bits // 8 // size
    from PIL.TiffImagePlugin import TiffImageFile

    with translate_decoder_errors():
        try:
            with TiffImageFile(BoundedReader(rewrite(data, header, tags))) as picture:
                picture.load()
                return np.frombuffer(picture.tobytes(), np.uint8).reshape(page.height, row_bytes)
        except (SyntaxError, IndexError, TypeError):
            raise ValueError from None


def _contiguous_rows(data: bytes, start: int, page: TiffPage, row_bytes: int) -> npt.NDArray[np.uint8]:
    if start + row_bytes * page.height > len(data):
        raise UnreadableImage(message("The TIFF is truncated: its image data are incomplete."))
    rows = np.frombuffer(data, np.uint8, row_bytes * page.height, start).reshape(page.height, row_bytes)
    return _REVERSED_BITS[rows] if page.fill_order == 2 else rows


def _unpack(page: TiffPage, header: Header, rows: npt.NDArray[np.uint8], samples: int) -> npt.NDArray[Any]:
    """`[H, bytes]` -> `[H, W, samples]` in native byte order, with the predictor undone."""
    bits, shape = page.bits[0], (page.height, page.width, samples)
    if page.predictor == _FLOAT_DIFFERENCES:
        return _undo_float_differences(page, rows, samples)
    kind = {FLOAT: "f", SIGNED: "i"}.get(page.sample_format, "u")
    if bits not in {8, 16, 32, 64}:
        return _unpack_bits(rows, bits, shape, header.order, is_signed=kind == "i")
    stored = np.dtype(f"{header.order}{kind}{bits // 8}")
    values = rows.view(stored).reshape(shape).astype(stored.newbyteorder("="), copy=False)
    if page.predictor == _DIFFERENCES:
        values = values.copy()
        _sum_in_place(values.view(f"u{bits // 8}"), page)
    return values


def _sum_in_place(values: npt.NDArray[Any], page: TiffPage) -> None:
    """Undo differences between neighbours `[H, W, samples]`; each tile starts anew."""
    step = page.tile[0] if page.tile else page.width
    for left in range(0, page.width, step):
        for rows in row_slices(page.height, min(step, page.width)):
            block = values[rows, left : left + step]
            block[...] = np.cumsum(block, axis=1, dtype=values.dtype)


def _undo_float_differences(page: TiffPage, rows: npt.NDArray[np.uint8], samples: int) -> npt.NDArray[Any]:
    """Undo the floating-point predictor: rows of the highest bytes of all values, then the next, as differences."""
    size = page.bits[0] // 8
    values = np.empty((page.height, page.width, samples), f"f{size}")
    step = page.tile[0] if page.tile else page.width
    for left in range(0, page.width, step):
        block = rows[:, left * samples * size : (left + step) * samples * size].reshape(page.height, -1, samples)
        planes = np.cumsum(block, axis=1, dtype=np.uint8).reshape(page.height, size, -1)
        values[:, left : left + step] = (
            np.ascontiguousarray(planes.transpose(0, 2, 1)).view(f">f{size}").reshape(page.height, -1, samples)
        )
    return values


def _unpack_bits(
    rows: npt.NDArray[np.uint8], bits: int, shape: tuple[int, ...], order: str, *, is_signed: bool
) -> npt.NDArray[Any]:
    """Samples of any number of bits up to 32, the highest bit first; 24 bits are three bytes in the file's order."""
    size = 1 if bits < 8 else 2 if bits <= 16 else 4
    count = shape[1] * shape[2]
    values = np.empty((shape[0], count), f"u{size}")
    for part in row_slices(shape[0], max(1, count)):
        block = rows[part]
        if bits == 24 and order == "<":
            block = block.reshape(len(block), -1, 3)[:, :, ::-1].reshape(len(block), -1)
        single = np.unpackbits(block, axis=1, count=count * bits).reshape(len(block), count, bits)
        padded = np.zeros((len(block), count, 8 * size), np.uint8)
        padded[:, :, 8 * size - bits :] = single
        values[part] = np.packbits(padded, axis=2).view(f">u{size}")[:, :, 0]
    if is_signed:
        sign = 1 << (bits - 1)
        return ((values.astype(np.int64) ^ sign) - sign).reshape(shape)
    return values.reshape(shape)
