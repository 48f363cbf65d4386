"""NumPy array -> `Radiograph`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..errors import UnreadableImage
from ..messages import message
from . import greyscale
from .byte_order import correct_byte_order
from .decoding import check_pixel_count
from .image_files.pictures import from_pil_image
from .intensity import to_uint16
from .radiograph import Radiograph

STRETCHED_WARNING = message("The values of the array are not in 0..1; their range was mapped to black..white.")


def from_array(array: npt.NDArray[np.generic]) -> Radiograph:
    """Convert an array `[H, W]`, `[H, W, 1]`, `[H, W, 3]` or `[H, W, 4]`: uint8, uint16, or float in 0..1.

    Floats with any other range are stretched to black..white, with a warning. Raises `UnreadableImage` for any other
    shape or type and for NaN or infinite values, and `TooLarge` above the pixel limit.
    """
    has_valid_shape = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in {1, 3, 4})
    has_valid_type = array.dtype.kind == "f" or (array.dtype.kind == "u" and array.dtype.itemsize <= 2)
    if not has_valid_shape or array.size == 0 or not has_valid_type:
        raise UnreadableImage(
            message(
                "Unsupported array. Allowed: [H, W], [H, W, 1], [H, W, 3] or [H, W, 4]; uint8, uint16, or float in "
                "0..1. Received: shape {shape}, {dtype}.",
                shape=array.shape,
                dtype=array.dtype,
            )
        )
    check_pixel_count(array.shape[1], array.shape[0])
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.dtype == np.uint8 and array.ndim == 2:
        return Radiograph(np.ascontiguousarray(array), "array")
    if array.dtype == np.uint8:
        return from_pil_image(Image.fromarray(np.ascontiguousarray(array)), "array")
    grey, warnings = (correct_byte_order(array), ()) if array.ndim == 2 else _colours_to_grey(array)
    pixels = to_uint16(grey)  # raises for NaN and infinite values, which have no range
    if array.dtype.kind == "f" and not (grey.min() >= 0 and grey.max() <= 1):
        warnings = (*warnings, STRETCHED_WARNING)
    return Radiograph(pixels, "array", warnings)


def _colours_to_grey(array: npt.NDArray[np.generic]) -> tuple[npt.NDArray[np.generic], tuple[str, ...]]:
    """`[H, W, 3 or 4]` uint16 or float -> (grey `[H, W]`, warnings); alpha is composited on black."""
    grey, warnings = greyscale.channels_to_grey([array[:, :, index] for index in range(3)])
    return (grey if array.shape[2] == 3 else greyscale.apply_alpha(grey, array[:, :, 3])), warnings
