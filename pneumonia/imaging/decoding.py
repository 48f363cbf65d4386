"""Checks shared by all decoders: the pixel limit, and the translation of decoder errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from .. import operating_system, settings
from ..errors import PneumoniaError, TooLarge, UnreadableImage
from ..messages import message

_IMAGE = message("image")


def check_pixel_count(width: int, height: int) -> None:
    """Raise `TooLarge` if the image has more than `PNEUMONIA_MAX_PIXELS` pixels; call it before decoding."""
    limit = settings.MAX_PIXELS.read()
    if width * height > limit:
        raise TooLarge(
            message(
                "The image is too large. Allowed: {limit:,} pixels. Received: {width} x {height}.",
                limit=limit,
                width=width,
                height=height,
            )
        )


@contextmanager
def translate_decoder_errors(subject: str = _IMAGE) -> Iterator[None]:
    """Translate every exception of a third-party decoder into a `PneumoniaError` whose message names `subject`.

    A `PneumoniaError` and `MemoryError` pass unchanged, Pillow's `DecompressionBombError` becomes `TooLarge`, an error
    that too many files are open becomes `Busy`, and anything else `UnreadableImage`. The block contains only calls into
    Pillow, pydicom or zlib, and conversions of values that they return: an error in this package's own code must not be
    reported as a damaged file.
    """
    try:
        yield
    except (PneumoniaError, MemoryError):
        raise
    except Image.DecompressionBombError:
        raise TooLarge(
            message(
                "The {subject} is too large for the limit of Pillow in this process (PIL.Image.MAX_IMAGE_PIXELS). "
                "The host program can raise it.",
                subject=subject,
            )
        ) from None
    except Exception as error:
        if operating_system.is_out_of_files(error):  # Pillow imports some decoders when they are used
            raise operating_system.out_of_files_error() from None
        # Decoders raise many exception types on damaged files (struct.error, zlib.error, KeyError ...). Their texts may
        # quote the file or a patient's tag, so only the exception type is kept.
        raise UnreadableImage(
            message(
                "The {subject} is damaged and cannot be decoded ({type}).", subject=subject, type=type(error).__name__
            )
        ) from None


@contextmanager
def translate_memory_errors(subject: str = _IMAGE) -> Iterator[None]:
    """Translate `MemoryError` into `TooLarge`: a large film may not fit, whichever code allocates the memory."""
    try:
        yield
    except MemoryError:
        raise TooLarge(message("The {subject} does not fit into memory.", subject=subject)) from None
