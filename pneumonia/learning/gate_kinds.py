"""Images of other kinds that the gate's classifier learns to refuse. All are made here: no image of a patient is needed
besides the training films.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from .. import imaging
from ..evaluation import simulated_kinds, simulated_layouts
from ..evaluation.synthetic_images import ORIENTATIONS, PATTERNS, Grey
from ..inference.gate_views import Films

IMAGES_OF_KIND = 100
"""Images that are made of each kind."""

FAMILIES = {
    "contrast agent": ("angiogram", "fluoroscopy"),
    "parts of the body": ("abdomen", "pelvis", "shoulder", "skull", "mammogram", "limb"),
    "sections": ("axial section", "ultrasound"),
    "several films": (
        "two films side by side",
        "two films, one above the other",
        "four films",
        "viewer with two films",
    ),
    "pages": ("film in a page", "film in a slide"),
    "drawings": ("line drawing", "flat illustration", "drawn chest", "rendered relief"),
    "orientations": (
        "films upside down",
        "films turned by 180 degrees",
        "films on their right side",
        "films on their left side",
        "films inverted (corrected, not refused)",
    ),
    "patterns": ("noise", "gradients", "chessboards"),
}
"""Kinds that resemble each other. A kind is held out only if its family is."""


def make_kinds(films: Films, count: int = IMAGES_OF_KIND, seed: int = 0) -> dict[str, Films]:
    """`count` images of each kind as `[count, 150, 150]`; kinds that show films show some of `[N, 150, 150]` films.

    There are fewer images of patterns, and of orientations if there are fewer films.
    """
    kinds = {name: _inputs(simulated_kinds.simulate(name, count, seed)) for name in simulated_kinds.GENERATORS}
    kinds |= {name: _inputs(simulated_layouts.simulate(name, films, count, seed)) for name in simulated_layouts.LAYOUTS}
    some = films[np.random.default_rng(seed).permutation(len(films))[:count]]
    kinds |= {name: _inputs(map(np.ascontiguousarray, map(turn, some))) for name, turn in ORIENTATIONS.items()}
    return kinds | {name: _inputs(_readable(PATTERNS[name]())) for name in FAMILIES["patterns"]}


def _inputs(images: Iterable[Grey]) -> Films:
    return np.stack([imaging.to_input(imaging.read(image))[:, :, 0] for image in images])


def _readable(images: Iterable[Grey]) -> Iterator[Grey]:
    """Images with contrast; the others are refused without the classifier."""
    return (image for image in images if image.std() > 0)
