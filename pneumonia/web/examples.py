"""Example films: the class averages of the bundle, and two images that the gate must refuse."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ..inference.bundle import Bundle
from ..messages import message
from ..reporting.gate_wording import AVERAGES


@dataclass(frozen=True)
class Example:
    """An example film: the text of its button, and its encoded image."""

    name: str
    image: bytes


def examples(bundle: Bundle) -> list[Example]:
    """The bundle's example images, then two examples of Unknown: the first one rotated by 90°, and a chessboard."""
    averages = [Example(_name(path.stem), path.read_bytes()) for path in bundle.examples]
    rotated = [Example(message("First example, rotated by 90°"), _rotated(averages[0].image))] if averages else []
    return [*averages, *rotated, Example(message("Chessboard, not a film"), _chessboard())]


def _name(stem: str) -> str:
    return AVERAGES.get(stem) or stem.replace("-", " ").capitalize()


def _rotated(image: bytes) -> bytes:
    with Image.open(io.BytesIO(image)) as film:
        return _png(film.transpose(Image.Transpose.ROTATE_90))


def _chessboard(squares: int = 8, side: int = 40) -> bytes:
    board = np.indices((squares, squares)).sum(axis=0) % 2 * np.uint8(255)
    return _png(Image.fromarray(board.astype(np.uint8).repeat(side, axis=0).repeat(side, axis=1)))


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
