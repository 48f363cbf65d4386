"""Images made of chest films that are no single film: several films, films in pages and viewers, drawings of films.

Each function takes films `[H, W]` and a random generator, and returns one image. The films that they use decide nothing
else than the content: a caller who measures a gate passes films on which the gate was not fitted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

Grey: TypeAlias = npt.NDArray[np.uint8]
Random: TypeAlias = np.random.Generator
Films: TypeAlias = Sequence[Grey]
"""Films of which a function takes the first ones."""

SIDE = 300
"""Height of an image in pixels."""

_BILINEAR = Image.Resampling.BILINEAR


def side_by_side(films: Films, random: Random) -> Grey:
    """Two films beside each other, often with a gap."""
    return _grid(films, 1, 2, random)


def one_above_the_other(films: Films, random: Random) -> Grey:
    """Two films one above the other."""
    return _grid(films, 2, 1, random)


def grid_of_four(films: Films, random: Random) -> Grey:
    """Four films in two rows."""
    return _grid(films, 2, 2, random)


def page(films: Films, random: Random) -> Grey:
    """A film in a white page with lines of text."""
    width = int(SIDE * random.uniform(0.7, 1.4))
    image = Image.new("L", (width, SIDE), int(random.integers(235, 256)))
    _draw_text(image, (0.06, 0.04, 0.94, 0.96), random)
    size = (int(width * random.uniform(0.35, 0.75)), int(SIDE * random.uniform(0.35, 0.65)))
    left, top = (int(random.uniform(0.05, 0.95) * (whole - part)) for whole, part in zip(image.size, size, strict=True))
    image.paste(_resized(films[0], size), (left, top))
    return np.asarray(image)


def slide(films: Films, random: Random) -> Grey:
    """A slide: title, bullet points, and a film in one half."""
    dark = random.random() < 0.4
    image = Image.new("L", (int(SIDE * 4 / 3), SIDE), 30 if dark else 250)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, image.width, int(SIDE * random.uniform(0.1, 0.2))), fill=int(random.integers(60, 200)))
    film_right = random.random() < 0.7
    _draw_text(image, (0.05, 0.3, 0.45, 0.8) if film_right else (0.55, 0.3, 0.95, 0.8), random, light=dark)
    size = (int(image.width * random.uniform(0.38, 0.48)), int(SIDE * random.uniform(0.6, 0.78)))
    image.paste(_resized(films[0], size), (image.width // 2 if film_right else 8, int(SIDE * 0.21)))
    return np.asarray(image)


def viewer(films: Films, random: Random) -> Grey:
    """A screenshot of a viewer: toolbar, list of thumbnails, two panels with films and corner text."""
    width = int(SIDE * random.uniform(1.3, 1.8))
    image = Image.new("L", (width, SIDE), int(random.integers(0, 50)))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width, 24), fill=int(random.integers(50, 230)))
    for left in range(8, width - 20, 22):
        draw.rectangle((left, 5, left + 14, 19), fill=int(random.integers(0, 255)))
    margin = int(width * random.uniform(0.08, 0.2))
    for index, film in enumerate(films[:2]):
        size = ((width - margin) // 2 - 6, SIDE - 34)
        image.paste(_resized(film, size), (margin + index * (size[0] + 6), 30))
        image.paste(_resized(film, (margin - 8, margin - 8)), (4, 32 + index * margin))
    _draw_text(image, (margin / width, 0.12, margin / width + 0.15, 0.25), random, light=True)
    return np.asarray(image)


def line_drawing(films: Films, random: Random) -> Grey:
    """The outlines of a film as dark lines on white, or as light lines on black."""
    film = gaussian_filter(_prepared(films[0]).astype(np.float64), random.uniform(1.5, 4))
    strength = np.hypot(*np.gradient(film))
    lines = np.clip((strength / np.quantile(strength, random.uniform(0.85, 0.95)) - 0.8) * 3, 0, 1)
    return _to_grey(255 * lines if random.random() < 0.25 else 255 * (1 - lines))


def flat_illustration(films: Films, random: Random) -> Grey:
    """A film in two to four flat tones with dark outlines, as in a cartoon or an anatomical plate."""
    film = gaussian_filter(_prepared(films[0]).astype(np.float64), random.uniform(2, 5))
    count = random.integers(2, 5)
    levels = np.quantile(film, np.linspace(0, 1, count + 1)[1:-1])
    index = np.searchsorted(levels, film)
    tones = np.sort(random.uniform(60, 255, count)) if random.random() < 0.5 else random.uniform(60, 255, count)
    outline = np.hypot(*np.gradient(index.astype(np.float64))) > 0
    return _to_grey(np.where(outline & (random.random() < 0.7), 20, tones[index]))


def drawn_chest(films: Films, random: Random) -> Grey:
    """A drawing of two lungs with trachea and ribs, with grey tones on a plain background; uses no film."""
    paper, lung, line = random.choice([250, 255, 20]), random.uniform(90, 220), random.uniform(0, 90)
    image = Image.new("L", (SIDE, SIDE), int(paper))
    draw = ImageDraw.Draw(image)
    middle, gap = SIDE / 2 + random.normal(0, 6), random.uniform(10, 24)
    top, bottom, wide = random.uniform(40, 80), random.uniform(220, 275), random.uniform(70, 105)
    width = int(random.integers(1, 5))
    for side in (-1, 1):
        inner, outer = middle + side * gap, middle + side * (gap + wide)
        points = [
            (inner, top + 30),
            (inner + side * wide * 0.45, top),
            (outer, top + 110),
            (outer, bottom),
            (inner, bottom - 30),
        ]
        draw.polygon(points, fill=int(lung), outline=int(line), width=width)
    draw.rectangle((middle - 8, 5, middle + 8, top + 50), fill=int(random.uniform(120, 255)), outline=int(line))
    if random.random() < 0.6:
        for y in np.linspace(top + 15, bottom - 15, random.integers(5, 9)):
            draw.arc((middle - wide - gap, y - 30, middle + wide + gap, y + 40), 180, 360, fill=int(line), width=width)
    return np.asarray(image)


def relief(films: Films, random: Random) -> Grey:
    """A film as a lit surface, as a rendered body looks."""
    film = gaussian_filter(_prepared(films[0]).astype(np.float64), random.uniform(1, 3))
    rows, columns = np.gradient(film)
    angle = random.uniform(0, 2 * np.pi)
    slope = (np.cos(angle) * columns + np.sin(angle) * rows) * random.uniform(0.3, 0.8)
    return _to_grey(255 / (1 + np.exp(-slope)))


LAYOUTS: dict[str, Callable[[Films, Random], Grey]] = {
    "two films side by side": side_by_side,
    "two films, one above the other": one_above_the_other,
    "four films": grid_of_four,
    "film in a page": page,
    "film in a slide": slide,
    "viewer with two films": viewer,
    "line drawing": line_drawing,
    "flat illustration": flat_illustration,
    "drawn chest": drawn_chest,
    "rendered relief": relief,
}
"""Kind of image -> a function that makes one from at least four films."""

FILMS_PER_IMAGE = 4


def simulate(kind: str, films: Sequence[Grey] | npt.NDArray[np.uint8], count: int, seed: int = 0) -> Iterator[Grey]:
    """`count` images of a kind in `LAYOUTS` from films `[H, W]`, the same ones for the same seed."""
    random = np.random.default_rng([seed, *kind.encode()])
    for _ in range(count):
        chosen = random.integers(0, len(films), FILMS_PER_IMAGE)
        yield LAYOUTS[kind]([films[index] for index in chosen], random)


def _grid(films: Films, rows: int, columns: int, random: Random) -> Grey:
    gap = int(random.choice([0, 4, 14]))
    height = SIDE // rows
    width = int(height * random.uniform(0.85, 1.25))
    size = (columns * (width + gap) - gap, rows * (height + gap) - gap)
    image = Image.new("L", size, int(random.choice([0, 255, 128])))
    for index, film in enumerate(films[: rows * columns]):
        row, column = divmod(index, columns)
        image.paste(_resized(film, (width, height)), (column * (width + gap), row * (height + gap)))
    return np.asarray(image)


def _resized(film: Grey, size: tuple[int, int]) -> Image.Image:
    return Image.fromarray(film).resize(size, _BILINEAR)


def _prepared(film: Grey) -> Grey:
    return np.asarray(_resized(film, (SIDE, SIDE)))


def _draw_text(image: Image.Image, box: tuple[float, float, float, float], random: Random, light: bool = False) -> None:
    """Draw lines of words as small bars inside a box, whose edges are shares of the image."""
    draw = ImageDraw.Draw(image)
    edges = zip(box, (*image.size, *image.size), strict=True)
    left, top, right, bottom = (share * pixels for share, pixels in edges)
    height = random.uniform(3, 7)
    for y in np.arange(top, bottom - height, height * 1.8):
        x = left
        while x < right:
            word = random.uniform(6, 30)
            draw.rectangle((x, y, min(x + word, right), y + height * 0.6), fill=220 if light else 40)
            x += word + 5


def _to_grey(image: npt.NDArray[np.floating]) -> Grey:
    levels: Grey = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    return levels
