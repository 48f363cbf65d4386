"""Validation that can see the acquisition cue: each film as if it had been saved, exposed or cropped in another way.

Plain validation films share the trace of how they were saved with the training films, so a network that reads the
trace looks perfect on them. Here normal films changed in one way are held against pneumonia films changed in another: a
network that takes a soft film for an ill one falls.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter
from sklearn.metrics import roc_auc_score

from ..imaging import INPUT_SIDE
from .metrics import Floats, Labels

Change = Callable[[Image.Image], Image.Image]


def changed(films: npt.NDArray[np.uint8], name: str) -> npt.NDArray[np.uint8]:
    """`[N, 150, 150]` films, each changed in the way of that name."""
    return np.stack([np.asarray(CHANGES[name](Image.fromarray(film))) for film in films])


def auroc_of_pairs(labels: Labels, scores: Mapping[str, Floats]) -> dict[tuple[str, str], float]:
    """AUROC of normal films changed in one way against pneumonia films changed in another, for each pair of ways."""
    return {
        (normal, ill): float(roc_auc_score(labels, np.where(labels == 1, scores[ill], scores[normal])))
        for normal in scores
        for ill in scores
    }


def _blurred(sigma: float) -> Change:
    return lambda film: film.filter(ImageFilter.GaussianBlur(sigma))


def _sharpened(film: Image.Image) -> Image.Image:
    return film.filter(ImageFilter.UnsharpMask(radius=1.5, percent=120, threshold=0))


def _recompressed(film: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    film.save(buffer, "JPEG", quality=30)
    with Image.open(buffer) as saved:
        return saved.convert("L")


def _noisy(film: Image.Image) -> Image.Image:
    pixels = np.asarray(film).astype(np.float64)
    # Seeded by the film itself: the same film gets the same grain in every run and order.
    grain = np.random.default_rng(int(pixels.sum())).normal(0, 0.03 * 255, pixels.shape)
    return Image.fromarray(np.clip(np.rint(pixels + grain), 0, 255).astype(np.uint8))


def _gamma(exponent: float) -> Change:
    table = [round(255 * (level / 255) ** exponent) for level in range(256)]
    return lambda film: film.point(table)


def _cropped(across: float, along: float) -> Change:
    """The middle of the film, less by these shares of its width and height, stretched to a square again."""
    x, y = (round(share / 2 * INPUT_SIDE) for share in (across, along))
    return lambda film: film.crop((x, y, INPUT_SIDE - x, INPUT_SIDE - y)).resize(film.size, Image.Resampling.BILINEAR)


def _turned(degrees: float) -> Change:
    def change(film: Image.Image) -> Image.Image:
        # Mirrored at its edges first, so that no black corner comes into the film.
        wide = Image.fromarray(np.pad(np.asarray(film), _CORNER, mode="symmetric"))
        turned = wide.rotate(degrees, Image.Resampling.BILINEAR)
        return turned.crop((_CORNER, _CORNER, _CORNER + film.width, _CORNER + film.height))

    return change


def _enlarged(side: int) -> Change:
    """As if the film had only `side` pixels."""
    smooth = Image.Resampling.BILINEAR
    return lambda film: film.resize((side, side), smooth).resize(film.size, smooth)


_CORNER = 20
"""Pixels that a film is widened by before it is turned."""

CHANGES: dict[str, Change] = {
    "as it is": lambda film: film,
    "blurred, 1 px": _blurred(1.0),
    "blurred, 2 px": _blurred(2.0),
    "sharpened": _sharpened,
    "recompressed, quality 30": _recompressed,
    "noise, 3 %": _noisy,
    "gamma 0.6": _gamma(0.6),
    "gamma 1.6": _gamma(1.6),
    "cropped by a tenth": _cropped(0.1, 0.1),
    "top and bottom cropped": _cropped(0.0, 1 / 6),
    "sides cropped": _cropped(1 / 6, 0.0),
    "turned by 6 degrees": _turned(6.0),
    "shrunk to 75 px, enlarged": _enlarged(75),
}
"""What differs between two ways to save a film; blur and crop in pixels of the 150 px input."""
