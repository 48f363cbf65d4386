"""Reads one film from a path, bytes, a PIL image or an array, and checks its size."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from .. import operating_system, settings
from ..errors import EmptyFile, TooLarge, TooSmall, UnreadableImage
from ..messages import join, message
from . import greyscale
from .area import WHOLE
from .arrays import from_array
from .decoding import translate_memory_errors
from .film_values import FilmValues, ValueKind, of_conversions, of_radiograph
from .formats import detect_format
from .image_files import reader as image_files
from .image_files.pictures import from_pil_image
from .intensity import record_conversions
from .model_input import INPUT_SIDE, film_area
from .radiograph import Radiograph

Source: TypeAlias = "str | os.PathLike[str] | bytes | Image.Image | npt.NDArray[np.generic]"

MIN_SIDE = 64
"""Minimum short side in pixels; a smaller image shows no lung markings."""

LOW_RESOLUTION_SIDE = INPUT_SIDE
"""A film whose short side has fewer pixels is enlarged for the model input and gets a warning."""

REDUCED_SIDE = 4 * INPUT_SIDE
"""Minimum short side in pixels after reduced-size decoding of a JPEG (at 1/2, 1/4 or 1/8): four times `INPUT_SIDE`.

The model input then differs from that of the full decode by 0.1 grey levels on average and 2 at most (measured at
2400 x 2000 and 3200 x 2400); `tests/imaging/test_model_input.py` allows 0.3 and 3.
"""

FRAME_WARNING = "A uniform frame around the film was cropped"
"""Start of the English warning about a frame."""


def read(source: Source, *, full_resolution: bool = False) -> Radiograph:
    """Read one film from a path, bytes, a PIL image or an array (uint8, uint16, or float in 0..1).

    The format is detected by magic bytes; the file name is not used. A large JPEG is decoded at reduced size (see
    `REDUCED_SIDE`), since the model input is 150 x 150; `full_resolution=True` decodes it in full, for display. The
    film inside a uniform frame becomes the `area` of the result; sizes are checked without the frame. Raises a
    `FilmError` for a source that cannot be read, and `Busy` if no decoder process can be started for a DICOM file.
    """
    if isinstance(source, np.ndarray):
        return _check_side(_with_area(from_array(source)))
    if isinstance(source, Image.Image):
        if 0 in source.size:
            raise _too_small_error(Radiograph(np.zeros(source.size[::-1], np.uint8), "image", area=WHOLE))
        with translate_memory_errors():
            return _check_side(_with_area(from_pil_image(source, source.format or "image")))
    data = source if isinstance(source, bytes) else _read_file(Path(source))
    film = _with_area(_decode_bytes(data, full_resolution))
    is_maybe_reduced = film.format == "JPEG" and not full_resolution and min(film.width, film.height) >= REDUCED_SIDE
    if is_maybe_reduced and _short_side(film) < REDUCED_SIDE // 2:
        film = _with_area(_decode_bytes(data, True))  # a small film in a large frame
    return _check_side(film)


def read_values(source: str | os.PathLike[str] | bytes) -> FilmValues:
    """Read the values of one film before any window, at full resolution, for a viewer.

    The film is that of `read`, but a film that is too small for the model is not refused. Raises the other errors of
    `read`.
    """
    data = source if isinstance(source, bytes) else _read_file(Path(source))
    if data and detect_format(data) == "DICOM":
        from .dicom import reader as dicom

        check_file_size(len(data))
        with translate_memory_errors(message("DICOM file")):
            values = dicom.read_values(data)
    else:
        with record_conversions() as conversions:
            film = _decode_bytes(data, True)
        is_coloured = greyscale.COLOUR_WARNING in film.warnings
        values = of_radiograph(film, ValueKind.GREY_OF_COLOUR) if is_coloured else of_conversions(film, conversions)
    return replace(values, film=_with_area(values.film))


def check_file_size(size: int) -> None:
    """Raise `TooLarge` for a film of `size` bytes if that is above `PNEUMONIA_MAX_FILE_MB`."""
    limit_mb = settings.MAX_FILE_MB.read()
    if size > limit_mb * 1_000_000:
        raise TooLarge(
            message(
                "The file is too large. Allowed: {limit_mb} MB. Received: {size:.1f} MB.",
                limit_mb=limit_mb,
                size=size / 1e6,
            )
        )


def _read_file(path: Path) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableImage(
                message("Not a regular file. Allowed: one file. Received: a folder, a device or a pipe.")
            )
        check_file_size(status.st_size)
        return path.read_bytes()
    except (OSError, ValueError) as error:
        if operating_system.is_out_of_files(error):
            raise operating_system.out_of_files_error() from None
        # A path with a NUL character raises ValueError.
        reason = getattr(error, "strerror", None) or message("the path is invalid")
        raise UnreadableImage(message("The file cannot be opened: {reason}.", reason=reason)) from None


def _decode_bytes(data: bytes, full_resolution: bool) -> Radiograph:
    if not data:
        raise EmptyFile(message("The file is empty (0 bytes)."))
    check_file_size(len(data))
    file_format = detect_format(data)
    if file_format == "DICOM":
        from .dicom import reader as dicom  # importing pydicom takes 0.3 s, and most films are image files

        with translate_memory_errors(message("DICOM file")):
            return dicom.read(data)
    with translate_memory_errors():
        return image_files.read(data, file_format, None if full_resolution else REDUCED_SIDE)


def _with_area(film: Radiograph) -> Radiograph:
    """Search a uniform frame around the film; a warning gives its depths as shares of the image's width and height.

    Padding that the file declares belongs to the frame.
    """
    area = film_area(film.pixels, film.area or WHOLE)
    if area == WHOLE:
        return replace(film, area=area)
    sides = join(
        (
            message("left {share:.1f} %", share=100 * area.left) if area.left > 0 else "",
            message("top {share:.1f} %", share=100 * area.top) if area.top > 0 else "",
            message("right {share:.1f} %", share=100 * (1 - area.right)) if area.right < 1 else "",
            message("bottom {share:.1f} %", share=100 * (1 - area.bottom)) if area.bottom < 1 else "",
        ),
        ", ",
    )
    warning = message("A uniform frame around the film was cropped: {sides} of the image.", sides=sides)
    return replace(film, area=area, warnings=(*film.warnings, warning))


def _short_side(film: Radiograph) -> int:
    """The short side in pixels of the film without its frame."""
    left, top, right, bottom = (film.area or WHOLE).box(film.width, film.height)
    return min(right - left, bottom - top)


def _check_side(film: Radiograph) -> Radiograph:
    short_side = _short_side(film)
    if short_side < MIN_SIDE:
        raise _too_small_error(film)
    if short_side < LOW_RESOLUTION_SIDE:
        warning = message(
            "Low resolution: the short side has {short_side} pixels; fine detail may be lost.", short_side=short_side
        )
        return replace(film, warnings=(*film.warnings, warning))
    return film


def _too_small_error(film: Radiograph) -> TooSmall:
    left, top, right, bottom = (film.area or WHOLE).box(film.width, film.height)
    size = {"limit": MIN_SIDE, "width": right - left, "height": bottom - top}
    if film.area == WHOLE:
        return TooSmall(
            message(
                "The image is too small. Allowed: a short side of at least {limit} pixels. "
                "Received: {width} x {height}.",
                **size,
            )
        )
    return TooSmall(
        message(
            "The image is too small. Allowed: a short side of at least {limit} pixels. Received: {width} x {height} "
            "inside a uniform frame, in an image of {outer_width} x {outer_height}.",
            **size,
            outer_width=film.width,
            outer_height=film.height,
        )
    )
