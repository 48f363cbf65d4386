"""Simulated devices and markers: tubes, lines, electrodes, a pacemaker and letters, drawn into model inputs.

They lie where they lie in practice, at random within limits, and differ between films. Their shapes are schematic: the
audit asks whether an answer changes when something bright and artificial appears that is no sign of pneumonia.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from ..imaging import INPUT_SIDE

Grey = npt.NDArray[np.uint8]
Draw = ImageDraw.ImageDraw
Device = Callable[[Draw, np.random.Generator], None]
"""Draws one device on a canvas of `CANVAS` x `CANVAS` pixels, in grey levels of opacity: 255 is opaque."""

SUPERSAMPLING = 4
CANVAS = SUPERSAMPLING * INPUT_SIDE
"""Side of the canvas. It is averaged down to the input, so that a line can be thinner than a pixel."""

SEED = 44


def add_device(film: Grey, name: str, index: int) -> Grey:
    """`film` `[150, 150]` with the device `name`, a key of `DEVICES`; `index` of the film seeds its position."""
    random = np.random.default_rng([SEED, index])
    canvas = Image.new("L", (CANVAS, CANVAS))
    for draw_device in DEVICES[name]:
        draw_device(ImageDraw.Draw(canvas), random)
    opacity = np.asarray(canvas.resize((INPUT_SIDE, INPUT_SIDE), Image.Resampling.BOX), np.float32) / 255
    # Metal and lead letters are as bright as the brightest pixels of the film.
    level = max(float(np.percentile(film, 99.5)), 200.0)
    return np.rint(film * (1 - opacity) + level * opacity).clip(0, 255).astype(np.uint8)


def add_devices(films: Grey, name: str) -> Grey:
    """`add_device` for each of `[N, 150, 150]` films."""
    return np.stack([add_device(film, name, index) for index, film in enumerate(films)])


def _near(random: np.random.Generator, x: float, y: float, spread: float = 0.03) -> tuple[float, float]:
    """A point (x, y), in shares of the side, at most `spread` away in each direction."""
    return x + random.uniform(-spread, spread), y + random.uniform(-spread, spread)


def _curve(draw: Draw, points: list[tuple[float, float]], width: float, opacity: int) -> None:
    """A smooth line through control points (a Bezier curve); `points` and `width` in shares of the side."""
    steps = np.linspace(0, 1, 60)[:, None]
    controls = [np.array(point)[None] for point in points]
    while len(controls) > 1:
        controls = [(1 - steps) * first + steps * second for first, second in zip(controls, controls[1:], strict=False)]
    path = [(float(x), float(y)) for x, y in controls[0] * CANVAS]
    draw.line(path, fill=opacity, width=max(1, round(width * CANVAS)), joint="curve")


def endotracheal_tube(draw: Draw, random: np.random.Generator) -> None:
    """A tube from the mouth to above the carina, with a radio-opaque line."""
    top, tip = _near(random, 0.5, -0.02), _near(random, 0.5, 0.3, 0.04)
    _curve(draw, [top, tip], 0.03, 70)
    _curve(draw, [top, tip], 0.006, 220)


def gastric_tube(draw: Draw, random: np.random.Generator) -> None:
    """A tube through the oesophagus into the stomach, on the right of the image."""
    points = [_near(random, 0.51, -0.02), _near(random, 0.49, 0.35), _near(random, 0.52, 0.8), _near(random, 0.66, 0.9)]
    _curve(draw, points, 0.009, 190)


def central_line(draw: Draw, random: np.random.Generator) -> None:
    """A catheter from the neck or the arm to the superior vena cava, on the left of the image."""
    start = (0.36, -0.02) if random.random() < 0.5 else (0.05, 0.2)
    _curve(draw, [_near(random, *start), _near(random, 0.32, 0.16), _near(random, 0.45, 0.2), (0.46, 0.4)], 0.007, 200)


def electrodes(draw: Draw, random: np.random.Generator) -> None:
    """Three to five ECG electrodes with their wires, which leave the film at an edge."""
    places = [(0.22, 0.24), (0.78, 0.24), (0.25, 0.72), (0.76, 0.7), (0.55, 0.5)]
    for place in places[: random.integers(3, 6)]:
        x, y = _near(random, *place, 0.06)
        edge = (random.uniform(0, 1), 1.02 if random.random() < 0.6 else -0.02)
        _curve(draw, [(x, y), _near(random, x, (y + edge[1]) / 2, 0.15), edge], 0.007, 170)
        radius = random.uniform(0.014, 0.022)
        draw.ellipse([CANVAS * value for value in (x - radius, y - radius, x + radius, y + radius)], fill=235)


def pacemaker(draw: Draw, random: np.random.Generator) -> None:
    """A generator below a clavicle, with two leads to the heart."""
    x, y = _near(random, 0.8 if random.random() < 0.8 else 0.2, 0.24, 0.04)
    width, height = random.uniform(0.06, 0.075), random.uniform(0.045, 0.06)
    box = [CANVAS * value for value in (x - width, y - height, x + width, y + height)]
    draw.rounded_rectangle(box, radius=0.03 * CANVAS, fill=250)
    for end in ((0.5, 0.5), (0.56, 0.72)):
        _curve(draw, [(x, y), _near(random, 0.62, 0.1), _near(random, 0.45, 0.35), _near(random, *end)], 0.008, 230)


def letters(draw: Draw, random: np.random.Generator) -> None:
    """A side marker and a word in the corners, of lead or written by the device."""
    side = "L" if random.random() < 0.5 else "R"
    word = str(random.choice(["AP", "PORTABLE", "SUPINE", "ERECT", "A.P. 12:45"]))
    corners = {"lt": (0.03, 0.03), "rt": (0.97, 0.03), "lb": (0.03, 0.97), "rb": (0.97, 0.97)}
    for text, anchor in zip((side, word), random.permutation(list(corners)), strict=False):
        font = ImageFont.load_default(size=random.uniform(0.045, 0.08) * CANVAS)
        x, y = _near(random, *corners[anchor], 0.02)
        draw.text((x * CANVAS, y * CANVAS), text, fill=250, font=font, anchor=str(anchor))


TUBES = (endotracheal_tube, gastric_tube, central_line)

DEVICES: dict[str, tuple[Device, ...]] = {
    "tubes and lines": TUBES,
    "electrodes with wires": (electrodes,),
    "pacemaker": (pacemaker,),
    "letters": (letters,),
    "all devices": (*TUBES, electrodes, pacemaker, letters),
}
"""Name in `evaluation.json` -> what is drawn."""
