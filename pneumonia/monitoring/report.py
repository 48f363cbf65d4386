"""The monitoring report as verdicts and sections, which HTML, page and terminal render."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date

from ..evaluation.number_format import decimal, percent
from ..inference.populations import POPULATIONS
from ..messages import Message, join, message
from ..reporting.wording import TITLE
from ..validation.report import Report, Section, Verdict
from . import report_plots, report_tables
from .drift import ALPHA, LARGE, MIN_FILMS, NONE, SHIFT, TOO_FEW, Comparison
from .histograms import SCORE
from .summary import MIN_SHOWN, RECENT_DAYS, GroupSummary, opinions

NOT_COMPARED = "not_compared"
"""Verdict on a group whose model is not loaded, or has a card without distributions."""

HEADLINES = {
    TOO_FEW: message("Too few films to compare with the model's card."),
    NONE: message("No drift found."),
    SHIFT: message("These films differ from those of the model's card."),
    LARGE: message("These films differ much from those of the model's card."),
    NOT_COMPARED: message("Not compared: this model is not in use here, or its card has no distributions."),
}

OPINIONS_NOTE = message(
    "The opinions are those of users who had seen the answer, on films of their choice. They do not measure accuracy."
)

_ORDER = (TOO_FEW, NONE, SHIFT, LARGE)


def report_of(
    summaries: Sequence[GroupSummary], failures: Mapping[str, Counter[str]], since: date, until: date
) -> Report:
    """The report of a period. Groups with fewer than `MIN_SHOWN` films have neither answers nor a verdict."""
    reported = [entry for entry in summaries if entry.films >= MIN_SHOWN]
    lines: list[str] = [
        message("{tool}: counts from {since} to {until}.", tool=TITLE, since=since.isoformat(), until=until.isoformat())
    ]
    if not summaries and not failures:
        lines.append(message("Nothing was counted in this period."))
    if len(reported) < len(summaries):
        lines.append(
            message(
                "Sources and weeks with fewer than {films} films are left out, since their counts could be those of a "
                "known patient.",
                films=MIN_SHOWN,
            )
        )
    sections = [_section(entry) for entry in reported]
    if failures:
        sections.append(Section(message("Files without an answer"), tables=[report_tables.error_table(failures)]))
    return Report(message("Monitoring"), lines, [_verdict(entry) for entry in reported], [*sections, _method()])


def verdict_code(entry: GroupSummary) -> str:
    """The worst result of the comparisons of a group, or `NOT_COMPARED`."""
    results = [comparison.result for comparison in (*entry.comparisons.values(), *entry.changes.values())]
    worst = max(results, key=_ORDER.index, default=TOO_FEW)
    return worst if entry.comparisons or worst in {SHIFT, LARGE} else NOT_COMPARED


def headline_of(entry: GroupSummary) -> Message:
    """The verdict in words. A change at the site is named before a difference from the card."""
    if _drifted(entry.changes):
        return message("Drift: the films of the last {days} days differ from those before.", days=RECENT_DAYS)
    return HEADLINES[verdict_code(entry)]


def title_of(entry: GroupSummary) -> Message:
    """Source and model of a group: `CR_ROOM1: model for adults of 18 years and over`."""
    group = entry.group
    population = POPULATIONS.get(group.population)
    return message(
        "{source}: model for {patients} ({digest})",
        source=group.source or message("all sources"),
        patients=population.description if population else group.population or "-",
        digest=" + ".join([group.sha256[:12], *filter(None, [group.site])]),
    )


def _verdict(entry: GroupSummary) -> Verdict:
    code = verdict_code(entry)
    return Verdict(title_of(entry), headline_of(entry), f"drift_{code}", _sentences(entry, code))


def _sentences(entry: GroupSummary, code: str) -> list[str]:
    if code == TOO_FEW:
        return [message("At least {films} scored films are needed.", films=MIN_FILMS)]
    from_card, from_earlier = _drifted(entry.comparisons), _drifted(entry.changes)
    sentences: list[str] = []
    if from_card:
        sentences.append(message("Different from the films of the model's card: {measures}.", measures=from_card))
    if from_earlier:
        sentences.append(message("Different from the earlier films of this source: {measures}.", measures=from_earlier))
    elif from_card and _is_steady(entry):
        sentences.append(
            message("The films of the last {days} days do not differ from those of the days before.", days=RECENT_DAYS)
        )
    if from_card or from_earlier:
        sentences.append(
            message(
                "Look at the films of this source: device, processing, projection, patients. Check the answers on "
                "labelled films before they are relied on further."
            )
        )
    scores = entry.comparisons.get(SCORE)
    if not from_card and scores is not None and scores.share is not None:
        sentences.append(
            message(
                "If the films of each class are as on the card, {share} of these show pneumonia.",
                share=percent(scores.share),
            )
        )
    return sentences


def _drifted(comparisons: Mapping[str, Comparison]) -> Message:
    """The names of the measures that have drifted, each with its result; empty if none has."""
    names = [
        join([report_tables.COMPARISON_NAMES[name], " (", report_tables.RESULT_NAMES[comparison.result], ")"], "")
        for name, comparison in comparisons.items()
        if comparison.result in {SHIFT, LARGE}
    ]
    return join(names, "; ")


def _is_steady(entry: GroupSummary) -> bool:
    return bool(entry.changes) and all(comparison.result == NONE for comparison in entry.changes.values())


def _section(entry: GroupSummary) -> Section:
    tables = [report_tables.answer_table(entry), *report_tables.reason_tables(entry)]
    if entry.comparisons:
        tables.append(report_tables.card_table(entry))
    if entry.changes:
        tables.append(report_tables.change_table(entry))
    if len(entry.weeks) > 1:
        tables.append(report_tables.week_table(entry.weeks))
    paragraphs: list[str] = []
    if any(films for numbers in opinions(entry.counts).values() for films in numbers.values()):
        tables.append(report_tables.opinion_table(entry))
        paragraphs.append(OPINIONS_NOTE)
    return Section(title_of(entry), paragraphs, tables, report_plots.plots_of(entry))


def _method() -> Section:
    return Section(
        message("How it was computed"),
        [
            message(
                "Films are called different if the difference is large and its p-value below {alpha}, so that few "
                "films, many comparisons and frequent looks raise few false alarms. That says that films differ, not "
                "that answers are wrong; without a difference they may still be wrong.",
                alpha=decimal(ALPHA, 4),
            ),
            message(
                "Scores are compared with the card's normal films and films with pneumonia, mixed in the proportion "
                "that explains the scores best, because another share of pneumonia is no drift."
            ),
        ],
    )
