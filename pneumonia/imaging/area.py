"""The `Area` class: the part of an image that shows the film."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Area:
    """A rectangle in an image: its edges as shares of the image's width and height, from the left and from the top."""

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0

    def box(self, width: int, height: int) -> tuple[int, int, int, int]:
        """(left, top, right, bottom) in pixels of an image of this size; right and bottom are exclusive."""
        return (
            round(self.left * width),
            round(self.top * height),
            round(self.right * width),
            round(self.bottom * height),
        )

    def inside(self, outer: Area) -> Area:
        """An area whose edges are shares of `outer`, as shares of the image."""
        width, height = outer.right - outer.left, outer.bottom - outer.top
        return Area(
            outer.left + self.left * width,
            outer.top + self.top * height,
            outer.left + self.right * width,
            outer.top + self.bottom * height,
        )


WHOLE = Area()
"""The area of a film without a frame."""
