"""A film, and its forms with other depths and channels, for tests of unusual files."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from pneumonia.inference import sources

Grey = npt.NDArray[np.uint8]
Samples = npt.NDArray[Any]

SEVERAL = "only the first was used"
LARGEST = "only the largest was used"
ROTATION = "The EXIF tags are damaged"
"""Parts of warnings."""


@cache
def film() -> Grey:
    """`[344, 448]` with noise: a mixture of the class averages whose probability reacts to small differences."""
    averages = []
    for path in sorted((sources.EMBEDDED_FOLDER / "examples").glob("*.png")):
        with Image.open(path) as picture:
            averages.append(np.asarray(picture.resize((448, 344), Image.Resampling.BICUBIC)).astype(np.float64))
    grain = np.random.default_rng(0).normal(0, 2, averages[0].shape)
    mixture: Grey = np.clip(np.rint(0.8 * averages[0] + 0.2 * averages[1] + grain), 0, 255).astype(np.uint8)
    return mixture


def deep(bits: int) -> Samples:
    """The film with 9 to 16 bits per sample, as uint16."""
    samples: Samples = np.rint(film() * ((2**bits - 1) / 255)).astype(np.uint16)
    return samples


def rgb(grey: Samples) -> Samples:
    return np.repeat(grey[:, :, None], 3, axis=2)


def with_alpha(samples: Samples, level: int) -> Samples:
    """The film in grey or RGB with an alpha channel of one value."""
    colours = samples[:, :, None] if samples.ndim == 2 else samples
    return np.concatenate([colours, np.full((*samples.shape[:2], 1), level, samples.dtype)], axis=2)


def picture(samples: Samples | None = None) -> Image.Image:
    return Image.fromarray(film() if samples is None else samples)
