"""The film of a result for display."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ... import imaging
from ...errors import PneumoniaError, TooSmall
from .film_result import FilmResult


def film_pixels(film: FilmResult) -> npt.NDArray[np.uint8] | None:
    """The film `[H, W]` as the model received it, with its frame; None if it cannot be read.

    The pixels of the reading are used if it has them, since decoding a compressed film takes longest. A film that is
    too small for the model is shown all the same.
    """
    reading, failure = film.reading, film.failure
    if reading is not None:
        return imaging.to_display(reading.film) if reading.film.pixels.size else reading.display(film.data)
    if failure is not None and failure.error.code != TooSmall.code:
        return None
    try:
        return imaging.to_display(imaging.read_values(film.data).film)
    except PneumoniaError:
        return None
