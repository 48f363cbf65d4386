"""Synthetic films: the bundle's examples, enlarged and with noise. They pass the gate and have realistic sizes."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from pneumonia.inference.predictor import Predictor

NOISE_SD, QUALITY = 6.0, 75
"""Standard deviation of the noise in grey levels, and JPEG quality. The files have .125 bytes per pixel; those of the
data set have a median of .126 at the same quality."""


def film(predictor: Predictor, size: tuple[int, int], number: int = 0) -> npt.NDArray[np.uint8]:
    """A `[H, W]` uint8 film of `size` (width, height); each `number` gives a different film."""
    generator = np.random.default_rng(number)
    examples = predictor.models[0].bundle.examples
    example = examples[number % len(examples)]
    with Image.open(example) as image:
        large = np.asarray(image.convert("L").resize(size, Image.Resampling.BICUBIC), np.float32)
    grain = generator.normal(0, NOISE_SD, (size[1] // 2 + 1, size[0] // 2 + 1)).astype(np.float32)
    coarse = np.repeat(np.repeat(grain, 2, axis=0), 2, axis=1)[: size[1], : size[0]]
    grainy: npt.NDArray[np.uint8] = np.clip(large * generator.uniform(0.85, 1.0) + coarse, 0, 255).astype(np.uint8)
    return grainy


def jpeg(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Encode the film as JPEG, as the data set does."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def write(predictor: Predictor, folder: Path, size: tuple[int, int], count: int, *, distinct: int = 50) -> list[Path]:
    """Write `count` JPEG files; returns their paths.

    `distinct` of them are different films. The others are hard links to these, so that 100,000 files fit on the disk.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"film{number:06}.jpeg" for number in range(count)]
    for number, path in enumerate(paths):
        if number < distinct:
            path.write_bytes(jpeg(film(predictor, size, number)))
        else:
            path.hardlink_to(paths[number % distinct])
    return paths
