"""Simulated radiographs of other kinds: angiograms, other parts of the body, sections.

Drawn from ellipses, tubes and smooth noise with random proportions. They imitate what the gate measures, the coarse
brightness and the edges of an image, and not its anatomy. No image of a patient is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

Grey: TypeAlias = npt.NDArray[np.uint8]
Floats: TypeAlias = npt.NDArray[np.float64]
Random: TypeAlias = np.random.Generator

SIDE = 256
"""Side of a simulated image in pixels."""

_Y, _X = np.mgrid[0:SIDE, 0:SIDE] / (SIDE - 1) * 2 - 1
"""Coordinates of the pixels: -1 (top, left) to 1 (bottom, right)."""


def angiogram(random: Random) -> Floats:
    """Dark vessels that branch, on a soft background, with ribs or not; often a round or rounded collimator."""
    image = 0.62 + _soft(random, 25, 0.12) + _soft(random, 8, 0.03)
    image += random.uniform(-0.25, 0.25) * _X + random.uniform(-0.25, 0.25) * _Y
    if random.random() < 0.5:
        image += random.uniform(0.1, 0.25) * _ellipse(random.uniform(-0.4, 0.4), 0, 0.18, 1.5, softness=0.1)
    if random.random() < 0.5:
        image -= random.uniform(0.1, 0.3) * _random_blob(random, 0.5, 0.8, softness=0.3)
    vessels = _canvas()
    for _ in range(random.integers(1, 4)):
        start, angle = random.uniform(-0.6, 0.3, 2), random.uniform(0, 2 * np.pi)
        _draw_branches(ImageDraw.Draw(vessels), start, angle, random.uniform(5, 12), random)
    if random.random() < 0.6:
        points = np.cumsum(np.vstack([[random.uniform(-0.3, 0.3), -1.0], random.normal([0, 0.1], 0.05, (12, 2))]), 0)
        _draw_line(ImageDraw.Draw(vessels), points, 4)
    image -= random.uniform(0.25, 0.5) * gaussian_filter(np.asarray(vessels) / 255, random.uniform(0.6, 1.5))
    return _collimate(image, random)


def fluoroscopy(random: Random) -> Floats:
    """A soft frame with a dark column or pouch of contrast agent, and a round collimator."""
    image = 0.6 + _soft(random, 30, 0.12)
    image += random.uniform(0.1, 0.3) * _ellipse(random.uniform(-0.3, 0.3), 0, 0.2, 1.5, softness=0.1)
    contrast_agent = _tube(random, random.uniform(0.06, 0.14))
    for _ in range(random.integers(0, 3)):
        contrast_agent = np.maximum(contrast_agent, _random_blob(random, 0.2, 0.5))
    image -= random.uniform(0.3, 0.55) * contrast_agent
    return _collimate(image, random)


def abdomen(random: Random) -> Floats:
    """Trunk with spine, iliac wings at the bottom, lower ribs at the top, and dark bowel gas."""
    image = _trunk(random)
    image += random.uniform(0.15, 0.3) * _spine(random)
    top = random.uniform(0.5, 0.9)
    for side in (-1, 1):
        image += random.uniform(0.1, 0.25) * _ellipse(side * random.uniform(0.45, 0.6), top, 0.35, 0.3, softness=0.08)
        image += random.uniform(0.02, 0.12) * _ellipse(side * 0.45, random.uniform(-0.7, -0.4), 0.4, 0.4, softness=0.1)
    for _ in range(random.integers(3, 14)):
        blob = _random_blob(random, 0.08, 0.25)
        image -= random.uniform(0.1, 0.35) * blob
    return image + _soft(random, 4, 0.02)


def pelvis(random: Random) -> Floats:
    """Iliac wings, sacrum, pelvic inlet, femoral heads and shafts."""
    image = _trunk(random) + 0.25 * _ellipse(0, random.uniform(-0.7, -0.3), 0.2, 0.5, softness=0.08)
    spread, level = random.uniform(0.45, 0.6), random.uniform(-0.45, -0.2)
    for side in (-1, 1):
        image += 0.3 * _ellipse(side * spread, level, 0.35, 0.42, random.uniform(20, 50) * side, softness=0.04)
        image += 0.35 * _ellipse(side * (spread + 0.08), level + 0.6, 0.14, 0.14, softness=0.03)
        image += 0.35 * _ellipse(side * (spread + 0.25), level + 1.1, 0.1, 0.5, -12 * side, softness=0.03)
        image -= 0.3 * _ellipse(side * 0.2, level + 0.85, 0.1, 0.14, 20 * side, softness=0.03)
    image -= random.uniform(0.1, 0.3) * _ellipse(0, level + 0.35, 0.28, 0.25, softness=0.06)
    return image + _soft(random, 4, 0.02)


def shoulder(random: Random) -> Floats:
    """Humerus, head of the humerus, clavicle, shoulder blade, and a corner of the lung."""
    image = 0.15 + _ellipse(-0.5, 0.3, 1.0, 1.2, softness=0.15) * 0.35 + _soft(random, 20, 0.05)
    x, y = random.uniform(0.0, 0.4), random.uniform(-0.4, 0.0)
    image += 0.35 * _ellipse(x, y, random.uniform(0.2, 0.3), 0.26, softness=0.03)
    image += 0.35 * _ellipse(x + 0.18, y + 0.8, 0.13, 0.75, random.uniform(-20, 5), softness=0.03)
    image += 0.3 * _ellipse(x - 0.55, y - 0.25, 0.55, 0.07, random.uniform(-20, 20), softness=0.03)
    image += 0.2 * _ellipse(x - 0.4, y + 0.45, 0.22, 0.5, random.uniform(0, 25), softness=0.05)
    image -= 0.25 * _ellipse(-0.9, 0.5, 0.5, 0.9, softness=0.08)
    return _maybe_mirrored(image, random)


def skull(random: Random) -> Floats:
    """Skull, frontal with orbits and nasal cavity, or from the side with the base and the jaw."""
    wide, tall = random.uniform(0.55, 0.8), random.uniform(0.65, 0.85)
    y = random.uniform(-0.25, 0.05)
    image = 0.05 + 0.45 * _ellipse(0, y, wide, tall, softness=0.04)
    image += 0.25 * (
        _ellipse(0, y, wide, tall, softness=0.03) - _ellipse(0, y, wide * 0.92, tall * 0.93, softness=0.05)
    )
    if random.random() < 0.5:
        for side in (-1, 1):
            image -= 0.25 * _ellipse(side * 0.28, y + 0.2, 0.18, 0.15, softness=0.04)
        image -= 0.2 * _ellipse(0, y + 0.45, 0.08, 0.2, softness=0.04)
        image += 0.2 * _ellipse(0, y + 0.8, 0.4, 0.25, softness=0.05)
    else:
        image += 0.3 * _ellipse(0.25, y + 0.5, 0.5, 0.12, random.uniform(-20, 20), softness=0.05)
        image += 0.25 * _ellipse(0.45, y + 0.85, 0.4, 0.12, random.uniform(-40, -10), softness=0.05)
        image += 0.2 * _ellipse(-0.2, y + 1.0, 0.16, 0.6, softness=0.05)
    return _maybe_mirrored(image + _soft(random, 5, 0.03), random)


def mammogram(random: Random) -> Floats:
    """A breast against the edge of a black image, with or without the pectoral muscle."""
    y = random.uniform(-0.2, 0.2)
    outline = _ellipse(-1, y, random.uniform(0.8, 1.5), random.uniform(0.6, 0.95), softness=0.03)
    tissue = 0.35 + _soft(random, 6, 0.1) + _soft(random, 2, 0.05)
    tissue += random.uniform(0.1, 0.4) * _ellipse(-0.7, y, random.uniform(0.3, 0.8), 0.5, softness=0.3)
    image = 0.02 + outline * tissue
    if random.random() < 0.5:
        image += 0.3 * outline * _ellipse(-1, -1, 0.6, 1.3, -20, softness=0.03)
    return _maybe_mirrored(image, random)


def limb(random: Random) -> Floats:
    """One or two long bones with a joint, in soft tissue on a dark background: knee, elbow, forearm."""
    angle, width = random.uniform(-20, 20), random.uniform(0.25, 0.5)
    image = 0.08 + 0.3 * _ellipse(0, 0, width, 2.2, angle, softness=0.08)
    for shift in (-0.12, 0.12) if random.random() < 0.4 else (0.0,):
        for end in (-1, 1):
            centre = end * random.uniform(0.65, 0.75)
            image += 0.35 * _ellipse(
                shift + centre * np.sin(np.radians(-angle)), centre, width * 0.4, 0.65, angle, 0.03
            )
    image += 0.25 * _ellipse(0, random.uniform(-0.1, 0.1), width * 0.75, 0.2, angle, softness=0.05)
    return image + _soft(random, 3, 0.01)


def axial_section(random: Random) -> Floats:
    """CT or MR section of chest or abdomen: a bright oval on black, often with two dark lungs, and the vertebra."""
    wide, tall = random.uniform(0.75, 0.95), random.uniform(0.5, 0.75)
    body = _ellipse(0, 0, wide, tall, softness=0.02)
    image = random.uniform(0.3, 0.6) * body + _soft(random, 5, 0.04) * body
    image += 0.2 * (body - _ellipse(0, 0, wide * 0.93, tall * 0.92, softness=0.02))
    if random.random() < 0.7:
        for side in (-1, 1):
            image -= 0.45 * _ellipse(side * wide * 0.45, -0.02, wide * 0.33, tall * 0.66, softness=0.03)
    else:
        image += 0.15 * _ellipse(-wide * 0.4, -0.1, 0.35, 0.3, softness=0.03)
        image -= 0.2 * _ellipse(wide * 0.3, -0.2, 0.15, 0.12, softness=0.03)
    image += 0.4 * _ellipse(0, tall * 0.6, 0.13, 0.12, softness=0.03)
    return np.clip(image, 0, 1)


def ultrasound(random: Random) -> Floats:
    """A sector of speckle on black, with dark cavities."""
    apex = random.uniform(-1.3, -0.9)
    radius, angle = np.hypot(_X, _Y - apex), np.arctan2(_X, _Y - apex)
    sector = (np.abs(angle) < random.uniform(0.4, 0.8)) & (radius < random.uniform(1.5, 2.1)) & (radius > 0.15)
    speckle = np.abs(gaussian_filter(random.normal(size=(SIDE, SIDE)), (1, 2))) * random.uniform(1.5, 3)
    image = 0.1 + speckle * (0.6 + _soft(random, 20, 0.3))
    for _ in range(random.integers(1, 4)):
        image *= 1 - 0.85 * _random_blob(random, 0.15, 0.35)
    return np.asarray(np.clip(image, 0, 1) * sector)


GENERATORS: dict[str, Callable[[Random], Floats]] = {
    "angiogram": angiogram,
    "fluoroscopy": fluoroscopy,
    "abdomen": abdomen,
    "pelvis": pelvis,
    "shoulder": shoulder,
    "skull": skull,
    "mammogram": mammogram,
    "limb": limb,
    "axial section": axial_section,
    "ultrasound": ultrasound,
}
"""Kind of image -> a function that draws one image with grey values of about 0..1."""


def simulate(kind: str, count: int, seed: int = 0) -> Iterator[Grey]:
    """`count` images `[256, 256]` of a kind in `GENERATORS`, the same ones for the same seed."""
    random = np.random.default_rng([seed, *kind.encode()])
    for _ in range(count):
        image = GENERATORS[kind](random) + random.normal(0, random.uniform(0, 0.03), (SIDE, SIDE))
        yield to_grey(np.clip(image, 0, 1) ** np.exp(random.uniform(-0.4, 0.4)))


def to_grey(image: Floats) -> Grey:
    """Grey values 0..1 as 8 bits."""
    levels: Grey = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    return levels


def _soft(random: Random, sigma: float, deviation: float) -> Floats:
    """Smooth noise with this standard deviation; `sigma` in pixels. It is made small and enlarged, which is fast."""
    side = max(4, round(SIDE / sigma))
    field = gaussian_filter(random.normal(size=(side, side)), 1, mode="wrap")
    enlarged = Image.fromarray(field.astype(np.float32)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    pixels = np.asarray(enlarged, np.float64)
    return np.asarray((pixels - pixels.mean()) * (deviation / max(pixels.std(), 1e-9)))


def _ellipse(x: float, y: float, wide: float, tall: float, degrees: float = 0.0, softness: float = 0.05) -> Floats:
    """1 inside, 0 outside of an ellipse with these half axes; `softness` is the width of its edge."""
    turn = np.radians(degrees)
    across = ((_X - x) * np.cos(turn) + (_Y - y) * np.sin(turn)) / wide
    along = ((_Y - y) * np.cos(turn) - (_X - x) * np.sin(turn)) / tall
    distance = (1 - np.hypot(across, along)) * min(wide, tall)
    return np.asarray(np.clip(distance / softness + 0.5, 0, 1))


def _random_blob(random: Random, smallest: float, largest: float, softness: float = 0.06) -> Floats:
    x, y = random.uniform(-0.7, 0.7, 2)
    wide, tall = random.uniform(smallest, largest, 2)
    return _ellipse(x, y, wide, tall, random.uniform(-90, 90), softness)


def _trunk(random: Random) -> Floats:
    """Soft tissue that is darker towards the flanks."""
    wide = random.uniform(0.8, 1.4)
    return 0.08 + 0.42 * _ellipse(0, 0, wide, 2.5, softness=0.3) + _soft(random, 20, 0.05)


def _spine(random: Random) -> Floats:
    """Vertebrae as a column of blocks."""
    x, period = random.uniform(-0.1, 0.1), random.uniform(0.2, 0.35)
    column = np.clip((random.uniform(0.1, 0.16) - np.abs(_X - x)) / 0.03 + 0.5, 0, 1)
    return np.asarray(column * (0.75 + 0.25 * np.sign(np.sin(2 * np.pi * _Y / period) + 0.6)))


def _tube(random: Random, width: float) -> Floats:
    """A winding vertical tube."""
    centre = random.uniform(-0.4, 0.4) + 0.2 * np.sin(_Y * random.uniform(1, 4) + random.uniform(0, 6))
    return np.asarray(np.clip((width - np.abs(_X - centre)) / 0.03 + 0.5, 0, 1))


def _collimate(image: Floats, random: Random) -> Floats:
    """Cover the image outside a circle or a rounded square, in black or white; leaves some images as they are."""
    kind = random.choice(["circle", "square", "none"])
    if kind == "none":
        return image
    power, radius = (2, random.uniform(0.9, 1.25)) if kind == "circle" else (8, random.uniform(0.85, 0.98))
    outside = np.abs(_X) ** power + np.abs(_Y) ** power > radius**power
    return np.where(outside, float(random.random() < 0.2), image)


def _maybe_mirrored(image: Floats, random: Random) -> Floats:
    return image[:, ::-1] if random.random() < 0.5 else image


def _canvas() -> Image.Image:
    return Image.new("L", (SIDE, SIDE))


def _draw_branches(
    draw: ImageDraw.ImageDraw, start: Floats, angle: float, width: float, random: Random, depth: int = 0
) -> None:
    """Draw a vessel as a random walk whose branches are thinner; widths in pixels."""
    steps = random.integers(6, 14)
    turns = angle + np.cumsum(random.normal(0, 0.25, steps))
    points = start + np.cumsum(np.column_stack([np.cos(turns), np.sin(turns)]) * 0.07, axis=0)
    _draw_line(draw, np.vstack([start, points]), width)
    if depth == 4 or width < 2:
        return
    for _ in range(random.integers(1, 4)):
        index = random.integers(steps)
        side = random.choice([-1, 1]) * random.uniform(0.3, 1.1)
        _draw_branches(draw, points[index], turns[index] + side, width * random.uniform(0.55, 0.8), random, depth + 1)


def _draw_line(draw: ImageDraw.ImageDraw, points: Floats, width: float) -> None:
    pixels = [(float(x), float(y)) for x, y in (points + 1) * (SIDE / 2)]
    draw.line(pixels, fill=255, width=max(1, round(width)), joint="curve")
