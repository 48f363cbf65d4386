"""Plots of the monitoring report: answers by week, and the distribution functions beside those of the card."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import numpy.typing as npt

from ..evaluation.metrics import Floats
from ..evaluation.reference_measures import DISTANCE
from ..inference.decision import CLASSES, LABEL_NAMES, UNKNOWN
from ..messages import message
from ..validation.plots import Line, Mark, Plot
from .counts import ANSWER
from .drift import MIN_FILMS
from .histograms import EDGES, SCORE
from .summary import LABELS, MIN_SHOWN, GroupSummary, histogram

_SHOWN_WEEKS = (CLASSES[1], UNKNOWN)
"""Labels whose share is drawn by week."""


def plots_of(entry: GroupSummary) -> list[Plot]:
    """The plots for which there are enough films."""
    weeks = {monday: _numbers(counts) for monday, counts in entry.weeks.items()}
    weeks = {monday: numbers for monday, numbers in weeks.items() if sum(numbers.values()) >= MIN_SHOWN}
    plots = [_weekly(label, weeks) for label in _SHOWN_WEEKS] if len(weeks) > 1 else []
    if entry.reference is not None:
        plots += [plot for plot in (_scores(entry), _distances(entry)) if plot is not None]
    return plots


def _numbers(counts: Mapping[tuple[str, str], int]) -> dict[str, int]:
    return {label: counts.get((ANSWER, label), 0) for label in LABELS}


def _weekly(label: str, weeks: Mapping[date, Mapping[str, int]]) -> Plot:
    """The share of the answer by week, circles larger for more films."""
    first, last = min(weeks), max(weeks)
    span = (last - first).days
    positions = {monday: 0.03 + 0.94 * (monday - first).days / span for monday in weeks}
    shares = {monday: numbers[label] / sum(numbers.values()) for monday, numbers in weeks.items()}
    most = max(sum(numbers.values()) for numbers in weeks.values())
    marks = [
        Mark(positions[monday], shares[monday], round(2 + 5 * (sum(weeks[monday].values()) / most) ** 0.5, 1), "own")
        for monday in weeks
    ]
    middle = sorted(weeks)[len(weeks) // 2]
    ticks = dict.fromkeys((first, middle, last) if len(weeks) > 4 else (first, last))
    return Plot(
        message("Answers by week: {label}", label=LABEL_NAMES[label]),
        message("Share of the films with this answer; a circle is larger for a week with more films."),
        message("Week from"),
        message("Films, %"),
        [Line(list(positions.values()), list(shares.values()), "own")],
        marks,
        [(positions[monday], f"{monday:%m-%d}") for monday in ticks],
    )


def _scores(entry: GroupSummary) -> Plot | None:
    own, comparison = histogram(entry.counts, SCORE), entry.comparisons[SCORE]
    if comparison.share is None or entry.reference is None:
        return None
    share = comparison.share["value"] or 0.0
    totals = entry.reference.scores.sum(axis=1)
    card = (1 - share) * entry.reference.scores[0] / totals[0] + share * entry.reference.scores[1] / totals[1]
    description = message(
        "Share of the films up to each probability: solid line. Broken line: the films of the model's card, with as "
        "much pneumonia as explains these films best ({share:.0f} %).",
        share=100 * share,
    )
    edges = np.array([0.0, *EDGES[SCORE], 1.0])
    lines = [_line(edges, own / own.sum(), "own"), _line(edges, card, "card")]
    return Plot(message("P(pneumonia)"), description, message("P(pneumonia), %"), message("Films up to here, %"), lines)


def _distances(entry: GroupSummary) -> Plot | None:
    own = histogram(entry.counts, DISTANCE)
    if entry.reference is None or own.sum() < MIN_FILMS:
        return None
    card = entry.reference.measures[DISTANCE]
    edges = np.array([0.0, *EDGES[DISTANCE], EDGES[DISTANCE][-1]])
    within = edges <= 1  # films beyond the limit are refused
    lines = [_line(edges, values / values.sum(), kind, within) for values, kind in ((own, "own"), (card, "card"))]
    return Plot(
        message("Gate: largest measure as a share of its limit"),
        message("Share of accepted films up to each value: solid line. Broken line: the films of the model's card."),
        message("Share of the limit, %"),
        message("Films up to here, %"),
        lines,
    )


def _line(edges: Floats, shares: Floats, kind: str, within: npt.NDArray[np.bool_] | None = None) -> Line:
    """The distribution function at the edges of the bins."""
    cumulative = np.concatenate([[0.0], np.cumsum(shares)])
    chosen = slice(None) if within is None else within
    return Line(edges[chosen].round(4).tolist(), np.minimum(cumulative[chosen], 1).round(4).tolist(), kind)
