"""Detection of one bar of a frame: rows of one grey level at the edge of an image that end in a straight step.

The limits were chosen on the training films: real films without a frame, and the same films inside simulated frames
(`evaluation/frames.py`). Grey levels are in 0..255.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Rows: TypeAlias = npt.NDArray[Any]
"""`[rows, samples]`: grey levels of an image seen from one edge; row 0 is the outermost."""

NOISE = 16.0
"""Maximum deviation of a bar's pixels from its level: paper, scanner noise, and JPEG errors beside the film."""

TEXT_SHARE = 0.2
"""Share of a row's pixels that may deviate more: a line of text or a cursor in the bar."""

MAX_TEXT_SHARE = 0.6
"""Share of a row's pixels above which it is no text but the film, or another frame."""

TEXT_HEIGHT = 0.06
"""Maximum height of a line of text, as a share of the image, whose rows deviate in more pixels."""

CORE = (0.2, 0.8)
"""Part of each row that is examined. With bars of 20 % and different levels at the four sides, the rest belongs to the
bars at both ends."""

MIN_DEPTH = 2
"""Minimum depth of a bar. A single line at the edge of a film is an artefact of its resize, and harmless."""

SAMPLES = 64
"""Maximum number of pixels that are examined in a row."""

MAX_DEPTH = 0.49
"""Maximum depth of a bar as a share of the image. A uniform image has no bar."""

RINGING = 8
"""Rows beside the film in which JPEG errors may exceed `NOISE`: the side of a JPEG block."""

WORKING_SIDE = 224
"""Rows of a larger image are averaged to at least this number: a scan or an enlarged image has no step in one row."""

STEP = 24.0
"""Minimum difference of film and bar. The air and the collimated border of a film differ less from row to row."""

EXTREME_STEP = 12.0
"""Minimum difference for an exactly constant bar that is black or white, if other sides have bars."""

EXACT_STEP = 6.0
"""Minimum difference for an exactly constant bar that is neither black nor white, which no detector produces."""

EXACT_NOISE = 1.0
EXTREME = 12.0
"""Levels below it, and as far below 255, are those of air and of a burnt-out area."""

CLEAR_SHARE = 0.7
"""Share of a row's pixels with a step at which a bar is detected by itself."""

FAINT_SHARE = 0.3
"""Share at which a bar is detected if the other sides have bars: dark borders of a film have no step to a black bar."""

STEP_IN_TWO_ROWS = 0.85
"""Minimum share of the difference that lies within two rows. The skin line of a child has .65, a frame 1."""

MIXTURE = (0.15, 0.85)
"""Share of the difference between which a row at the step is a mixture of bar and film."""

MAX_RISE = 1.25
"""Maximum of the difference four rows further inside, relative to that at the step. Beside air the body becomes
brighter with its thickness, by 1.4; the mean of a film beside a frame does not change."""


@dataclass(frozen=True)
class Bar:
    """One side of an image. `level`: grey level at the edge. `depth`: pixels up to the step.

    `share`: share of the pixels with a step, `clear_share` of those with a large one. Depth and shares are 0 without a
    step that is at least faint. `run`: pixels of that level, with or without a step behind them. `exact_run`: those of
    them that are constant.
    """

    depth: int
    level: float
    share: float
    clear_share: float
    run: int
    exact_run: int

    @property
    def is_clear(self) -> bool:
        return self.depth > 0 and self.clear_share >= CLEAR_SHARE

    @property
    def is_faint(self) -> bool:
        return self.depth > 0 and self.share >= FAINT_SHARE


NO_BAR = Bar(0, -1.0, 0.0, 0.0, 0, 0)


