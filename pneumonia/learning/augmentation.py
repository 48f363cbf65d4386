"""Random changes to training films, one film at a time, on the processor's idle moments between two training steps.

OpenCV does the pixel work: half a millisecond a film on one core, a fifth of what such changes cost inside the graph,
and it runs beside the graph whatever backend that has.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from ..evaluation.borders import CHEST_FRAME, Frame, replace_border
from ..imaging import INPUT_SIDE
from .recipe import Augmentation

Film = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Random = np.random.Generator

cv2.setNumThreads(1)  # films are small: its threads would only take the graph's cores

_GRAIN = np.random.default_rng(5).normal(0, 1, (64, INPUT_SIDE, INPUT_SIDE)).astype(np.float32)
"""Noise to choose from: drawing 22,500 normal numbers a film would cost more than all other changes together."""

_BARELY = 0.15
"""A Gaussian of so few pixels changes nothing that 8 bits could hold."""


def augment_films(
    films: npt.NDArray[np.uint8], others: npt.NDArray[np.uint8], augmentation: Augmentation, random: Random
) -> Floats:
    """`[N, 150, 150]` uint8 -> `[N, 150, 150]` in 0..255, each reframed, moved, re-exposed, blurred and noised anew.

    `others` `[N, 150, 150]` are any training films: some of `films` get their borders. The same `random` state gives
    the same films.
    """
    return np.stack([_random_film(*pair, augmentation, random) for pair in zip(films, others, strict=True)])


def _random_film(film: Film, other: Film, augmentation: Augmentation, random: Random) -> Floats:
    reframed = replace_border(film, other, _frame(random)) if random.random() < augmentation.foreign_border else film
    moved = _moved(reframed, augmentation, random)
    exposed = _exposed(moved, augmentation, random)
    degraded = _degraded(exposed, augmentation, random)
    return np.clip(degraded, 0.0, 1.0) * np.float32(255)


def _frame(random: Random) -> Frame:
    """About the chest, never twice the same: a seam at a fixed place could be learnt."""
    sides = (CHEST_FRAME.left, CHEST_FRAME.correct, CHEST_FRAME.top, CHEST_FRAME.bottom)
    left, right, top, bottom = (side + random.uniform(-0.05, 0.05) for side in sides)
    return Frame(left, right, top, bottom, soft=random.uniform(0.02, 0.08))


def _moved(film: Film, spec: Augmentation, random: Random) -> Film:
    """Rotation, zoom, shift and flip as one affine resampling; what comes from outside is the nearest pixel."""
    angle = math.radians(random.uniform(-1, 1) * spec.rotation_degrees)
    # The matrix maps output to input: a scale below 1 looks at a smaller part of the film, which enlarges it.
    scale = random.uniform(1 - spec.zoom_in, 1 + spec.zoom_out)
    mirror = -1 if spec.flip and random.random() < 0.5 else 1
    # Width against height: films were stretched to a square, and the classes came in different formats.
    aspect = math.exp(random.uniform(-0.5, 0.5) * spec.aspect_log)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    matrix = turn @ np.diag([mirror * scale * aspect, scale / aspect])
    middle = np.full(2, (INPUT_SIDE - 1) / 2)
    offset = middle - matrix @ middle + random.uniform(-spec.shift, spec.shift, 2) * INPUT_SIDE
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    full = np.column_stack([matrix, offset])
    moved = cv2.warpAffine(film, full, (INPUT_SIDE, INPUT_SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


def _exposed(film: Film, spec: Augmentation, random: Random) -> Floats:
    """Gamma, contrast about the film's mean, brightness: what exposure and windowing differ in. Now in about 0..1."""
    gamma = math.exp(random.uniform(-spec.gamma_log, spec.gamma_log))
    contrast = math.exp(random.uniform(-spec.contrast_log_low, spec.contrast_log_high))
    brightness = random.uniform(-spec.brightness, spec.brightness)
    exposed = np.asarray(cv2.LUT(film, ((np.arange(256) / 255) ** gamma).astype(np.float32)))
    mean = np.float32(exposed.mean())
    return (exposed - mean) * np.float32(contrast) + (mean + np.float32(brightness))


def _degraded(film: Floats, spec: Augmentation, random: Random) -> Floats:
    """Sharpness and noise: they hide the fine texture in which the way a film was saved can be read."""
    sharpen, blur, noise = (_rarely_much(most, random) for most in (spec.sharpen, spec.blur_pixels, spec.noise))
    if sharpen:
        film = film + (film - _blurred(film, 1.0)) * np.float32(sharpen)
    if blur > _BARELY:
        film = _blurred(film, blur)
    if noise:
        film = film + _GRAIN[random.integers(len(_GRAIN))] * np.float32(noise)
    return film


def _rarely_much(most: float, random: Random) -> float:
    """In 0..`most`, its median at a quarter: films as they are stay the common case."""
    return float(random.random()) ** 2 * most


def _blurred(film: Floats, sigma: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(film, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101), np.float32)
