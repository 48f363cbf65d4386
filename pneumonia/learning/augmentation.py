"""Random augmentation of training films, one film at a time, on the CPU.

OpenCV processes the pixels: half a millisecond per film on one core, a fifth of the time of the same operations inside
the graph. It runs in parallel with the graph and independently of the Keras backend.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ..evaluation.borders import CHEST_FRAME, Frame, blend, replace_border
from ..imaging import INPUT_SIDE
from .recipe import Augmentation

Film = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Affine = npt.NDArray[np.float64]
Random = np.random.Generator

cv2.setNumThreads(1)  # The films are small: OpenCV's own threads would only compete with the graph for cores.

_NOISE_FIELDS = np.random.default_rng(5).normal(0, 1, (64, INPUT_SIDE, INPUT_SIDE)).astype(np.float32)
"""Precomputed standard normal noise; each film gets one of the 64 fields at random. Drawing 22,500 normal numbers per
film would take more time than all other operations together."""

_MIN_BLUR_SIGMA = 0.15
"""Minimum standard deviation of the blur in pixels. A narrower Gaussian changes less than 8 bits can represent."""


def augment_films(
    films: npt.NDArray[np.uint8],
    others: npt.NDArray[np.uint8],
    masks: npt.NDArray[np.uint8],
    augmentation: Augmentation,
    random: Random,
) -> tuple[Floats, npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """Augment `[N, 150, 150]` uint8 films and their masks.

    Returns the films in 0..255 as float32, the masks as uint8, and `[N]` whether the lungs of a film were erased.

    Operations in order: replacement of border or surroundings, erasure of the lungs, affine transform, exposure,
    sharpness, noise, frame. The geometric ones are applied to the masks as well. `others` `[N, 150, 150]` are arbitrary
    training films; some of `films` get their borders. The same state of `random` gives the same result.
    """
    rows = [_augment_film(*item, augmentation, random) for item in zip(films, others, masks, strict=True)]
    augmented_films, augmented_masks, erased = zip(*rows, strict=True)
    return np.stack(augmented_films), np.stack(augmented_masks), np.array(erased)


def _augment_film(
    film: Film, other: Film, mask: Film, augmentation: Augmentation, random: Random
) -> tuple[Floats, Film, bool]:
    if random.random() < augmentation.foreign_border:
        film = replace_border(film, other, _random_chest_frame(random))
    film, erased = _apply_to_lungs(film, other, mask, augmentation, random)
    affine = _random_affine(augmentation, random)
    film, mask = _apply_affine(film, affine), _apply_affine(mask, affine)
    pixels = _apply_exposure(film, augmentation, random)
    pixels = np.clip(_apply_sharpness_and_noise(pixels, augmentation, random), 0.0, 1.0) * np.float32(255)
    if augmentation.frame and random.random() < augmentation.frame:
        widths = random.uniform(0, augmentation.frame_width, 4)
        pixels, mask = _add_frame(pixels, widths, random.uniform(0, 255)), _add_frame(mask, widths, 0)
    return pixels, mask, erased


def _apply_to_lungs(
    film: Film, other: Film, mask: Film, augmentation: Augmentation, random: Random
) -> tuple[Film, bool]:
    """Replace the surroundings of the lungs, or erase the lungs; returns (film, whether the lungs were erased)."""
    if not (augmentation.foreign_surroundings or augmentation.erased_lungs) or not mask.any():
        return film, False
    choice = random.random()
    if choice < augmentation.foreign_surroundings:
        return blend(film, other, _soft_lungs(mask, random)), False
    if choice < augmentation.foreign_surroundings + augmentation.erased_lungs:
        return _erase_lungs(film, mask, random), True
    return film, False


def _soft_lungs(mask: Film, random: Random) -> Floats:
    """The mask in 0..1 `[150, 150]`, dilated by 4 to 14 pixels, with a smooth edge."""
    radius = int(random.integers(4, 15))
    dilated = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)))
    return _gaussian_blur(dilated.astype(np.float32) / np.float32(255), random.uniform(1.0, 3.0))


def _erase_lungs(film: Film, mask: Film, random: Random) -> Film:
    """Fill the dilated mask with one grey level, with noise, or with a blurred copy of the film."""
    weights = _soft_lungs(mask, random) if random.random() < 0.5 else (mask > 127).astype(np.float32)
    kind = random.integers(3)
    if kind == 0:
        fill = np.full(film.shape, random.choice([0.0, float(film.mean()), random.uniform(0, 255)]), np.float32)
    elif kind == 1:
        noise = _NOISE_FIELDS[random.integers(len(_NOISE_FIELDS))] * np.float32(random.uniform(5, 60))
        fill = np.float32(random.uniform(30, 220)) + noise
    else:
        fill = _gaussian_blur(film.astype(np.float32), random.uniform(12, 30))
    return np.asarray(np.clip(np.rint(film * (1 - weights) + fill * weights), 0, 255), np.uint8)


def _add_frame(image: npt.NDArray[Any], widths: npt.NDArray[np.float64], value: float) -> npt.NDArray[Any]:
    """Shrink the image into a uniform frame; `widths` are those of the left, right, top and bottom side, as shares."""
    left, right, top, bottom = np.rint(widths * INPUT_SIDE).astype(int)
    framed = np.full_like(image, value)
    size = (INPUT_SIDE - left - right, INPUT_SIDE - top - bottom)
    framed[top : INPUT_SIDE - bottom, left : INPUT_SIDE - right] = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return framed


def _random_chest_frame(random: Random) -> Frame:
    """A frame around the chest with random edges, because the network could learn a seam at a fixed position."""
    edges = (CHEST_FRAME.left, CHEST_FRAME.right, CHEST_FRAME.top, CHEST_FRAME.bottom)
    left, right, top, bottom = (edge + random.uniform(-0.05, 0.05) for edge in edges)
    return Frame(left, right, top, bottom, blend_width=random.uniform(0.02, 0.08))


def _random_affine(spec: Augmentation, random: Random) -> Affine:
    """Rotation, zoom, aspect, shift and flip as one matrix `[2, 3]` from output to input pixels (x, y)."""
    angle = math.radians(random.uniform(-1, 1) * spec.rotation_degrees)
    # The matrix maps output to input: a scale below 1 samples a smaller part of the film, which enlarges it.
    scale = random.uniform(1 - spec.zoom_in, 1 + spec.zoom_out)
    mirror = -1 if spec.flip and random.random() < 0.5 else 1
    # The input is a film stretched to a square, and the classes have different aspect ratios, so these are varied.
    aspect = math.exp(random.uniform(-0.5, 0.5) * spec.aspect_log)
    rotation = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    matrix = rotation @ np.diag([mirror * scale * aspect, scale / aspect])
    centre = np.full(2, (INPUT_SIDE - 1) / 2)
    offset = centre - matrix @ centre + random.uniform(-spec.shift, spec.shift, 2) * INPUT_SIDE
    return np.column_stack([matrix, offset])


def _apply_affine(film: Film, affine: Affine) -> Film:
    """Resample once, bilinearly; positions outside the film get the value of the nearest pixel."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (INPUT_SIDE, INPUT_SIDE)
    return np.asarray(cv2.warpAffine(film, affine, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _apply_exposure(film: Film, spec: Augmentation, random: Random) -> Floats:
    """Change gamma, contrast about the mean, and brightness, as exposure and windowing do. Returns about 0..1."""
    gamma = math.exp(random.uniform(-spec.gamma_log, spec.gamma_log))
    contrast = math.exp(random.uniform(-spec.contrast_log_low, spec.contrast_log_high))
    brightness = random.uniform(-spec.brightness, spec.brightness)
    pixels = np.asarray(cv2.LUT(film, ((np.arange(256) / 255) ** gamma).astype(np.float32)))
    mean = np.float32(pixels.mean())
    return (pixels - mean) * np.float32(contrast) + (mean + np.float32(brightness))


def _apply_sharpness_and_noise(film: Floats, spec: Augmentation, random: Random) -> Floats:
    """Apply unsharp mask, Gaussian blur and noise, which mask the fine texture that depends on how a film was saved."""
    limits = (spec.sharpen, spec.blur_pixels, spec.noise)
    sharpen, blur, noise = (_sample_skewed_to_zero(limit, random) for limit in limits)
    if sharpen:
        film = film + (film - _gaussian_blur(film, 1.0)) * np.float32(sharpen)
    if blur > _MIN_BLUR_SIGMA:
        film = _gaussian_blur(film, blur)
    if noise:
        film = film + _NOISE_FIELDS[random.integers(len(_NOISE_FIELDS))] * np.float32(noise)
    return film


def _sample_skewed_to_zero(limit: float, random: Random) -> float:
    """A random number in 0..`limit` with its median at `limit` / 4, so that most films are hardly changed."""
    return float(random.random()) ** 2 * limit


def _gaussian_blur(film: Floats, sigma: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(film, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101), np.float32)