def find_bar(side: Rows, scale: float) -> Bar:
    """The bar at row 0 of `side` `[rows, columns]`, an image turned so that the side to examine is at the top.

    `scale` converts its pixels to 0..255.
    """
    factor = max(1, min(side.shape) // WORKING_SIDE)
    core = _core(side)
    count = len(core) // factor
    outermost = _levels(core, 0, 1, factor, scale)[0]
    level = _median(outermost)
    deviations = np.abs(outermost - level)
    if np.count_nonzero(deviations > NOISE) > TEXT_SHARE * deviations.size:
        return NO_BAR
    limit = int(count * MAX_DEPTH)
    run = _run(core, factor, scale, level, limit)
    if run >= limit:
        return NO_BAR
    levels = _levels(core, 0, run + RINGING + 6, factor, scale)
    exact_run = _exact_run(levels[:run], level) * factor
    step = _find_step(levels, level, run)
    if not step.depth and MIN_DEPTH <= exact_run // factor < run:
        step = _find_step(levels, level, exact_run // factor)  # the film's border has nearly the level of the bar
    if step.depth < MIN_DEPTH or not step.share:
        return Bar(0, level, 0.0, 0.0, run * factor, exact_run)
    depth = step.depth + step.is_mixed if factor == 1 else _refine(core, factor, scale, level, step)
    return Bar(depth, level, step.share, step.clear_share, run * factor, exact_run)


def _exact_run(bar: Rows, level: float) -> int:
    """Number of rows at the beginning of `bar` whose pixels all have the level."""
    for index, row in enumerate(np.abs(bar - level).max(axis=1).tolist() if len(bar) else ()):
        if row > EXACT_NOISE:
            return index
    return len(bar)


@dataclass(frozen=True)
class _Step:
    """The step from a bar to the film. `depth` in averaged rows; `is_mixed`: the row behind it is a mixture of both."""

    depth: int = 0
    share: float = 0.0
    clear_share: float = 0.0
    contrast: float = 0.0
    is_mixed: bool = False


def _core(side: Rows) -> Rows:
    start, stop = (round(share * side.shape[1]) for share in CORE)
    return side[:, start : stop : max(1, (stop - start) // SAMPLES)]


def _levels(core: Rows, start: int, stop: int, factor: int, scale: float) -> Rows:
    """Rows `start`..`stop` in 0..255, each the mean of `factor` rows of pixels."""
    pixels = core[start * factor : stop * factor]
    if factor == 1:
        rows = pixels.astype(np.float32)
    else:
        # Sums of slices: `mean` over a short axis takes three times as long.
        end = len(pixels) // factor * factor
        rows = pixels[0:end:factor].astype(np.float32)
        for offset in range(1, factor):
            rows += pixels[offset:end:factor]
        rows /= np.float32(factor)
    return rows if scale == 1.0 else rows * np.float32(scale)


def _run(core: Rows, factor: int, scale: float, level: float, limit: int) -> int:
    """Number of uniform rows of the level, across lines of text; `limit` if there are more."""
    gap = max(2, round(TEXT_HEIGHT * len(core) / factor))
    deviating: list[float] = []  # a list, because numpy takes longer for single rows
    run = 0
    while run < limit:
        if len(deviating) < run + gap + 2:
            rows = _levels(core, len(deviating), 2 * len(deviating) + gap + 10, factor, scale)
            deviating += ((np.abs(rows - level) > NOISE).sum(axis=1) / rows.shape[1]).tolist()
        text_rows = 1 if deviating[run] <= TEXT_SHARE else _text_rows(deviating[run : run + gap + 2])
        if not text_rows:
            return run
        run += text_rows
    return limit


def _text_rows(deviating: list[float]) -> int:
    """Number of rows with text at the beginning of `deviating`, the shares of deviating pixels; 0 for the film.

    Two uniform rows follow the text.
    """
    is_uniform = [share <= TEXT_SHARE for share in deviating]
    for count in range(1, len(is_uniform) - 1):
        if is_uniform[count] and is_uniform[count + 1]:
            return count if max(deviating[:count]) <= MAX_TEXT_SHARE else 0
    return 0


def _find_step(levels: Rows, level: float, run: int) -> _Step:
    """The first large difference of neighbouring rows near the end of the run, if it is as steep as that of a frame."""
    first, samples = max(run - 2, 1), levels.shape[1]
    window = levels[first - 1 : run + RINGING + 1]
    jumps = (np.abs(window[1:] - window[:-1]).sum(axis=1) / samples).tolist()
    # The first one, because a frame inside a frame has two.
    minimum = max(jumps) / 3
    index = next(i for i, jump in enumerate(jumps) if jump >= minimum and jump >= max(jumps[i + 1 : i + 2], default=0))
    depth = first + index
    if depth + 3 > len(levels):
        return _Step()
    # The row behind the step may be a mixture of bar and film, so it is not compared.
    inside = np.abs((levels[depth + 1] + levels[depth + 2]) / 2 - level)
    contrast = float(inside.sum()) / samples
    before, after = (jumps[other] if 0 <= other < len(jumps) else 0.0 for other in (index - 1, index + 1))
    if jumps[index] + max(before, after) < STEP_IN_TWO_ROWS * contrast:
        return _Step()
    further = np.abs(levels[depth + 4 : depth + 6] - level)
    if further.size and _median(further) > MAX_RISE * max(_median(inside), STEP):
        return _Step()
    clear, faint = _minimum_steps(levels[:run], level)
    is_bar = np.abs(levels[max(depth - 2, 0)] - level) < inside / 4
    clear_share, share = (np.count_nonzero((inside > minimum) & is_bar) / samples for minimum in (clear, faint))
    if share < FAINT_SHARE:
        return _Step(depth)
    reached = float(np.abs(levels[depth] - level).mean()) / max(contrast, 1.0)
    return _Step(depth, share, clear_share, contrast, after > MIXTURE[0] * contrast and reached < MIXTURE[1])


def _minimum_steps(bar: Rows, level: float) -> tuple[float, float]:
    """Minimum difference of film and bar for a bar by itself, and for a bar of a frame with other bars."""
    noise = _median(np.abs(bar - level))
    if noise > EXACT_NOISE:
        return max(STEP, 4 * noise), max(STEP, 4 * noise)
    return (EXACT_STEP, EXACT_STEP) if EXTREME <= level <= 255 - EXTREME else (STEP, EXTREME_STEP)


def _median(values: Rows) -> float:
    """The upper median; `np.median` takes ten times as long for a row."""
    return float(np.partition(values, values.size // 2, axis=None)[values.size // 2])


def _refine(core: Rows, factor: int, scale: float, level: float, step: _Step) -> int:
    """Depth in pixels: the first row behind the bar that has more than half of the difference to the film."""
    start = max(0, (step.depth - 2) * factor)
    rows = _levels(core, start, (step.depth + 2) * factor, 1, scale)
    differs = np.abs(rows - level).mean(axis=1) > step.contrast / 2
    return start + int(np.argmax(differs)) if differs.any() else step.depth * factor
