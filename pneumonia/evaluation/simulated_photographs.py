"""Simulated photographs of films by a phone: a film on a lightbox, or an image on a screen.

Model: the scene (film, panel or bezel, room) is projected by a homography, sampled by the camera and then changed by
uneven light, vignetting, glare, a colour cast, blur, noise and JPEG. A screen consists of red, green and blue stripes
with dark gaps; the camera samples them below their frequency, which gives moire.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

Grey: TypeAlias = npt.NDArray[np.uint8]
Floats: TypeAlias = npt.NDArray[np.float32]
Random: TypeAlias = np.random.Generator

CAMERA_SIDE = 480
"""Side of a photograph in pixels: three times the model input, so that the model sees all that is left."""

_SCREEN_SIDE = 320
"""Pixels of the simulated screen along the side of the film."""


@dataclass(frozen=True)
class Strength:
    """How far a photograph is from a scan. All values are maxima of uniform random numbers, except `coverage`.

    `coverage`: side of the film as a share of that of the photograph. `perspective`: displacement of each corner as a
    share of the side. `rotation`: degrees. `cast`: deviation of the colour channels. `vignetting`: loss of light in
    the corners. `unevenness`: change of the light from side to side. `glare`: brightness of a reflection. `blur`: sigma
    in pixels. `noise`: standard deviation in grey levels. `stripes`: contrast of the stripes of a screen. `quality`: of
    the JPEG.
    """

    coverage: float
    perspective: float
    rotation: float
    cast: float
    vignetting: float
    unevenness: float
    glare: float
    blur: float
    noise: float
    stripes: float
    quality: int


STRENGTHS = {
    "mild": Strength(1.0, 0.01, 0.5, 0.03, 0.1, 0.05, 0.05, 0.8, 2, 0.15, 90),
    "medium": Strength(0.9, 0.03, 2.0, 0.08, 0.25, 0.15, 0.2, 1.2, 4, 0.3, 80),
    "strong": Strength(0.75, 0.08, 5.0, 0.15, 0.45, 0.3, 0.5, 2.0, 8, 0.5, 70),
}
"""From a careful photograph that shows nothing but the film to one taken in passing."""

SCENES = ("lightbox", "screen")


def photograph(film: Grey, scene: str, strength: Strength, seed: int) -> bytes:
    """A photograph of a film `[H, W]` as a JPEG in colour, 480 x 480 pixels; `scene` is one of `SCENES`."""
    return photograph_with_corners(film, scene, strength, seed)[0]


def photograph_with_corners(
    film: Grey, scene: str, strength: Strength, seed: int
) -> tuple[bytes, npt.NDArray[np.float64]]:
    """(`photograph`, corners `[4, 2]` of the film in it: x and y in pixels, clockwise from the top left)."""
    random = np.random.default_rng(seed)
    picture, corners = _project(_scene(film, scene, strength, random), strength, random)
    pixels = np.asarray(picture, np.float32) / 255
    pixels = np.clip(pixels * _light(strength, random) + _glare(strength, random), 0, 1)
    sensor = Image.fromarray(np.rint(255 * pixels).astype(np.uint8))
    sensor = sensor.filter(ImageFilter.GaussianBlur(random.uniform(0.3, 1) * strength.blur))
    noise = random.normal(0, strength.noise * random.uniform(0.3, 1), (CAMERA_SIDE, CAMERA_SIDE, 3))
    buffer = io.BytesIO()
    result = np.clip(np.rint(np.asarray(sensor) + noise), 0, 255).astype(np.uint8)
    Image.fromarray(result).save(buffer, "JPEG", quality=strength.quality)
    return buffer.getvalue(), corners


def straighten(data: bytes, corners: npt.NDArray[np.float64], side: int = CAMERA_SIDE) -> Grey:
    """The film `[side, side]` in a photograph, rectified by its corners as of `photograph_with_corners`, in grey."""
    target = np.array([[0.0, 0], [side, 0], [side, side], [0, side]])
    coefficients = tuple(homography(target, corners))
    with Image.open(io.BytesIO(data)) as picture:
        grey = picture.convert("L")
    return np.asarray(grey.transform((side, side), Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC))


def _scene(film: Grey, scene: str, strength: Strength, random: Random) -> Image.Image:
    """The film with its surroundings, in colour; the film takes the middle half of each side."""
    side = _SCREEN_SIDE if scene == "screen" else CAMERA_SIDE
    content = np.asarray(Image.fromarray(film).resize((side, side), Image.Resampling.BICUBIC))
    colours = np.repeat(content[:, :, None], 3, axis=2)
    if scene == "screen":
        colours = _stripes(colours, strength.stripes)
    side = len(colours)
    surroundings = np.empty((2 * side, 2 * side, 3), np.uint8)
    surroundings[:] = random.integers(15, 60, 3)  # the room
    panel = round(0.2 * side)
    level = random.integers(215, 250) if scene == "lightbox" else random.integers(5, 30)
    surroundings[side // 2 - panel : -(side // 2) + panel, side // 2 - panel : -(side // 2) + panel] = level
    surroundings[side // 2 : side // 2 + side, side // 2 : side // 2 + side] = colours
    return Image.fromarray(surroundings)


def _stripes(colours: Grey, contrast: float) -> Grey:
    """Each pixel of the screen as three stripes of one colour and a dark gap below: three times the size."""
    large = np.repeat(np.repeat(colours, 3, axis=0), 3, axis=1).astype(np.float32)
    for channel in range(3):
        for offset in range(3):
            if offset != channel:
                large[:, offset::3, channel] *= 1 - contrast
    large[2::3] *= 1 - contrast
    return np.asarray(np.rint(large), np.uint8)


def _project(scene: Image.Image, strength: Strength, random: Random) -> tuple[Image.Image, npt.NDArray[np.float64]]:
    """(the scene, projected on the sensor by a homography and sampled bilinearly; the corners `[4, 2]` of the film)."""
    angle = np.radians(random.uniform(-1, 1) * strength.rotation)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = corners @ rotation.T + random.uniform(-1, 1, (4, 2)) * strength.perspective
    side = scene.width / 2  # of the film in the scene
    source = scene.width / 2 + moved * side / strength.coverage
    target = (corners + 0.5) * CAMERA_SIDE
    size = (CAMERA_SIDE, CAMERA_SIDE)
    coefficients = tuple(homography(target, source))
    a, b, c, d, e, f, g, h = homography(source, target)
    x, y = (scene.width / 2 + corners * side).T
    film_corners = np.stack([a * x + b * y + c, d * x + e * y + f]) / (g * x + h * y + 1)
    projected = scene.transform(size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BILINEAR)
    return projected, film_corners.T


def homography(points: npt.NDArray[np.float64], images: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The 8 coefficients of the projective map that takes four `points` `[4, 2]` to `images` `[4, 2]`, as in Pillow."""
    rows = []
    for (x, y), (u, v) in zip(points, images, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    return np.asarray(np.linalg.solve(np.array(rows), images.ravel()), np.float64)


def _grid() -> tuple[Floats, Floats]:
    rows, columns = np.mgrid[:CAMERA_SIDE, :CAMERA_SIDE].astype(np.float32) / (CAMERA_SIDE - 1) - 0.5
    return rows, columns


def _light(strength: Strength, random: Random) -> Floats:
    """Factor `[H, W, 3]`: vignetting, light from one side, and colour cast."""
    rows, columns = _grid()
    angle = random.uniform(0, 2 * np.pi)
    vignetting = 1 - random.uniform(0.3, 1) * strength.vignetting * 2 * (rows**2 + columns**2)
    slope = 1 + random.uniform(0.3, 1) * strength.unevenness * (np.cos(angle) * rows + np.sin(angle) * columns)
    cast = 1 + random.uniform(-1, 1, 3) * strength.cast
    return np.asarray((vignetting * slope)[:, :, None] * cast, np.float32)


def _glare(strength: Strength, random: Random) -> Floats:
    """Added light `[H, W, 1]`: a reflection of a lamp, and a veil over the whole film."""
    rows, columns = _grid()
    centre, width = random.uniform(-0.4, 0.4, 2), random.uniform(0.05, 0.2)
    spot = np.exp(-((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2) / (2 * width**2))
    brightness = random.uniform(0.3, 1) * strength.glare
    return np.asarray((brightness * spot + 0.15 * brightness)[:, :, None], np.float32)
