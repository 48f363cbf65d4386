"""Windows of a film in the viewer: the display of its file, and windows for parts of a chest film."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...imaging import WHOLE, Area, Radiograph, to_display
from ...inference import zone_outlines
from ...inference.graph import LungField
from ...messages import message
from .codes import Codes

CURVE_POINTS = 256
"""Number of points of a display curve: one for each grey level of a screen."""

MAX_DEVIATION = 2.0
"""Largest difference in grey levels at which a display is a straight window: rounding to 8 bits, twice."""

LUNG_PERCENTILES = (1.0, 99.0)
"""Percentiles of the lung field that become black and white: vessels and ribs in the lungs keep all grey levels."""

DENSE_PERCENTILES = (15.0, 99.8)
"""The same for heart, mediastinum and bones, outside the lung field but inside the middle of the film."""

_WITHOUT_FIELD = {"lungs": (2.0, 70.0), "dense": (45.0, 99.8)}
"""Percentiles of all pixels of the film's middle if no lung field is known."""

_MIDDLE = (0.08, 0.92)
"""Limits of the middle of a film as shares of its sides: collimation, air and markers are at its edges."""

_CURVE_PIXELS = 4_000_000
"""Maximum number of pixels from which the display of the file is measured."""

_SAMPLE_SIDE = zone_outlines.GRID


@dataclass(frozen=True)
class Window:
    """A window: codes up to `low` are black, from `high` on white; in between a straight line, or `curve`.

    `curve` has `CURVE_POINTS` grey levels 0..255 from `low` to `high`.
    """

    key: str
    name: str
    low: float
    high: float
    curve: list[int] | None = None

    def as_dict(self) -> dict[str, Any]:
        """The window as JSON; `name` is a message, which the caller translates."""
        curve = {} if self.curve is None else {"curve": self.curve}
        return {"key": self.key, "name": self.name, "low": self.low, "high": self.high, **curve}


@dataclass(frozen=True)
class GreyScale:
    """The windows of a film, the first being that of its file. `is_inverted`: low codes are bright (MONOCHROME1)."""

    windows: tuple[Window, ...]
    is_inverted: bool


def grey_scale(codes: Codes, film: Radiograph, lung_field: LungField | None, area: Area = WHOLE) -> GreyScale:
    """The windows for `codes` of `film`.

    The first window is measured: it is the function from codes to the grey levels with which `to_display` shows the
    film. So rescale, VOI LUT, window and outliers are those of `imaging`, whatever the file has.
    """
    numbers, levels = _display_curve(codes, film)
    is_inverted = bool(levels[-1] < levels[0])
    sample = _sample(codes.codes, area)
    inside = codes.codes if codes.padding is None else codes.codes[codes.codes != codes.padding]
    low, high = float(inside.min()), float(inside.max())
    windows = (
        _file_window(numbers, 255 - levels if is_inverted else levels),
        Window("full", message("Full range"), *_ordered(low, high)),
        _part("lungs", message("Lungs"), sample, lung_field, LUNG_PERCENTILES, is_inverted),
        _part("dense", message("Heart and bones"), sample, lung_field, DENSE_PERCENTILES, is_inverted),
    )
    return GreyScale(windows, is_inverted)


def _display_curve(codes: Codes, film: Radiograph) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(codes that occur, their grey levels 0..255)."""
    display = to_display(film)
    if codes.factor > 1:
        (height, width), step = codes.codes.shape, codes.factor
        display = display[step // 2 :: step, step // 2 :: step][:height, :width]
    step = max(1, int((codes.codes.size / _CURVE_PIXELS) ** 0.5))
    numbers, levels = codes.codes[::step, ::step].ravel(), display[::step, ::step].ravel()
    if codes.padding is not None:
        is_film = numbers != codes.padding
        numbers, levels = numbers[is_film], levels[is_film]
    # A code of a reduced film is a mean, whose pixels have several grey levels.
    counts = np.bincount(numbers)
    sums = np.bincount(numbers, weights=levels)
    present = np.flatnonzero(counts)
    return present.astype(np.float64), sums[present] / counts[present]


def _file_window(numbers: npt.NDArray[np.float64], rising: npt.NDArray[np.float64]) -> Window:
    """The window with which codes `numbers` have the grey levels `rising`: a straight one if it fits, else a curve."""
    name = message("As in the file")
    is_grey = (rising > 0.5) & (rising < 254.5)
    if np.count_nonzero(is_grey) >= 2:
        slope, intercept = np.polyfit(numbers[is_grey], rising[is_grey], 1)
        if slope > 0:
            low, high = (round(float(value), 1) for value in (-intercept / slope, (255 - intercept) / slope))
            straight = np.clip((numbers - low) / max(high - low, 1e-6) * 255, 0, 255)
            if high > low and np.abs(straight - rising).max() <= MAX_DEVIATION:
                return Window("file", name, low, high)
    black, white = np.flatnonzero(rising <= rising.min()), np.flatnonzero(rising >= rising.max())
    low, high = float(numbers[black[-1]]), float(numbers[white[0]])
    low, high = _ordered(low, high) if high > low else _ordered(float(numbers[0]), float(numbers[-1]))
    curve = np.interp(np.linspace(low, high, CURVE_POINTS), numbers, rising)
    return Window("file", name, low, high, np.rint(curve).astype(int).tolist())


def _sample(codes: npt.NDArray[Any], area: Area) -> npt.NDArray[np.float64]:
    """About `_SAMPLE_SIDE` x `_SAMPLE_SIDE` codes, evenly spaced over the area of the model input."""
    height, width = codes.shape
    left, top, right, bottom = area.box(width, height)
    centres = (np.arange(_SAMPLE_SIDE) + 0.5) / _SAMPLE_SIDE
    rows = (top + centres * (bottom - top)).astype(int)
    columns = (left + centres * (right - left)).astype(int)
    sample: npt.NDArray[np.float64] = codes[np.ix_(rows, columns)].astype(np.float64)
    return sample


def _part(
    key: str,
    name: str,
    sample: npt.NDArray[np.float64],
    lung_field: LungField | None,
    percentiles: tuple[float, float],
    is_inverted: bool,
) -> Window:
    """A window from percentiles of one part of the film."""
    first, last = (round(share * _SAMPLE_SIDE) for share in _MIDDLE)
    middle = sample[first:last, first:last]
    region = middle
    if lung_field is not None:
        lungs = zone_outlines.field_on_grid(lung_field)[first:last, first:last]
        chosen = lungs if key == "lungs" else ~lungs
        if chosen.mean() > 0.02:
            region = middle[chosen]
    if region is middle:
        percentiles = _WITHOUT_FIELD[key]
    if is_inverted:
        percentiles = 100 - percentiles[1], 100 - percentiles[0]
    low, high = np.percentile(region, percentiles)
    return Window(key, name, *_ordered(round(float(low), 1), round(float(high), 1)))


def _ordered(low: float, high: float) -> tuple[float, float]:
    """Limits with at least one code between them: a constant film has one value."""
    return (low, high) if high > low else (low, low + 1)
