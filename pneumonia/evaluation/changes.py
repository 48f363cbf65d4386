"""What happens to films on their way: each function gives a change of one grey picture of any size, its size kept."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

Perturbation = Callable[[Image.Image], Image.Image]

_SMOOTH = Image.Resampling.BILINEAR


def identity(film: Image.Image) -> Image.Image:
    return film


def blur(sigma: float) -> Perturbation:
    """A Gaussian of `sigma` pixels."""
    return lambda film: film.filter(ImageFilter.GaussianBlur(sigma))


def sharpen(film: Image.Image) -> Image.Image:
    return film.filter(ImageFilter.UnsharpMask(radius=1.5, percent=120, threshold=0))


def recompress(quality: int) -> Perturbation:
    """Saved as JPEG."""

    def change(film: Image.Image) -> Image.Image:
        buffer = io.BytesIO()
        film.save(buffer, "JPEG", quality=quality)
        with Image.open(buffer) as saved:
            return saved.convert("L")

    return change


def add_noise(deviation: float) -> Perturbation:
    """Gaussian noise; its deviation as a share of the 8 bits."""

    def change(film: Image.Image) -> Image.Image:
        pixels = np.asarray(film).astype(np.float64)
        # Seeded by the film itself: the same film gets the same grain in every run and order.
        grain = np.random.default_rng(int(pixels.sum())).normal(0, deviation * 255, pixels.shape)
        return Image.fromarray(np.clip(np.rint(pixels + grain), 0, 255).astype(np.uint8))

    return change


def gamma(exponent: float) -> Perturbation:
    """Below 1 lighter, above 1 darker."""
    table = [round(255 * (level / 255) ** exponent) for level in range(256)]
    return lambda film: film.point(table)


def contrast(share: float) -> Perturbation:
    """About the film's mean."""
    return lambda film: ImageEnhance.Contrast(film).enhance(share)


def rotate(degrees: float) -> Perturbation:
    """Against the clock; what comes from outside is black."""
    return lambda film: film.rotate(degrees, _SMOOTH)


def crop(across: float, along: float) -> Perturbation:
    """The middle of the film, less by these shares of its width and height, stretched to the film's size."""

    def change(film: Image.Image) -> Image.Image:
        left, top = film.width * across / 2, film.height * along / 2
        return film.resize(film.size, _SMOOTH, (left, top, film.width - left, film.height - top))

    return change


def downscale(side: int) -> Perturbation:
    """As if the film had only `side` x `side` pixels."""
    return lambda film: film.resize((side, side), _SMOOTH).resize(film.size, _SMOOTH)
