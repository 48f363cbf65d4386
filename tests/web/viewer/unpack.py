"""The inverse of the compression of a film's values."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import numpy.typing as npt


def unpack(data: bytes, shape: tuple[int, int], kind: type) -> npt.NDArray[Any]:
    """The inverse of `packing.pack`, pixel by pixel as in the browser."""
    planes = np.frombuffer(zlib.decompress(data, -zlib.MAX_WBITS), np.uint8).astype(int)
    half = planes.size // 2
    numbers = planes if kind is np.uint8 else 256 * planes[:half] + planes[half:]
    height, width = shape
    values: npt.NDArray[Any] = np.zeros(shape, kind)
    for row in range(height):
        for column in range(width):
            above = int(values[row - 1, column]) if row else None
            left = int(values[row, column - 1]) if column else above or 0
            number = int(numbers[row * width + column])
            difference = (number >> 1) ^ -(number & 1)
            predicted = (left + (left if above is None else above)) >> 1
            values[row, column] = (predicted + difference) % (256 if kind is np.uint8 else 65536)
    return values
