"""The lung head: a side branch predicts the lung field, and only features inside it reach the dense layers.

The score is therefore computed from what lies inside the lungs (plus the receptive field of the convolutions), and the
contribution of each position to the logit is known exactly: see `LungEvidence`.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

LUNG_FIELD = "lung_field"
LUNG_MASK = "lung_mask"
LUNG_STATISTICS = "lung_statistics"
"""Names of layers that other modules refer to."""

_EPSILON = 1e-6


def has_lung_head(network: keras.Model) -> bool:
    """True if the network, not an ensemble, has a lung head."""
    return any(layer.name == LUNG_FIELD for layer in network.layers)


def pool_lungs(features: Any, dilation: int) -> Any:
    """Add the lung head to the features `[N, h, w, k]` of the last block; returns `[N, 3 k]`. See `LungMask`."""
    field = layers.Conv2D(1, 3, padding="same", activation="sigmoid", name=LUNG_FIELD)(features)
    mask = LungMask(dilation, name=LUNG_MASK)(field)
    return LungStatistics(name=LUNG_STATISTICS)((features, mask))


@keras.saving.register_keras_serializable("pneumonia")
class LungMask(layers.Layer):
    """Pooling weights in 0..1 `[N, h, w, 1]` from the lung field `[N, h, w, 1]`.

    `dilation` is the number of positions by which the field is dilated before: an effusion or a consolidation at the
    edge of a lung is often not part of the predicted field, but a wide mask lets the network read the chest wall. No
    gradient passes, so the classifier cannot move the lungs.
    """

    def __init__(self, dilation: int = 1, **options: Any) -> None:
        super().__init__(**options)
        self.dilation = dilation

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dilation": self.dilation}

    def call(self, field: Any) -> Any:
        dilated = ops.max_pool(field, 2 * self.dilation + 1, 1, "same") if self.dilation else field
        return ops.stop_gradient(ops.clip(1.5 * dilated - 0.25, 0.0, 1.0))


@keras.saving.register_keras_serializable("pneumonia")
class LungStatistics(layers.Layer):
    """Mean, maximum and standard deviation of each feature `[N, h, w, k]` inside the mask `[N, h, w, 1]`: `[N, 3 k]`.

    The features must be non-negative. All statistics are 0 if the mask is empty.
    """

    def call(self, inputs: tuple[Any, Any]) -> Any:
        features, mask = inputs
        weights = normalised(mask)
        mean = ops.sum(features * weights, axis=(1, 2), keepdims=True)
        variance = ops.sum(weights * ops.square(features - mean), axis=(1, 2))
        maximum = ops.max(features * mask, axis=(1, 2))
        return ops.concatenate([mean[:, 0, 0, :], maximum, ops.sqrt(variance + _EPSILON)], axis=-1)


def normalised(mask: Any) -> Any:
    """The mask `[N, h, w, 1]` divided by its sum."""
    return mask / (ops.sum(mask, axis=(1, 2), keepdims=True) + _EPSILON)


@keras.saving.register_keras_serializable("pneumonia")
class LungEvidence(layers.Layer):
    """Contribution of each position to the logit `[N, h, w]`: gradient times feature, inside the mask.

    The lung statistics are homogeneous of degree 1 in the features, and the dense layers are piecewise linear. By
    Euler's theorem the contributions of a film add up to its logit, less what the biases of the dense layers add.

    Inputs: features `[N, h, w, k]`, mask `[N, h, w, 1]`, output of the hidden dense layer `[N, d]`. `hidden_kernel` is
    `[3 k, d]`, `output_kernel` is `[d]`.
    """

    def __init__(self, hidden_kernel: Any, output_kernel: Any, **options: Any) -> None:
        super().__init__(**options)
        self.hidden_kernel = np.asarray(hidden_kernel, np.float32)
        self.output_kernel = np.asarray(output_kernel, np.float32)

    def call(self, inputs: tuple[Any, Any, Any]) -> Any:
        features, mask, hidden = inputs
        gradient = ops.matmul(ops.where(hidden > 0, 1.0, 0.0) * self.output_kernel, self.hidden_kernel.T)
        for_mean, for_maximum, for_deviation = (part[:, None, None, :] for part in ops.split(gradient, 3, axis=-1))
        weights = normalised(mask)
        centred = features - ops.sum(features * weights, axis=(1, 2), keepdims=True)
        deviation = ops.sqrt(ops.sum(weights * ops.square(centred), axis=(1, 2), keepdims=True) + _EPSILON)
        at_maximum = self._share_of_maximum(features * mask)
        contributions = weights * (for_mean * features + for_deviation * centred * features / deviation)
        return ops.sum(contributions + for_maximum * at_maximum * features * mask, axis=-1)

    @staticmethod
    def _share_of_maximum(values: Any) -> Any:
        """1 at the position of each feature's maximum, 0 elsewhere; equal maxima share it."""
        is_maximum = ops.where(values >= ops.max(values, axis=(1, 2), keepdims=True), 1.0, 0.0)
        return is_maximum / ops.sum(is_maximum, axis=(1, 2), keepdims=True)
