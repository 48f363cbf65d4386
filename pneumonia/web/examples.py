"""Films to try without having one: the model's class averages, and two pictures that the gate must refuse."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ..inference.bundle import Bundle


@dataclass(frozen=True)
class Example:
    """A picture named for what it is."""

    name: str
    picture: bytes


def examples(bundle: Bundle) -> list[Example]:
    """The bundle's pictures; then, for Unknown, the first of them lying on its side, and no film at all."""
    averages = [Example(path.stem.replace("-", " ").capitalize(), path.read_bytes()) for path in bundle.examples]
    rotated = [Example("The first, lying on its side", _rotated(averages[0].picture))] if averages else []
    return [*averages, *rotated, Example("A chessboard, no film", _chessboard())]


def _rotated(picture: bytes) -> bytes:
    with Image.open(io.BytesIO(picture)) as film:
        return _png(film.transpose(Image.Transpose.ROTATE_90))


def _chessboard(squares: int = 8, side: int = 40) -> bytes:
    board = np.indices((squares, squares)).sum(axis=0) % 2 * np.uint8(255)
    return _png(Image.fromarray(board.astype(np.uint8).repeat(side, axis=0).repeat(side, axis=1)))


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
