"""Straight edges of a film inside an image: one near each side, located to a fraction of a pixel.

An edge is a step of the grey level along one line that has an even surface in front of it, up to the side of the image.
A skin line is not one: it is curved, and the body becomes brighter behind it. The limits were chosen on training films
and on simulated photographs of them (`evaluation/photographs.py`). Grey levels are in 0..255, lengths in pixels of the
reduced image.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float32]

REDUCED_SIDE = 160
"""Side of the square image in which edges are searched. A tilt of 0.8 degrees is 1.3 pixels between the outermost
segments there."""

_SEGMENTS, _SEGMENT_WIDTH = 16, 6
_CORE = slice(32, 32 + _SEGMENTS * _SEGMENT_WIDTH)
"""The middle 60 % of each side: the rest may belong to the edges at both ends."""

_POSITIONS = (np.arange(_SEGMENTS) - (_SEGMENTS - 1) / 2).astype(np.float32)
_MAX_DEPTH = 60
"""Pixels from the side of the image within which an edge is searched."""

_SLOPES = np.arange(-20, 21) / 16
"""Slopes of the lines that are tried, in pixels per segment: up to 12 degrees."""

_PADDING = 12
_DEPTHS = np.arange(1, _MAX_DEPTH - 4)
_ROWS = _DEPTHS[None, :, None] + np.rint(_SLOPES[:, None] * _POSITIONS).astype(int)[:, None, :] + _PADDING
_LINES = _ROWS * _SEGMENTS + np.arange(_SEGMENTS)
"""Indices `[slopes, depths, segments]` into a padded array `[rows, segments]`, one for each line and segment."""

_SURFACE_ROWS = np.maximum(_ROWS - _PADDING - 2, 0).sum(axis=2)

_MAX_STEP = 12.0
"""A larger step does not count more, so that a bright marker is no edge."""

_USUAL_ROUGHNESS, _MAX_ROUGHNESS = 1.5, 2.5
"""Mean difference of neighbouring pixels in front of an edge: noise of a camera, not a film."""

_MIN_SCORE = 0.8
"""Minimum mean of the steps along the line, as a share of `_MAX_STEP`."""

_WINDOW = np.arange(-3, 4)
"""Rows around the line in which the centre of a step is measured."""

_NOISE_STEP, _CLEAR_STEP = 1.5, 5.0
"""Differences of grey levels two rows apart: that of noise, and by how much a step is larger at least."""

_MIN_SEGMENTS = 11
"""Minimum number of segments whose steps lie on the line."""

_MAX_DEVIATION = 0.17
"""Maximum root mean square distance of these steps from the line, in pixels. Skin lines are curved."""

_MAX_TILT_ERROR = 0.12
"""Maximum standard error of the tilt in degrees."""

_MIN_SHARPNESS = 0.8
"""Minimum share of the difference to the film 3 to 8 pixels behind the edge that is reached within two pixels."""

_MIN_CONTRAST = 10.0
"""Minimum difference between the film behind the edge and the surface in front of it."""

_MIN_EDGE_DEPTH, _MIN_END_DEPTH = 2.5, 1.0
"""Minimum depth of the middle and of the ends of the line: a narrower strip is that of a careful photograph."""


@dataclass(frozen=True)
class Edge:
    """An edge. `depth`: pixels from the side of the image to the middle of the edge. `tilt`: degrees against that side.

    The tilt is positive if the depth grows from top to bottom or from left to right.
    """

    depth: float
    tilt: float


def find_edges(image: npt.NDArray[np.uint8], sides: npt.NDArray[np.bool_]) -> list[Edge | None]:
    """The edge at the left, top, right and bottom of an image of 160 x 160 pixels; None where there is none.

    `sides` `[4]` says at which of them an edge is searched.
    """
    pixels = image.astype(np.float32)
    oriented = (pixels.T, pixels, pixels.T[::-1], pixels[::-1])
    return [
        _find_edge(rows[:_MAX_DEPTH, _CORE]) if is_searched else None
        for rows, is_searched in zip(oriented, sides, strict=True)
    ]


def _find_edge(rows: Floats) -> Edge | None:
    """The edge below row 0 of `rows` `[_MAX_DEPTH, pixels]`."""
    levels = rows.reshape(_MAX_DEPTH, _SEGMENTS, _SEGMENT_WIDTH).mean(axis=2)
    steps = levels[2:] - levels[:-2]
    differences = np.minimum(np.abs(rows[1:] - rows[:-1]), _MAX_STEP)
    line = _best_line(steps, differences.reshape(_MAX_DEPTH - 1, _SEGMENTS, _SEGMENT_WIDTH).mean(axis=2))
    if line is None:
        return None
    fitted = _fit(steps, *line)
    if fitted is None or not _is_step(levels, fitted):
        return None
    depth = fitted.start + 1.5  # row 0 of the steps is the difference of levels 0 and 2, around the middle of level 1
    slope = fitted.slope / _SEGMENT_WIDTH
    if min(depth - _MIN_EDGE_DEPTH, depth - abs(slope) * REDUCED_SIDE * 0.3 - _MIN_END_DEPTH) <= 0:
        return None
    return Edge(depth, float(np.degrees(np.arctan(slope))))


def _best_line(steps: Floats, differences: Floats) -> tuple[float, float] | None:
    """(depth in the middle, slope) of the line with the largest steps of one sign behind the most even surface."""
    height = len(steps) + 2 * _PADDING
    padded = np.zeros((height, _SEGMENTS), np.float32)
    padded[_PADDING : _PADDING + len(steps)] = np.clip(steps, -_MAX_STEP, _MAX_STEP)
    score = np.abs(padded.ravel()[_LINES].sum(axis=2)) / (_SEGMENTS * _MAX_STEP)
    sums = np.zeros((height, _SEGMENTS), np.float32)
    sums[_PADDING + 1 : _PADDING + _MAX_DEPTH] = np.cumsum(differences, axis=0)
    sums[_PADDING + _MAX_DEPTH :] = np.inf
    surface = sums.ravel()[np.maximum(_LINES - 2 * _SEGMENTS, 0)].sum(axis=2)
    roughness = surface / np.maximum(_SURFACE_ROWS, 1)
    value = score - 0.1 * np.maximum(roughness - _USUAL_ROUGHNESS, 0)
    best = np.unravel_index(np.argmax(value), value.shape)
    if score[best] <= _MIN_SCORE or roughness[best] >= _MAX_ROUGHNESS:
        return None
    return float(_DEPTHS[best[1]]), float(_SLOPES[best[0]])


@dataclass(frozen=True)
class _Line:
    """A fitted line `start + slope * position`; `sign` of its step; `segments` whose step is clear."""

    start: float
    slope: float
    sign: float
    segments: npt.NDArray[np.bool_]

    @property
    def rows(self) -> npt.NDArray[Any]:
        return self.start + self.slope * _POSITIONS


def _fit(steps: Floats, start: float, slope: float) -> _Line | None:
    """Fit a line to the centres of the steps near a line; None unless they lie on it."""
    columns = np.arange(_SEGMENTS)
    rows = np.clip(np.rint(start + slope * _POSITIONS).astype(int), 0, len(steps) - 1)
    sign = float(np.sign(steps[rows, columns].sum()))
    for _ in range(3):
        window = np.rint(start + slope * _POSITIONS).astype(int)[:, None] + _WINDOW
        is_inside = ((window >= 0) & (window < len(steps))).all(axis=1)
        near = sign * steps[np.clip(window, 0, len(steps) - 1), columns[:, None]] - _NOISE_STEP
        weights = np.maximum(near, 0)
        clear = is_inside & (weights.max(axis=1) > _CLEAR_STEP)
        if np.count_nonzero(clear) < _MIN_SEGMENTS:
            return None
        centres = (weights * window).sum(axis=1)[clear] / weights.sum(axis=1)[clear]
        positions = _POSITIONS[clear]
        for _ in range(2):  # the second time without segments with a marker or a letter
            slope, start = np.polyfit(positions, centres, 1).tolist()
            distances = np.abs(centres - start - slope * positions)
            on_line = distances <= max(2 * float(np.median(distances)), 0.35)
            if np.count_nonzero(on_line) < _MIN_SEGMENTS:
                return None
            positions, centres = positions[on_line], centres[on_line]
    squares = float(((centres - start - slope * positions) ** 2).sum())
    spread = float(((positions - positions.mean()) ** 2).sum())
    tilt_error = np.degrees(np.sqrt(squares / (len(centres) - 2) / spread) / _SEGMENT_WIDTH)
    if squares >= len(centres) * _MAX_DEVIATION**2 or tilt_error >= _MAX_TILT_ERROR:
        return None
    return _Line(start, slope, sign, clear)


def _is_step(levels: Floats, line: _Line) -> bool:
    """True if most of the difference between the surface and the film lies within two pixels of the line."""
    first = np.rint(line.rows + 1.5).astype(int)[:, None]
    profiles = levels[np.clip(first + np.arange(-3, 9), 0, len(levels) - 1), np.arange(_SEGMENTS)[:, None]]
    rises = line.sign * (profiles - profiles[:, :2].mean(axis=1, keepdims=True))[line.segments]
    behind, contrast = np.median(rises[:, 6:].mean(axis=1)), np.median(rises[:, 5])
    return bool(contrast > _MIN_CONTRAST and np.median(rises[:, 4]) > _MIN_SHARPNESS * max(behind, 1e-3))
