"""Which bits of an uncompressed sample are its value, and whether it is signed, if the tags contradict the samples.

BitsStored, HighBit and PixelRepresentation are often wrong. A wrong tag makes values wrap: neighbouring pixels, which
are similar in a film, differ by nearly the whole range. Therefore, where the interpretations of two neighbours differ,
the one with smaller differences is true. An overlay in the unused bits has the opposite effect.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[Any]

COMPARED_PIXELS = 250_000
"""Number of pixels, in whole rows, that are compared."""

MIN_PAIRS = 200
"""Minimum number of neighbouring pairs, of all that are compared, by which a tag is judged wrong."""

MIN_SHARE, MIN_RATIO = 0.8, 4
"""Minimum share of these pairs in which the difference becomes smaller, by at least this factor."""

MIN_LEVELS = 32
"""A tag is not judged wrong for fewer grey levels than this beyond its range: these are padding or hot pixels."""


def interpret(samples: Samples, bits: int, high_bit: int, is_signed: bool) -> Samples:
    """The values of `[H, W]` samples, which are unsigned and still have all bits: unsigned, or signed.

    `bits` is BitsStored, `high_bit` is HighBit, `is_signed` is true for PixelRepresentation 1.
    """
    allocated = 8 * samples.dtype.itemsize
    if bits < allocated and int(samples.max()) >= 2**bits:
        samples, bits = _select_bits(samples, bits, high_bit)
    if int(samples.max()) < 2 ** (bits - 1) or (allocated == 8 and not is_signed):
        return samples  # no sample has its sign bit; signed bytes are too rare to look for them
    signed = _sign_extend(samples, bits)
    declared, other = (signed, samples) if is_signed else (samples, signed)
    return other if _is_smoother(other, declared) else declared


def interpret_decoded(samples: Samples, bits: int) -> Samples:
    """The same for the samples of a decoder, which has removed unused bits and extended the sign.

    Their real depth may exceed BitsStored.
    """
    if samples.dtype.kind == "i":
        return interpret(samples.view(f"u{samples.dtype.itemsize}"), bits, 0, True)
    return interpret(samples, bits if int(samples.max()) < 2**bits else 8 * samples.dtype.itemsize, 0, False)


def _select_bits(samples: Samples, bits: int, high_bit: int) -> tuple[Samples, int]:
    """(samples without their unused bits, number of bits)."""
    allocated = 8 * samples.dtype.itemsize
    mask = samples.dtype.type(2**bits - 1)
    if bits <= high_bit < allocated:
        # pydicom ignores HighBit and takes the lowest bits. In this file the samples are in higher bits, with unrelated
        # bits above and below.
        return (samples >> (high_bit + 1 - bits)) & mask, bits
    stored = samples & mask
    if any(_is_smoother(whole, stored) for whole in (samples, _sign_extend(samples, allocated))):
        return samples, allocated
    return stored, bits


def _sign_extend(samples: Samples, bits: int) -> Samples:
    """The lowest `bits` of the samples as signed values."""
    shift = 8 * samples.dtype.itemsize - bits
    signed: Samples = (samples << shift).view(f"i{samples.dtype.itemsize}") >> shift
    return signed


def _is_smoother(candidate: Samples, declared: Samples) -> bool:
    """True if `candidate` has clearly smaller differences than `declared` between neighbours where the two differ."""
    step = max(1, candidate.size // COMPARED_PIXELS)
    one, other = candidate[::step].astype(np.int64), declared[::step].astype(np.int64)
    is_moved = one != other
    is_border = is_moved[:, 1:] != is_moved[:, :-1]
    if np.count_nonzero(is_border) < MIN_PAIRS:
        return False
    candidate_steps, declared_steps = (np.abs(np.diff(values, axis=1)[is_border]) for values in (one, other))
    is_smooth = np.mean(MIN_RATIO * candidate_steps < declared_steps) >= MIN_SHARE
    return bool(is_smooth) and len(np.unique(one[is_moved])) >= MIN_LEVELS
