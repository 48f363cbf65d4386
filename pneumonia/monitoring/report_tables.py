"""The tables of the monitoring report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date

from ..evaluation.number_format import decimal, percent, share
from ..evaluation.reference_measures import DISTANCE, RESEMBLANCE
from ..evaluation.table import Table
from ..inference.decision import LABEL_NAMES, REASONS
from ..messages import join, message, number
from .counts import ANSWER, INVERTED, OPINION_NAMES, REASON
from .drift import LARGE, NONE, SHIFT, TOO_FEW, Comparison
from .histograms import SCORE
from .summary import LABELS, MIN_SHOWN, RECENT_DAYS, REFUSED_SHARE, GroupSummary, answers, opinions

COMPARISON_NAMES = {
    SCORE: message("P(pneumonia)"),
    DISTANCE: message("Gate: largest measure as a share of its limit"),
    RESEMBLANCE: message("Gate: resemblance to the training films"),
    REFUSED_SHARE: message("Share of films that the gate refuses"),
    INVERTED: message("Share of inverted films"),
}

RESULT_NAMES = {
    TOO_FEW: message("too few films"),
    NONE: message("no difference found"),
    SHIFT: message("different"),
    LARGE: message("very different"),
}

NO_VALUE = "-"


def answer_table(entry: GroupSummary) -> Table:
    """The answers of a group."""
    rows = [
        [LABEL_NAMES[label], number(figure["films"]), percent(figure)]
        for label, figure in answers(entry.counts).items()
    ]
    return Table(message("Answers"), [message("Answer"), message("Films"), message("Share (95 % interval)")], rows)


def reason_tables(entry: GroupSummary) -> list[Table]:
    """The reasons for Unknown, and the films that were inverted; no table without any."""
    reasons = sorted((code, films) for (name, code), films in entry.counts.items() if name == REASON and films)
    named = [(REASONS[code], films) for code, films in reasons if code in REASONS]
    if entry.counts[INVERTED, ""]:
        named.append((message("Inverted film, which was corrected"), entry.counts[INVERTED, ""]))
    if not named:
        return []
    rows = [[name, number(films), share(films / entry.films)] for name, films in named]
    return [Table(message("Reasons for Unknown"), [message("Reason"), message("Films"), message("Share")], rows)]


def card_table(entry: GroupSummary) -> Table:
    """The comparisons with the card."""
    caption = message("Beside the films of the model's card")
    return _comparison_table(caption, message("Films"), message("Films of the card"), entry.comparisons)


def change_table(entry: GroupSummary) -> Table:
    """The comparisons of the recent films with those before."""
    caption = message("The last {days} days beside the days before", days=RECENT_DAYS)
    return _comparison_table(caption, message("Films"), message("Earlier films"), entry.changes)


def _comparison_table(caption: str, films: str, compared_with: str, comparisons: Mapping[str, Comparison]) -> Table:
    columns = [
        message("What"),
        films,
        compared_with,
        message("Stability index (p)"),
        message("Largest distance (p)"),
        message("Result"),
    ]
    rows = [
        [
            COMPARISON_NAMES[name],
            number(comparison.films),
            number(comparison.card_films),
            _with_p(comparison.index, comparison.index_p_value),
            _distance(name, comparison),
            RESULT_NAMES[comparison.result],
        ]
        for name, comparison in comparisons.items()
    ]
    return Table(caption, columns, rows)


def _distance(name: str, comparison: Comparison) -> str:
    if name not in {REFUSED_SHARE, INVERTED} or comparison.distance is None:
        return _with_p(comparison.distance, comparison.distance_p_value)
    return message(
        "{points:+.1f} points ({p_value})",
        points=100 * comparison.distance,
        p_value=_p_value(comparison.distance_p_value or 0.0),
    )


def _with_p(value: float | None, p_value: float | None) -> str:
    if value is None or p_value is None:
        return NO_VALUE
    return join([decimal(value), " (", _p_value(p_value), ")"], "")


def _p_value(p_value: float) -> str:
    return join(["< ", decimal(0.0001, 4)], "") if p_value < 0.0001 else decimal(p_value, 4)


def week_table(weeks: Mapping[date, Counter[tuple[str, str]]]) -> Table:
    """The answers of each week."""
    columns = [message("Week from"), message("Films"), *(LABEL_NAMES[label] for label in LABELS)]
    return Table(message("Answers by week"), columns, [_week_row(monday, counts) for monday, counts in weeks.items()])


def _week_row(monday: date, counts: Mapping[tuple[str, str], int]) -> Sequence[str]:
    numbers = [counts.get((ANSWER, label), 0) for label in LABELS]
    if sum(numbers) < MIN_SHOWN:
        return [monday.isoformat(), message("fewer than {films}", films=MIN_SHOWN), *[NO_VALUE] * len(LABELS)]
    return [monday.isoformat(), number(sum(numbers)), *(number(films) for films in numbers)]


def opinion_table(entry: GroupSummary) -> Table:
    """What physicians stated about the films of each answer."""
    columns = [message("Answer"), *OPINION_NAMES.values()]
    rows = [
        [LABEL_NAMES[label], *(number(films) for films in numbers.values())]
        for label, numbers in opinions(entry.counts).items()
    ]
    return Table(message("Opinions of physicians by answer"), columns, rows)


def error_table(failures: Mapping[str, Counter[str]]) -> Table:
    """Files that could not be read, by source."""
    rows = [
        [source, code, number(films)] for source, codes in sorted(failures.items()) for code, films in codes.items()
    ]
    return Table(message("Files without an answer"), [message("Source"), message("Error"), message("Files")], rows)
