"""NumPy array -> `Radiograph`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..errors import UnreadableImage
from . import greyscale
from .decoding import check_pixel_count
from .intensity import to_uint16
from .pictures import from_pil_image
from .radiograph import Radiograph


def from_array(array: npt.NDArray[np.generic]) -> Radiograph:
    """Convert an array `[H, W]`, `[H, W, 1]`, `[H, W, 3]` or `[H, W, 4]`: uint8, uint16, or float in 0..1.

    Raises `UnreadableImage` for any other shape or type and for NaN or infinite values, and `TooLarge` above the pixel
    limit.
    """
    has_valid_shape = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in {1, 3, 4})
    if not has_valid_shape or array.size == 0 or array.dtype.kind not in "uf" or array.dtype.itemsize * 8 < 8:
        raise UnreadableImage(
            "Unsupported array. Allowed: [H, W], [H, W, 1], [H, W, 3] or [H, W, 4]; uint8, uint16, or float in "
            f"0..1. Received: shape {array.shape}, {array.dtype}."
        )
    check_pixel_count(array.shape[1], array.shape[0])
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.dtype == np.uint8 and array.ndim == 2:
        return Radiograph(np.ascontiguousarray(array), "array")
    if array.dtype == np.uint8:
        return from_pil_image(Image.fromarray(np.ascontiguousarray(array)), "array")
    if array.ndim == 2:
        return Radiograph(to_uint16(array), "array")
    grey, is_coloured = _colours_to_grey(array)
    return Radiograph(grey, "array", (greyscale.COLOUR_WARNING,) if is_coloured else ())


def _colours_to_grey(array: npt.NDArray[np.generic]) -> tuple[npt.NDArray[np.uint16], bool]:
    """`[H, W, 3 or 4]` uint16 or float -> (grey `[H, W]`, true if it was in colour); alpha is composited on black."""
    max_value = 65535.0 if array.dtype.kind == "u" else 1.0
    channels = array[:, :, :3].astype(np.float64) / max_value
    if array.shape[2] == 4:
        channels *= array[:, :, 3:].astype(np.float64) / max_value
    grey = to_uint16(channels @ np.array([0.299, 0.587, 0.114]))  # ITU-R BT.601 luma weights, as in Pillow
    spread = 255 * (channels.max(axis=2) - channels.min(axis=2))
    return grey, bool(np.percentile(spread, 99) > greyscale.COLOUR_TOLERANCE)
