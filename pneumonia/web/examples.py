"""Films to try without having one: the model's class averages, and one that the gate must refuse."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image

from ..bundle import Bundle


@dataclass(frozen=True)
class Example:
    """A picture named for what it is."""

    name: str
    picture: bytes


def examples(bundle: Bundle) -> list[Example]:
    """The bundle's pictures, then the first of them lying on its side."""
    own = [Example(path.stem.replace("-", " ").capitalize(), path.read_bytes()) for path in bundle.examples]
    turned = [Example("The same, lying on its side", _turned(own[0].picture))] if own else []
    return [*own[:1], *turned, *own[1:]][: len(own) + 1]


def _turned(picture: bytes) -> bytes:
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(picture)) as film:
        film.transpose(Image.Transpose.ROTATE_90).save(buffer, "PNG")
    return buffer.getvalue()
