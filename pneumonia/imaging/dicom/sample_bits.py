"""Which bits of a sample are its value, and whether it is signed, if the tags contradict the samples.

BitsStored, HighBit and PixelRepresentation are often wrong; `imaging.byte_order` is about the byte order. A wrong tag
makes values wrap: neighbouring pixels, which are similar in a film, differ by nearly the whole range. Therefore, where
the interpretations of two neighbours differ, the one with smaller differences is correct. An overlay in the unused bits
has the opposite effect.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[Any]

COMPARED_PIXELS = 250_000
"""Number of pixels, in whole rows, that are compared."""

MIN_PAIRS_BITS, MIN_SHARE_BITS = 20, 0.2
"""Minimum number of neighbouring pairs that differ by one in the bits above BitsStored, and minimum share of them whose
difference becomes smaller with these bits. Of 120 real films of 224 to 512 pixels whose BitsStored is 2 or 4 bits too
small, the shares are 40 % to 97 %; with text, areas or random bits above the stored ones at most 2 %."""

MIN_NOISE = 0.2
"""Minimum mean difference of all neighbours, as a share of the range, by which the stored bits are only the noise of a
deeper film: they are when BitsStored is 6 bits too small. The mean difference of random values is a third."""

MAX_STORED_STEP = 1 / 8
"""Bits above BitsStored are unrelated to the film if, where they change between neighbours, the stored bits differ by
at most this share of their range (median): the film continues below an overlay. Where a value exceeds the range, the
stored bits wrap by nearly the whole of it."""

MIN_PAIRS_SIGN, MIN_SHARE_SIGN = 200, 0.8
"""The same for pairs of which one has its highest bit set: the difference becomes less than a quarter with the other
sign."""

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
    rows = _some_rows(samples)
    versions = (_widen(rows), _widen(_sign_extend(rows, bits)))
    is_signed ^= _is_smoother(versions[not is_signed], versions[is_signed])
    return _sign_extend(samples, bits) if is_signed else samples


def interpret_decoded(samples: Samples, bits: int) -> Samples:
    """The same for the samples of a decoder, which has extended the sign.

    Their real depth may exceed BitsStored, or an overlay may be compressed with them. Values above the range that a
    lossy compression has made are kept.
    """
    if samples.dtype.kind == "i":
        return interpret(samples.view(f"u{samples.dtype.itemsize}"), bits, 0, True)
    if int(samples.max()) < 2**bits:
        return interpret(samples, bits, 0, False)
    if _has_unrelated_bits_above(samples, bits):
        return interpret(samples & samples.dtype.type(2**bits - 1), bits, 0, False)
    return interpret(samples, 8 * samples.dtype.itemsize, 0, False)


def _has_unrelated_bits_above(samples: Samples, bits: int) -> bool:
    """True if the bits above the lowest `bits` are an overlay, garbage or constant, and not those of the values."""
    rows = _widen(_some_rows(samples[(samples >> bits).any(axis=1)]))
    upper = rows >> bits
    is_step = np.diff(upper, axis=1) != 0
    if not is_step.any():
        return True
    stored_steps = np.abs(np.diff(rows - (upper << bits), axis=1))[is_step]
    return bool(np.median(stored_steps) <= MAX_STORED_STEP * 2**bits)


def _select_bits(samples: Samples, bits: int, high_bit: int) -> tuple[Samples, int]:
    """(samples without their unused bits, number of bits)."""
    allocated = 8 * samples.dtype.itemsize
    mask = samples.dtype.type(2**bits - 1)
    if bits <= high_bit < allocated:
        # pydicom ignores HighBit and takes the lowest bits. In this file the samples are in higher bits, with unrelated
        # bits above and below.
        return (samples >> (high_bit + 1 - bits)) & mask, bits
    stored = samples & mask
    if any(_has_values_above(whole, bits) for whole in (samples, _sign_extend(samples, allocated))):
        return samples, allocated
    return stored, bits


def _sign_extend(samples: Samples, bits: int) -> Samples:
    """The lowest `bits` of the samples as signed values."""
    shift = 8 * samples.dtype.itemsize - bits
    signed: Samples = (samples << shift).view(f"i{samples.dtype.itemsize}") >> shift
    return signed


def _has_values_above(samples: Samples, bits: int) -> bool:
    """True if the bits above the lowest `bits` belong to the values.

    Compares neighbours that differ by one in these upper bits. In a film, one is just below a multiple of `2**bits` and
    the other just above; with an overlay they differ by `2**bits` and the grain.
    """
    values = _widen(_some_rows(samples))
    upper = values >> bits
    whole_steps, stored_steps = (np.abs(np.diff(part, axis=1)) for part in (values, values - (upper << bits)))
    is_step = np.abs(np.diff(upper, axis=1)) == 1
    is_wrapped = whole_steps[is_step] < stored_steps[is_step]
    if is_wrapped.size < MIN_PAIRS_BITS or len(np.unique(values[upper != 0])) < MIN_LEVELS:
        return False
    is_noise = stored_steps.mean() > MIN_NOISE * 2**bits and whole_steps.mean() < MIN_NOISE / 2 * np.ptp(values)
    return bool(is_wrapped.mean() >= MIN_SHARE_BITS or is_noise)


def _is_smoother(candidate: Samples, declared: Samples) -> bool:
    """True if `candidate` has clearly smaller differences than `declared` between neighbours where the two differ.

    The two are signed and unsigned values of the same samples, as 64-bit integers.
    """
    is_moved = candidate != declared
    is_step = is_moved[:, 1:] != is_moved[:, :-1]
    candidate_steps, declared_steps = (np.abs(np.diff(values, axis=1)[is_step]) for values in (candidate, declared))
    if len(candidate_steps) < MIN_PAIRS_SIGN or np.mean(4 * candidate_steps < declared_steps) < MIN_SHARE_SIGN:
        return False
    return len(np.unique(candidate[is_moved])) >= MIN_LEVELS


def _some_rows(samples: Samples) -> Samples:
    """About `COMPARED_PIXELS` of the pixels, in whole rows."""
    return samples[:: max(1, samples.size // COMPARED_PIXELS)]


def _widen(samples: Samples) -> npt.NDArray[np.int64]:
    """The samples as 64-bit integers, whose differences do not wrap."""
    widened: npt.NDArray[np.int64] = samples.astype(np.int64)
    return widened
