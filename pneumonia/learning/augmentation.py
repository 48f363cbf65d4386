"""Random changes to training films, as one Keras layer inside the training model, so that any backend runs them."""

from __future__ import annotations

import itertools
import math
from dataclasses import asdict
from typing import Any

import keras
from keras import ops

from .recipe import Augmentation

_BLUR_KERNEL = (1.0, 4.0, 6.0, 4.0, 1.0)
"""Binomial weights, a Gaussian of sigma 1 px; with holes of 2 and 4 px between them, of 2 and 4 px."""


@keras.saving.register_keras_serializable("pneumonia")
class RandomFilm(keras.layers.Layer):
    """`[N, H, W, 1]` in 0..255 -> the same, randomly turned, moved, re-exposed, blurred and noised in training."""

    def __init__(self, augmentation: Augmentation | dict[str, Any], seed: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.augmentation = augmentation if isinstance(augmentation, Augmentation) else Augmentation(**augmentation)
        self.seed = seed
        self.random = keras.random.SeedGenerator(seed)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "augmentation": asdict(self.augmentation), "seed": self.seed}

    def call(self, films: Any, training: bool = False) -> Any:
        films = ops.cast(films, "float32")
        if not training:
            return films
        films = self._move(films / 255.0)
        films = self._expose(films)
        films = self._degrade(films)
        return ops.clip(films, 0.0, 1.0) * 255.0

    def _uniform(self, films: Any, low: float, high: float) -> Any:
        """One number a film, `[N, 1, 1, 1]`."""
        return keras.random.uniform((ops.shape(films)[0], 1, 1, 1), low, high, seed=self.random)

    def _rarely_much(self, films: Any, most: float) -> Any:
        """One number a film in 0..`most`, its median at a quarter: films as they are stay the common case."""
        return ops.square(self._uniform(films, 0.0, 1.0)) * most

    def _move(self, films: Any) -> Any:
        """Rotation, zoom, shift and flip as one affine resampling; what comes from outside is the nearest pixel."""
        spec = self.augmentation
        height, width = films.shape[1], films.shape[2]
        angle = ops.reshape(self._uniform(films, -1.0, 1.0), (-1,)) * math.radians(spec.rotation_degrees)
        # The matrix maps output to input: a scale below 1 looks at a smaller part of the film, which enlarges it.
        scale = ops.reshape(self._uniform(films, 1.0 - spec.zoom_in, 1.0 + spec.zoom_out), (-1,))
        mirror = ops.reshape(self._uniform(films, -1.0, 1.0), (-1,))
        mirror = ops.where(mirror < 0.0, -1.0, 1.0) if spec.flip else ops.ones_like(mirror)
        down, right = (ops.reshape(self._uniform(films, -spec.shift, spec.shift), (-1,)) for _ in range(2))
        # Width against height: films were stretched to a square, and the classes came in different formats.
        aspect = ops.exp(ops.reshape(self._uniform(films, -0.5, 0.5), (-1,)) * spec.aspect_log)
        wide, high = mirror * scale * aspect, scale / aspect
        cosine, sine = ops.cos(angle), ops.sin(angle)
        a, b, d, e = cosine * wide, -sine * high, sine * wide, cosine * high
        middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
        c = middle_x - a * middle_x - b * middle_y + right * width
        f = middle_y - d * middle_x - e * middle_y + down * height
        zero = ops.zeros_like(a)
        matrix = ops.stack([a, b, c, d, e, f, zero, zero], axis=-1)
        return ops.image.affine_transform(films, matrix, fill_mode="nearest", data_format="channels_last")

    def _expose(self, films: Any) -> Any:
        """Gamma, contrast about the film's mean, brightness: what exposure and windowing differ in."""
        spec = self.augmentation
        if spec.gamma_log:
            gamma = ops.exp(self._uniform(films, -spec.gamma_log, spec.gamma_log))
            films = ops.power(ops.clip(films, 1e-4, 1.0), gamma)
        if spec.contrast_log_low or spec.contrast_log_high:
            contrast = ops.exp(self._uniform(films, -spec.contrast_log_low, spec.contrast_log_high))
            mean = ops.mean(films, axis=(1, 2, 3), keepdims=True)
            films = (films - mean) * contrast + mean
        if spec.brightness:
            films = films + self._uniform(films, -spec.brightness, spec.brightness)
        return films

    def _degrade(self, films: Any) -> Any:
        """Sharpness and noise: they hide the fine texture in which the way a film was saved can be read."""
        spec = self.augmentation
        levels = [films]
        while len(levels) <= math.ceil(spec.blur_levels):
            levels.append(_blurred(levels[-1], dilation=2 ** (len(levels) - 1)))
        if spec.sharpen:
            films = films + (films - _blurred(films, 1)) * self._rarely_much(films, spec.sharpen)
        if spec.blur_levels:
            amount = self._rarely_much(films, spec.blur_levels)
            for number, (sharper, softer) in enumerate(itertools.pairwise(levels)):
                films = films + (softer - sharper) * ops.clip(amount - number, 0.0, 1.0)
        if spec.noise:
            grain = keras.random.normal(ops.shape(films), seed=self.random)
            films = films + grain * self._rarely_much(films, spec.noise)
        return films


def _blurred(films: Any, dilation: int) -> Any:
    """Separable 5-tap blur with holes; the film is mirrored at its edge.

    Sums of shifted films: a convolution of one channel with holes takes two to three times as long on a processor.
    """
    reach, weights = 2 * dilation, [weight / sum(_BLUR_KERNEL) for weight in _BLUR_KERNEL]
    side = films.shape[1]
    shifts = [slice(tap * dilation, tap * dilation + side) for tap in range(len(weights))]
    tall = ops.pad(films, ((0, 0), (reach, reach), (0, 0), (0, 0)), mode="symmetric")
    films = sum(tall[:, shift] * weight for shift, weight in zip(shifts, weights, strict=True))
    wide = ops.pad(films, ((0, 0), (0, 0), (reach, reach), (0, 0)), mode="symmetric")
    return sum(wide[:, :, shift] * weight for shift, weight in zip(shifts, weights, strict=True))
