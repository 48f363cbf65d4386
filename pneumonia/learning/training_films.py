"""The films of a training run with everything that the training loop needs of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Inputs = npt.NDArray[np.uint8]
"""Films `[N, 150, 150]`, 0..255."""

Labels = npt.NDArray[np.int64]
"""0 Normal, 1 Pneumonia."""


@dataclass(frozen=True)
class TrainingFilms:
    """`inputs` `[N, 150, 150]` and `labels` `[N]`, with lung masks and groups.

    `masks`: uint8 `[N, 150, 150]`, 255 inside the lungs; 0 everywhere for a film without a mask. `has_mask`: bool
    `[N]`. `groups`: `[N]`, the source of each film; both classes of a source get the same total weight.
    """

    inputs: Inputs
    labels: Labels
    masks: npt.NDArray[np.uint8]
    has_mask: npt.NDArray[np.bool_]
    groups: npt.NDArray[np.str_]

    @classmethod
    def without_masks(cls, inputs: Inputs, labels: Labels) -> TrainingFilms:
        """Films of one population without lung masks."""
        masks = np.broadcast_to(np.uint8(0), inputs.shape)
        return cls(inputs, labels, masks, np.zeros(len(labels), bool), np.full(len(labels), ""))

    def __len__(self) -> int:
        return len(self.labels)

    def class_weights(self) -> npt.NDArray[np.float64]:
        """Sample weights `[N]`: in each group both classes have the same total weight, and the mean weight is 1.

        The films of a group with one class only have the weight 0.5, as if the other half of the group were missing.
        Their total is then that of one class in a group of twice their number. A balance across groups would make the
        group itself a sign of its class.
        """
        weights = np.empty(len(self))
        for group in np.unique(self.groups):
            members = np.flatnonzero(self.groups == group)
            share = np.bincount(self.labels[members], minlength=2) / len(members)
            weights[members] = 0.5 / share[self.labels[members]]
        return weights
