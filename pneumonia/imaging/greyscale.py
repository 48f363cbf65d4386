"""Grey out of colours, for pictures and DICOM alike: a film saved in colours is still a film."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

COLOUR_TOLERANCE = 12
"""Spread between the channels, in 8-bit levels at the 99th percentile, up to which a picture counts as grey: JPEG
chroma of a grey film stays below it."""

COLOUR_WARNING = "The picture has colours; it was converted to grey."


def to_grey(picture: Image.Image) -> tuple[npt.NDArray[np.uint8], tuple[str, ...]]:
    """`[H, W]` grey pixels of an RGB picture, and the note that colour was lost on the way, if it was."""
    return np.asarray(picture.convert("L")), (COLOUR_WARNING,) if _is_coloured(picture) else ()


def _is_coloured(picture: Image.Image) -> bool:
    sample = np.asarray(picture.resize((64, 64), Image.Resampling.BOX, reducing_gap=2.0)).astype(np.int16)
    spread = sample.max(axis=2) - sample.min(axis=2)
    return bool(np.percentile(spread, 99) > COLOUR_TOLERANCE)
