"""Conversion of colour images to greyscale, for image files and DICOM: films are often saved as colour images."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

COLOUR_TOLERANCE = 12
"""Maximum difference between the channels of a grey image, in 8-bit levels at the 99th percentile of the pixels. The
chroma error of a grey film saved as a colour JPEG stays below it."""

COLOUR_WARNING = "The image is in colour; it was converted to greyscale."


def to_grey(picture: Image.Image) -> tuple[npt.NDArray[np.uint8], tuple[str, ...]]:
    """(grey pixels `[H, W]` of an RGB image, warnings); the warning is `COLOUR_WARNING` if the image was in colour."""
    return np.asarray(picture.convert("L")), (COLOUR_WARNING,) if _is_coloured(picture) else ()


def _is_coloured(picture: Image.Image) -> bool:
    sample = np.asarray(picture.resize((64, 64), Image.Resampling.BOX, reducing_gap=2.0)).astype(np.int16)
    spread = sample.max(axis=2) - sample.min(axis=2)
    return bool(np.percentile(spread, 99) > COLOUR_TOLERANCE)
