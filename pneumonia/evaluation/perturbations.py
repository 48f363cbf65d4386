"""Validation that can see the acquisition cue: each film as if it had been saved, exposed or cropped in another way.

Plain validation films share the trace of how they were saved with the training films, so a network that reads the
trace looks perfect on them. Here normal films changed in one way are held against pneumonia films changed in another: a
network that takes a soft film for an ill one falls.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from PIL import Image
from sklearn.metrics import roc_auc_score

from .changes import Perturbation, add_noise, blur, crop, downscale, gamma, identity, recompress, rotate, sharpen
from .metrics import Floats, Labels


def perturb(films: npt.NDArray[np.uint8], name: str) -> npt.NDArray[np.uint8]:
    """`[N, 150, 150]` films, each changed in the way of that name."""
    return np.stack([np.asarray(CHANGES[name](Image.fromarray(film))) for film in films])


def pairwise_auroc(labels: Labels, scores: Mapping[str, Floats]) -> dict[tuple[str, str], float]:
    """AUROC of normal films changed in one way against pneumonia films changed in another, for each pair of ways."""
    return {
        (normal, ill): float(roc_auc_score(labels, np.where(labels == 1, scores[ill], scores[normal])))
        for normal in scores
        for ill in scores
    }


UNCHANGED = "as it is"

CHANGES: dict[str, Perturbation] = {
    UNCHANGED: identity,
    "blurred, 1 px": blur(1.0),
    "blurred, 2 px": blur(2.0),
    "sharpened": sharpen,
    "recompressed, quality 30": recompress(30),
    "noise, 3 %": add_noise(0.03),
    "gamma 0.6": gamma(0.6),
    "gamma 1.6": gamma(1.6),
    "cropped by a tenth": crop(0.1, 0.1),
    "top and bottom cropped": crop(0.0, 1 / 6),
    "sides cropped": crop(1 / 6, 0.0),
    "turned by 6 degrees": rotate(6.0),
    "shrunk to 75 px, enlarged": downscale(75),
}
"""What differs between two ways to save a film; blur in pixels of the 150 px input."""
