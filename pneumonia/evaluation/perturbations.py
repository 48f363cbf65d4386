"""Image perturbations of films, for validation under acquisition shift and for the robustness audit.

Validation films have the same acquisition artefacts (compression, sharpness, cropping) as the training films, so a
network that uses these artefacts seems perfect on them. `pairwise_auroc` therefore compares normal films under one
perturbation with pneumonia films under another: the AUROC decreases if the network associates, for example, blur with
pneumonia.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance, ImageFilter
from sklearn.metrics import roc_auc_score

from .metrics import Floats, Labels

Perturbation = Callable[[Image.Image], Image.Image]
"""Maps one 8-bit greyscale image of any size to an image of the same size. Deterministic."""

_BILINEAR = Image.Resampling.BILINEAR


def identity(film: Image.Image) -> Image.Image:
    """The film unchanged."""
    return film


def sharpen(film: Image.Image) -> Image.Image:
    """Unsharp mask: radius 1.5 px, 120 %, threshold 0."""
    return film.filter(ImageFilter.UnsharpMask(radius=1.5, percent=120, threshold=0))


def blur(sigma: float) -> Perturbation:
    """Gaussian blur; `sigma` in pixels."""
    return lambda film: film.filter(ImageFilter.GaussianBlur(sigma))


def compress_jpeg(quality: int) -> Perturbation:
    """JPEG compression at a quality of 1 to 95."""

    def perturbation(film: Image.Image) -> Image.Image:
        buffer = io.BytesIO()
        film.save(buffer, "JPEG", quality=quality)
        with Image.open(buffer) as decoded:
            return decoded.convert("L")

    return perturbation


def add_noise(deviation: float) -> Perturbation:
    """Additive Gaussian noise; `deviation` as a share of the 8-bit range."""

    def perturbation(film: Image.Image) -> Image.Image:
        pixels = np.asarray(film).astype(np.float64)
        # Seeded by the pixel sum, so that a film gets the same noise in every run and in any order.
        noise = np.random.default_rng(int(pixels.sum())).normal(0, deviation * 255, pixels.shape)
        return Image.fromarray(np.clip(np.rint(pixels + noise), 0, 255).astype(np.uint8))

    return perturbation


def gamma(exponent: float) -> Perturbation:
    """Gamma correction; an exponent below 1 brightens the film, above 1 darkens it."""
    table = [round(255 * (level / 255) ** exponent) for level in range(256)]
    return lambda film: film.point(table)


def contrast(factor: float) -> Perturbation:
    """Contrast change about the film's mean grey value; `factor` below 1 reduces the contrast."""
    return lambda film: ImageEnhance.Contrast(film).enhance(factor)


def rotate(degrees: float) -> Perturbation:
    """Counter-clockwise rotation; corners are filled with black."""
    return lambda film: film.rotate(degrees, _BILINEAR)


def crop(width_share: float, height_share: float) -> Perturbation:
    """Centre crop that removes these shares of width and height (half on each side), resized to the film's size."""

    def perturbation(film: Image.Image) -> Image.Image:
        left, top = film.width * width_share / 2, film.height * height_share / 2
        return film.resize(film.size, _BILINEAR, (left, top, film.width - left, film.height - top))

    return perturbation


def downscale(side: int) -> Perturbation:
    """Downscaling to `side` x `side` pixels and back to the film's size."""
    return lambda film: film.resize((side, side), _BILINEAR).resize(film.size, _BILINEAR)


UNCHANGED = "unchanged"
"""Name of the identity perturbation."""

PERTURBATIONS: dict[str, Perturbation] = {
    UNCHANGED: identity,
    "blur 1 px": blur(1.0),
    "blur 2 px": blur(2.0),
    "sharpening": sharpen,
    "JPEG quality 30": compress_jpeg(30),
    "noise 2 %": add_noise(0.02),
    "noise 3 %": add_noise(0.03),
    "gamma 0.6": gamma(0.6),
    "gamma 1.6": gamma(1.6),
    "contrast 50 %": contrast(0.5),
    "crop 10 %": crop(0.1, 0.1),
    "crop top and bottom": crop(0.0, 1 / 6),
    "crop left and right": crop(1 / 6, 0.0),
    "rotation 5 degrees": rotate(5.0),
    "rotation 6 degrees": rotate(6.0),
    "downscaling to 90 px": downscale(90),
    "downscaling to 75 px": downscale(75),
}
"""All perturbations, by the names that `config.json` and `evaluation.json` use.

Pixels are those of the image that the perturbation is applied to: the 150 px model input in validation, the 224 px
square in the robustness audit. Noise is a standard deviation in percent of the 8-bit range.
"""

VALIDATION_PERTURBATIONS = (
    UNCHANGED,
    "blur 1 px",
    "blur 2 px",
    "sharpening",
    "JPEG quality 30",
    "noise 3 %",
    "gamma 0.6",
    "gamma 1.6",
    "crop 10 %",
    "crop top and bottom",
    "crop left and right",
    "rotation 6 degrees",
    "downscaling to 75 px",
)
"""Perturbations of the validation films. `unchanged` must be first: `learning/gate_fit.py` relies on the order."""

ROBUSTNESS_PERTURBATIONS = (
    "JPEG quality 30",
    "blur 1 px",
    "noise 2 %",
    "gamma 0.6",
    "gamma 1.6",
    "contrast 50 %",
    "rotation 5 degrees",
    "crop 10 %",
    "downscaling to 90 px",
)
"""Perturbations of the test films in the robustness audit."""


def perturb(films: npt.NDArray[np.uint8], name: str) -> npt.NDArray[np.uint8]:
    """Applies the named perturbation to each of `[N, 150, 150]` films."""
    return np.stack([np.asarray(PERTURBATIONS[name](Image.fromarray(film))) for film in films])


def pairwise_auroc(labels: Labels, scores: Mapping[str, Floats]) -> dict[tuple[str, str], float]:
    """AUROC for each ordered pair (perturbation of the normal films, perturbation of the pneumonia films).

    `scores` maps the name of a perturbation to the scores `[N]` of all films under it.
    """
    return {
        (normal, pneumonia): float(roc_auc_score(labels, np.where(labels == 1, scores[pneumonia], scores[normal])))
        for normal in scores
        for pneumonia in scores
    }
