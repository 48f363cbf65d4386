"""Classifier of the gate: does a film belong to the gate's population, to another one, or is it another kind of image?

The limits of the PCA accept whatever lies near the training films, and half of all adult films lie near those of
children. A small network, fitted on the same features of films of both populations and of other kinds of images,
separates them. It reads body proportions: the films are fitted under random crops, aspect ratios and exposures.

    hidden = relu(features W1 + b1)    logits = hidden W2 + b2    classes: own population, other population, other kind
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .gate_views import Floats

ARRAYS = ("hidden_weights", "hidden_bias", "output_weights", "output_bias")
PREFIX = "classifier"
"""The arrays are stored in `gate.npz` as `classifier_hidden_weights` and so on."""


@dataclass(frozen=True)
class Classifier:
    """A network with one hidden layer: `hidden_weights` `[d, h]`, `hidden_bias` `[h]`, `output_weights` `[h, 3]`,
    `output_bias` `[3]`; d is the length of both views' features together.
    """

    hidden_weights: Floats
    hidden_bias: Floats
    output_weights: Floats
    output_bias: Floats

    def measure(self, features: Floats) -> tuple[Floats, Floats]:
        """(odds against the own population `[N]`, odds of another kind `[N]`) of features `[N, d]`, as natural
        logarithms: another population against the own one, and another kind of image against both populations.
        """
        hidden = np.maximum(features @ self.hidden_weights + self.hidden_bias, 0)
        own, other, kind = (hidden @ self.output_weights + self.output_bias).T
        return other - own, kind - np.logaddexp(own, other)

    def arrays(self) -> dict[str, Floats]:
        """The arrays by their names in `gate.npz`."""
        return {f"{PREFIX}_{name}": getattr(self, name) for name in ARRAYS}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Floats]) -> Classifier:
        """The classifier from the arrays of `gate.npz`; raises `KeyError` if one is missing."""
        return cls(*(np.ascontiguousarray(arrays[f"{PREFIX}_{name}"], np.float32) for name in ARRAYS))
