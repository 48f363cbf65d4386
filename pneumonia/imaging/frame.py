"""Finds the film inside a uniform frame: bars of one grey level along the edges of an image.

Scans, screenshots and exports add white margins, black letterbox bars or borders of any grey level around a film. The
network would see a smaller film, so the model input is made of the film alone.

A bar is a run of rows (or columns) from the edge inwards, each nearly constant and of the same grey level. It is
cropped only where it ends in a straight step across the image. The air beside a patient, a collimated border and a
burnt-out abdomen can be as uniform as a bar, but they end gradually, so films without a frame are not touched.
"""

from __future__ import annotations

from .area import Area
from .frame_bars import Bar, find_bar
from .radiograph import Pixels

MAX_FRAMES = 4
"""Maximum number of frames inside each other."""

MIN_SIDE = 16
"""Minimum side in pixels of an image in which bars are searched."""

MAX_LINE = 2
"""Pixels at one side that are not cropped if there is nothing else: lines of one or two pixels are artefacts."""

PAGE_REMAINDER = 0.03
"""Share of the sides of a page that remains of each margin when a small film is searched in it."""

SAME_LEVEL = 8.0
"""Maximum difference of the grey levels of two bars of one frame."""


def find_area(pixels: Pixels, white: float) -> Area:
    """The film inside a uniform frame; the whole image if there is no frame.

    `pixels` `[H, W]`; `white` is the pixel value that is displayed as white.
    """
    height, width = pixels.shape
    left, top, right, bottom = 0, 0, width, height
    for _ in range(MAX_FRAMES):
        inner = pixels[top:bottom, left:right]
        if min(inner.shape) < MIN_SIDE:
            break
        depths = _depths(inner, 255.0 / white)
        if not any(depths):
            break
        left, top, right, bottom = left + depths[0], top + depths[1], right - depths[2], bottom - depths[3]
    return Area(left / width, top / height, right / width, bottom / height)


def _depths(pixels: Pixels, scale: float) -> list[int]:
    """Depths of the bars at left, top, right and bottom."""
    sides = (pixels.T, pixels, pixels.T[::-1], pixels[::-1])
    bars = [find_bar(side, scale) for side in sides]
    accepted = {index: bar.depth for index, bar in enumerate(bars) if bar.is_clear}
    if not accepted:
        accepted = _faint_frame(bars)
    if not accepted:
        return _page_margins(pixels, scale, bars)
    expected = _expected_depths(accepted, sides)
    accepted |= {index: bars[index].depth for index in range(4) if _continues(bars, index, accepted, expected[index])}
    accepted |= _hidden_sides(bars, accepted, _expected_depths(accepted, sides))
    if sum(accepted.values()) <= MAX_LINE:
        return [0, 0, 0, 0]
    return [accepted.get(index, 0) for index in range(4)]


def _page_margins(pixels: Pixels, scale: float, bars: list[Bar]) -> list[int]:
    """Depths of the margins of a page with a small film: its sides are too short a part of the page's rows.

    Most of each margin is left out, and the film is searched in the rest. Without a film there, the page is whole.
    """
    height, width = pixels.shape
    levels = [bar.level for bar in bars]
    remainders = [max(8, round(PAGE_REMAINDER * length)) for length in (width, height, width, height)]
    depths = [bar.run - remainder for bar, remainder in zip(bars, remainders, strict=True)]
    if max(levels) - min(levels) > SAME_LEVEL or min(depths) <= 0:
        return [0, 0, 0, 0]
    inner = pixels[depths[1] : height - depths[3], depths[0] : width - depths[2]]
    if min(inner.shape) < MIN_SIDE:
        return [0, 0, 0, 0]
    inner_depths = _depths(inner, scale)
    return [outer + depth for outer, depth in zip(depths, inner_depths, strict=True)] if all(inner_depths) else [0] * 4


def _faint_frame(bars: list[Bar]) -> dict[int, int]:
    """Depths of four bars of one level and depth that are all faint."""
    depths, levels = [bar.depth for bar in bars], [bar.level for bar in bars]
    is_frame = all(bar.is_faint for bar in bars) and max(levels) - min(levels) <= SAME_LEVEL
    return dict(enumerate(depths)) if is_frame and max(depths) - min(depths) <= _tolerance(min(depths)) else {}


def _continues(bars: list[Bar], index: int, accepted: dict[int, int], expected: set[int]) -> bool:
    """True if a faint bar belongs to a frame: the bar opposite has its level and depth, or two others are clear."""
    bar, opposite = bars[index], (index + 2) % 4
    if not bar.is_faint or index in accepted:
        return False
    if _is_near(bar.exact_run, expected) and not _is_near(bar.depth, expected):
        return False  # a step inside the film, behind a border of the level of the bar
    is_pair = opposite in accepted and abs(bars[opposite].level - bar.level) <= SAME_LEVEL
    return (is_pair and _is_near(bar.depth, {accepted[opposite]})) or len(accepted) >= 2


def _hidden_sides(bars: list[Bar], accepted: dict[int, int], expected: list[set[int]]) -> dict[int, int]:
    """Depths of the other sides if the frame goes around a film whose own borders have the level of the frame.

    No step separates a black bar from a black border. If every other side has the level of the frame, at least as deep
    as the bars that end in a step, then all of them are bars. They are as deep as those: where the constant rows end at
    an expected depth, there, since a border has some noise. A single other side may have another level if its constant
    (in a JPEG: nearly constant) rows end there.
    """
    others = {index: bars[index] for index in range(4) if index not in accepted}
    shallow, deep = min(accepted.values()), max(accepted.values())
    levels = [bars[index].level for index in accepted]
    is_alike = all(abs(bar.level - level) <= SAME_LEVEL for bar in others.values() for level in levels)
    constant = {index: bar.exact_run for index, bar in others.items() if _is_near(bar.exact_run, expected[index])}
    is_deep = all(bar.run >= shallow - _tolerance(shallow) for bar in others.values())
    if is_alike and is_deep:
        return {index: constant.get(index, min(bar.run, deep)) for index, bar in others.items()}
    nearly_constant = {index: bar.run for index, bar in others.items() if _is_near(bar.run, expected[index])}
    return nearly_constant | constant if len(others) == 1 else {}


def _expected_depths(accepted: dict[int, int], sides: tuple[Pixels, ...]) -> list[set[int]]:
    """For each side, the depths of a frame that is as deep there as at the accepted sides, in pixels or as a share."""
    shares = {depth / len(sides[index]) for index, depth in accepted.items()}
    return [{*accepted.values(), *(round(share * len(side)) for share in shares)} for side in sides]


def _is_near(depth: int, expected: set[int]) -> bool:
    return any(abs(depth - other) <= _tolerance(other) for other in expected)


def _tolerance(depth: int) -> int:
    """Maximum difference in pixels of the depths of two bars of a frame."""
    return max(2, round(0.05 * depth))
