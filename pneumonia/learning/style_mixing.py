"""MixStyle (Zhou et al. 2021): random exchange of feature statistics between the films of a batch, during training.

The mean and the deviation of a feature over a film describe how the film was exposed and processed rather than what it
shows. A network that is trained with mixed statistics depends less on the hospital from which a film comes.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("pneumonia")
class StyleMixing(layers.Layer):
    """Mixes mean and deviation of each feature `[N, h, w, k]` with those of the previous film in the batch.

    `share` is the expected share of films that are mixed; the weight of the film's own statistics follows
    Beta(0.1, 0.1), which is nearly 0 or 1 for most films. At inference the features pass unchanged.
    """

    CONCENTRATION = 0.1
    """Both parameters of the Beta distribution, as in the paper."""

    EPSILON = 1e-6

    def __init__(self, share: float, **options: Any) -> None:
        super().__init__(**options)
        self.share = share
        self.seed_generator = keras.random.SeedGenerator()

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "share": self.share}

    def call(self, features: Any, training: bool | None = None) -> Any:
        if not training:
            return features
        mean, deviation = (ops.stop_gradient(statistic) for statistic in self._statistics(features))
        weight = self._random_weights(ops.shape(features)[0])
        mixed_mean, mixed_deviation = (
            weight * own + (1 - weight) * ops.roll(own, 1, axis=0) for own in (mean, deviation)
        )
        return (features - mean) / deviation * mixed_deviation + mixed_mean

    def _statistics(self, features: Any) -> tuple[Any, Any]:
        mean = ops.mean(features, axis=(1, 2), keepdims=True)
        variance = ops.mean(ops.square(features - mean), axis=(1, 2), keepdims=True)
        return mean, ops.sqrt(variance + self.EPSILON)

    def _random_weights(self, films: Any) -> Any:
        """Weights `[N, 1, 1, 1]` of the films' own statistics; 1 for films that are not mixed."""
        shape = (films, 1, 1, 1)
        weight = keras.random.beta(shape, self.CONCENTRATION, self.CONCENTRATION, seed=self.seed_generator)
        is_mixed = keras.random.uniform(shape, seed=self.seed_generator) < self.share
        return ops.where(is_mixed, weight, 1.0)
