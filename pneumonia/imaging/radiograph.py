"""A film in memory, and the rules that hold for every way of decoding one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from .. import settings
from ..errors import PneumoniaError, TooLarge, UnreadableImage

Pixels: TypeAlias = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


SLICE_PIXELS = 1_000_000
"""Pixels that are brought from one depth to another at a time: 8 MB as floats, where a whole film may be 640."""


@dataclass(frozen=True)
class Radiograph:
    """One film as it was stored, in grey, upright, bright where the body absorbs.

    `pixels` is `[H, W]` in the film's own depth, uint8 or uint16. `format`, `warnings` and whether the file calls the
    film lateral or one of another part of the body are all that is kept of the source: never a name, a date or any
    other tag of a patient.
    """

    pixels: Pixels
    format: str
    warnings: tuple[str, ...] = ()
    is_lateral: bool = False
    is_other_body_part: bool = False

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])


def check_pixel_count(width: int, height: int) -> None:
    """Raise `TooLarge` before anything of such a size is decoded."""
    limit = settings.MAX_PIXELS.read()
    if width * height > limit:
        raise TooLarge(f"The picture is too large. Allowed: {limit:,} pixels. Received: {width} x {height}.")


@contextmanager
def translate_decoder_errors(what: str) -> Iterator[None]:
    """Whatever a decoder raises on damaged bytes becomes a `PneumoniaError` about `what`."""
    try:
        yield
    except PneumoniaError:
        raise
    except MemoryError:
        raise TooLarge(f"The {what} does not fit into memory.") from None
    except Exception as error:
        # Decoders raise nearly everything on damaged files (struct.error, zlib.error, KeyError ...). Their texts may
        # quote the file or a patient's tag, so only the kind of error is kept.
        raise UnreadableImage(f"The {what} is damaged and cannot be decoded ({type(error).__name__}).") from None


def row_slices(height: int, width: int) -> Iterator[slice]:
    """Rows of a picture, so many at a time that a copy of them in floats is small."""
    rows = max(1, SLICE_PIXELS // max(1, width))
    return (slice(start, min(start + rows, height)) for start in range(0, height, rows))


def rescale_to_uint16(
    numbers: npt.NDArray[np.float64], low: float | None = None, high: float | None = None
) -> npt.NDArray[np.uint16]:
    """Map `low`..`high` (by default the numbers' own range) of `[H, W]` to all of 16 bits; a constant becomes 0."""
    low = float(numbers.min()) if low is None else low
    high = float(numbers.max()) if high is None else high
    scale = 65535.0 / (high - low) if high > low else 0.0
    return np.rint(np.clip((numbers - low) * scale, 0, 65535)).astype(np.uint16)
