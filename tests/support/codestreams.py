"""Encoders of compressed frames, independent of the libraries that the package decodes with.

12-bit JPEG and JPEG lossless with all predictors are implemented here after ITU-T T.81, since no small library writes
them.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jpeg_ls
import numpy as np
import numpy.typing as npt
from openjpeg.utils import encode_array
from PIL import Image
from pydicom.pixels import get_encoder
from pydicom.uid import (
    JPEG2000,
    UID,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

Samples = npt.NDArray[np.integer]
Bits = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


def jpeg_lossless(samples: Samples, bits: int, predictor: int = 1) -> bytes:
    """JPEG process 14 with one of the seven predictors; `samples` are `[H, W]`, unsigned."""
    values = samples.astype(np.int64)
    differences = values - _predicted(values, bits, predictor)
    differences = (differences + 32768) % 65536 - 32768
    size = _sizes(differences)
    extra = np.where(size == 16, 0, size)  # the only difference of 16 bits needs no extra bits
    bits_of_values = np.where(differences < 0, differences + (1 << extra) - 1, differences)
    code, length = np.where(size < 14, size, size + 14), np.where(size < 14, 4, 5)  # in the order of the table
    codes = np.stack([code, bits_of_values], axis=-1).ravel(), np.stack([length, extra], axis=-1).ravel()
    return _jpeg(
        _frame_header(0xC3, samples.shape, bits, table=0),
        _segment(0xC4, bytes([0, 0, 0, 0, 14, 3, *[0] * 11, *range(17)])),
        bytes([predictor, 0, 0]),
        _packed(codes),
    )


def jpeg_extended(samples: Samples, bits: int = 12) -> bytes:
    """JPEG process 4, sequential DCT; `samples` are `[H, W]`, unsigned, with sides that are multiples of 8."""
    step = 2**bits // 128
    coefficients = _quantised(samples.astype(np.float64) - 2 ** (bits - 1), step)
    codes = list(_dct_codes(coefficients))
    packed = _packed((np.array([code for code, _ in codes]), np.array([length for _, length in codes])))
    quantisation = _segment(0xDB, b"\0" + bytes([step] * 64))
    tables = _huffman(0x00, range(16), 5) + _huffman(0x10, _AC_SYMBOLS, 8)
    return _jpeg(quantisation + _frame_header(0xC1, samples.shape, bits, table=0), tables, bytes([0, 63, 0]), packed)


def jpeg_2000(samples: Samples, bits: int, ratio: float | None = None) -> bytes:
    return bytes(encode_array(samples, bits_stored=bits, compression_ratios=[ratio] if ratio else None))


def jpeg_ls_frame(samples: Samples, bits: int, error: int = 0) -> bytes:
    height, width = samples.shape
    return bytes(
        jpeg_ls.encode_pixel_data(
            samples.astype(samples.dtype.newbyteorder("<")).tobytes(),
            lossy_error=error,
            interleave_mode=0,
            rows=height,
            columns=width,
            samples_per_pixel=1,
            bits_stored=bits,
        )
    )


def jpeg(picture: Samples, quality: int = 90, **options: object) -> bytes:
    """JPEG baseline of `[H, W]` or `[H, W, 3]`, 8 bits."""
    buffer = io.BytesIO()
    Image.fromarray(picture.astype(np.uint8)).save(buffer, "JPEG", quality=quality, **options)
    return buffer.getvalue()


def rle(samples: Samples, bits: int) -> bytes:
    height, width = samples.shape
    options: Any = {
        "rows": height,
        "columns": width,
        "samples_per_pixel": 1,
        "photometric_interpretation": "MONOCHROME2",
    }
    options |= {"bits_allocated": 8 * samples.itemsize, "bits_stored": bits, "number_of_frames": 1}
    options |= {"pixel_representation": int(samples.dtype.kind == "i"), "pixel_keyword": "PixelData"}
    return get_encoder(RLELossless).encode(samples, **options)


LOSSLESS: dict[str, tuple[UID, Callable[[Samples, int], bytes]]] = {
    "RLE": (RLELossless, rle),
    "JPEG lossless, first order": (JPEGLosslessSV1, jpeg_lossless),
    **{f"JPEG lossless, predictor {p}": (JPEGLossless, partial(jpeg_lossless, predictor=p)) for p in range(1, 8)},
    "JPEG-LS lossless": (JPEGLSLossless, jpeg_ls_frame),
    "JPEG-LS near-lossless, error 0": (JPEGLSNearLossless, jpeg_ls_frame),
    "JPEG 2000 lossless": (JPEG2000Lossless, jpeg_2000),
    "JPEG 2000, reversible": (JPEG2000, jpeg_2000),
}
"""Name -> (transfer syntax, encoder of (samples, bits stored)), lossless."""

LOSSY: dict[str, tuple[UID, int, Callable[[Samples, int], bytes]]] = {
    "JPEG baseline": (JPEGBaseline8Bit, 8, lambda samples, bits: jpeg(samples)),
    "JPEG baseline, tables of its own": (JPEGBaseline8Bit, 8, lambda samples, bits: jpeg(samples, optimize=True)),
    "JPEG extended, 8 bits": (JPEGExtended12Bit, 8, lambda samples, bits: jpeg_extended(samples, 8)),
    "JPEG extended, baseline inside": (JPEGExtended12Bit, 8, lambda samples, bits: jpeg(samples)),
    "JPEG extended, 12 bits": (JPEGExtended12Bit, 12, jpeg_extended),
    "JPEG-LS near-lossless, 8 bits": (JPEGLSNearLossless, 8, lambda samples, bits: jpeg_ls_frame(samples, bits, 2)),
    "JPEG-LS near-lossless, 12 bits": (JPEGLSNearLossless, 12, lambda samples, bits: jpeg_ls_frame(samples, bits, 16)),
    "JPEG 2000, 8 bits": (JPEG2000, 8, lambda samples, bits: jpeg_2000(samples, bits, 10)),
    "JPEG 2000, 12 bits": (JPEG2000, 12, lambda samples, bits: jpeg_2000(samples, bits, 10)),
    "JPEG 2000, 16 bits": (JPEG2000, 16, lambda samples, bits: jpeg_2000(samples, bits, 10)),
}
"""Name -> (transfer syntax, bits stored, encoder), lossy, with errors that are usual in archives."""


def _predicted(values: npt.NDArray[np.int64], bits: int, predictor: int) -> npt.NDArray[np.int64]:
    left, above, corner = np.zeros_like(values), np.zeros_like(values), np.zeros_like(values)
    left[:, 1:], above[1:], corner[1:, 1:] = values[:, :-1], values[:-1], values[:-1, :-1]
    predicted: npt.NDArray[np.int64] = (
        left,
        above,
        corner,
        left + above - corner,
        left + ((above - corner) >> 1),
        above + ((left - corner) >> 1),
        (left + above) >> 1,
    )[predictor - 1].copy()
    predicted[0], predicted[1:, 0], predicted[0, 0] = left[0], above[1:, 0], 2 ** (bits - 1)
    return predicted


def _quantised(centred: npt.NDArray[np.float64], step: int) -> npt.NDArray[np.int64]:
    """`[blocks, 64]` coefficients in zigzag order."""
    k, n = np.mgrid[:8, :8]
    cosines = np.where(k == 0, np.sqrt(0.125), 0.5) * np.cos((2 * n + 1) * k * np.pi / 16)
    height, width = centred.shape
    blocks = centred.reshape(height // 8, 8, width // 8, 8).swapaxes(1, 2).reshape(-1, 8, 8)
    coefficients: npt.NDArray[np.int64] = np.rint(cosines @ blocks @ cosines.T / step).astype(np.int64)
    order = sorted(range(64), key=lambda i: (i // 8 + i % 8, i // 8 if (i // 8 + i % 8) % 2 else i % 8))
    return coefficients.reshape(-1, 64)[:, order]


def _dct_codes(blocks: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield (code, length); the Huffman code of a symbol is its index in a table with codes of equal length."""
    previous = 0
    for block in blocks:
        yield from _coefficient(int(block[0]) - previous, 5, lambda size: size)
        previous, last_index = int(block[0]), 0
        for index in np.flatnonzero(block[1:]) + 1:
            run = int(index) - last_index - 1
            yield from ((_AC_SYMBOLS.index(0xF0), 8) for _ in range(run // 16))
            yield from _coefficient(int(block[index]), 8, partial(_ac_code, run % 16))
            last_index = int(index)
        if last_index < 63:
            yield _AC_SYMBOLS.index(0), 8


def _ac_code(run: int, size: int) -> int:
    return _AC_SYMBOLS.index(run << 4 | size)


def _coefficient(value: int, length: int, code: Callable[[int], int]) -> Iterator[tuple[int, int]]:
    size = abs(value).bit_length()
    yield code(size), length
    if size:
        yield value if value > 0 else value + (1 << size) - 1, size


_AC_SYMBOLS = [0x00, 0xF0, *(run << 4 | size for run in range(16) for size in range(1, 15))]


def _sizes(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The number of bits of each absolute value."""
    sizes: npt.NDArray[np.int64] = np.ceil(np.log2(np.abs(values) + 1)).astype(np.int64)
    return sizes


def _packed(codes: Bits) -> bytes:
    """Concatenate codes of the given lengths, pad with ones, and insert a zero byte after each 0xFF byte."""
    values, lengths = codes
    ends = np.cumsum(lengths)
    indices = np.repeat(np.arange(len(lengths)), lengths)
    offset = np.arange(ends[-1]) - (ends - lengths)[indices]
    bits = (values[indices] >> (lengths[indices] - 1 - offset)) & 1
    bits = np.append(bits, np.ones(-len(bits) % 8, dtype=np.int64))
    return np.packbits(bits.astype(np.uint8)).tobytes().replace(b"\xff", b"\xff\0")


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _frame_header(marker: int, shape: tuple[int, ...], bits: int, table: int) -> bytes:
    return _segment(marker, struct.pack(">BHHBBBB", bits, *shape, 1, 1, 0x11, table))


def _huffman(table: int, symbols: range | list[int], length: int) -> bytes:
    """A Huffman table in which all codes have the same length, in the order of the symbols."""
    counts = bytes(len(symbols) if index + 1 == length else 0 for index in range(16))
    return _segment(0xC4, bytes([table]) + counts + bytes(symbols))


def _jpeg(head: bytes, tables: bytes, scan: bytes, packed: bytes) -> bytes:
    return b"\xff\xd8" + head + tables + _segment(0xDA, bytes([1, 1, 0]) + scan) + packed + b"\xff\xd9"
