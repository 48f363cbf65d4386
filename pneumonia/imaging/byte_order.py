"""Samples of 16 bits whose bytes are in another order than their file declares."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[Any]

COMPARED_PIXELS = 30_000
"""Number of pixels, in whole rows, by which the order is verified in each film of 16 bits: 1 ms."""

MIN_ROUGHNESS_RATIO = 2
"""The bytes of the samples are swapped if the mean difference of neighbours, as a share of the range, becomes less
than half by that. Of 240 real films with 10 to 16 bits and noise of half a grey level, the ratio is at least 3 if they
are swapped, and at most 0.33 if they are not."""

MIN_LEVELS = 32
"""The bits of a sample that a header declares are not compared by themselves if they have fewer grey levels."""


def correct_byte_order(samples: Samples, bits: int = 16) -> Samples:
    """Samples `[H, W]`, with the bytes of unsigned 16-bit samples swapped if only then neighbours are similar.

    Converters change the byte order of a file and forget that of its pixels, or the reverse; some writers of PGM and
    PNG forget that these formats are big-endian. `bits` are those of a sample that are its value.
    """
    if samples.dtype.kind != "u" or samples.dtype.itemsize != 2 or min(samples.shape) < 2:
        return samples
    rows = samples[:: max(1, samples.size // COMPARED_PIXELS)].astype(np.int32)
    stored = rows & (2**bits - 1)
    has_levels = len(np.unique(stored)) >= MIN_LEVELS  # bits above a film of 8 bits may be garbage
    roughness = min(_roughness(rows), _roughness(stored) if has_levels else 1.0)
    swapped = rows >> 8 | (rows & 0xFF) << 8
    return samples.byteswap() if MIN_ROUGHNESS_RATIO * _roughness(swapped) < roughness else samples


def _roughness(values: Samples) -> float:
    """Mean difference of horizontal neighbours as a share of the range; 1 for a constant image."""
    value_range = float(np.ptp(values))
    return float(np.abs(np.diff(values, axis=1)).mean()) / value_range if value_range else 1.0
