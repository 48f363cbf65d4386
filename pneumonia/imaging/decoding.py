"""Rules for every decoder: the limit of pixels, and one error for whatever it raises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .. import settings
from ..errors import PneumoniaError, TooLarge, UnreadableImage


def check_pixel_count(width: int, height: int) -> None:
    """Raise `TooLarge` before anything of such a size is decoded."""
    limit = settings.MAX_PIXELS.read()
    if width * height > limit:
        raise TooLarge(f"The picture is too large. Allowed: {limit:,} pixels. Received: {width} x {height}.")


@contextmanager
def translate_decoder_errors(subject: str) -> Iterator[None]:
    """Whatever a decoder raises on damaged bytes becomes a `PneumoniaError` about `subject`."""
    try:
        yield
    except PneumoniaError:
        raise
    except MemoryError:
        raise TooLarge(f"The {subject} does not fit into memory.") from None
    except Exception as error:
        # Decoders raise nearly everything on damaged files (struct.error, zlib.error, KeyError ...). Their texts may
        # quote the file or a patient's tag, so only the kind of error is kept.
        raise UnreadableImage(f"The {subject} is damaged and cannot be decoded ({type(error).__name__}).") from None
