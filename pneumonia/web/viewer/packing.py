"""Lossless compression of a film's values for the browser, which reads no picture format of 16 bits.

Each value is predicted as the mean of its left and upper neighbours. The differences are mapped to unsigned numbers
(0, -1, 1, -2 become 0, 1, 2, 3), so that small ones have a high byte of 0; high bytes and low bytes follow each other
as two planes, compressed by deflate without its header. The browser has the inverse, `decode.js`. docs/viewer.md
compares the size with PNG.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[Any]
"""uint8 or uint16."""

_LEVEL = 1
"""Run lengths and Huffman codes alone: the noise of a film contains no repetitions that deflate could find."""


def pack(codes: Codes) -> bytes:
    """`[H, W]` -> compressed bytes. uint8 has one plane, uint16 two."""
    differences = codes - _predict(codes)  # wraps, as it does when the browser adds
    sign_bit = 8 * codes.dtype.itemsize - 1
    numbers = (differences << 1) ^ (differences.view(f"i{codes.dtype.itemsize}") >> sign_bit).view(codes.dtype)
    planes = [numbers] if codes.dtype == np.uint8 else [(numbers >> 8).astype(np.uint8), numbers.astype(np.uint8)]
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, 9, zlib.Z_RLE)
    return b"".join([*(compressor.compress(plane.tobytes()) for plane in planes), compressor.flush()])


def _predict(codes: Codes) -> Codes:
    """The mean of the left and upper neighbour, rounded down; at the edges the only one, in the first corner 0."""
    left = np.zeros_like(codes)
    left[:, 1:] = codes[:, :-1]
    left[1:, 0] = codes[:-1, 0]
    upper = left.copy()
    upper[1:] = codes[:-1]
    common = left & upper  # a + b may exceed the type: (a & b) + ((a ^ b) >> 1) is its half
    left ^= upper
    left >>= 1
    left += common
    return left
