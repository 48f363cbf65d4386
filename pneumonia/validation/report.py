"""The report of a validation as sections of paragraphs, tables, plots and thumbnails; HTML and PDF render them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..evaluation.table import Table
from ..inference.decision import CLASSES
from ..messages import join, message
from ..reporting.wording import MARKS, TITLE
from . import report_plots, report_tables
from .evaluate import Validation
from .film_results import FilmResult
from .plots import Plot
from .verdict import headline

MAX_PROBLEM_ROWS = 200
"""Maximum number of problems in the report; the CSV has all."""


@dataclass(frozen=True)
class Thumbnail:
    """A film that was answered wrongly: its JPEG, a caption, and its file name."""

    jpeg: bytes
    caption: str
    name: str


@dataclass(frozen=True)
class Verdict:
    """The verdict on one model; `code` is one of `verdict.VERDICTS`."""

    title: str
    headline: str
    code: str
    sentences: Sequence[str]


@dataclass(frozen=True)
class Section:
    """A section. `is_open`: shown on the page without a click."""

    heading: str
    paragraphs: Sequence[str] = ()
    tables: Sequence[Table] = ()
    plots: Sequence[Plot] = ()
    thumbnails: Sequence[Thumbnail] = ()
    is_open: bool = False


@dataclass(frozen=True)
class Report:
    """Title, lines below it, verdicts, and sections in their order."""

    title: str
    lines: Sequence[str]
    verdicts: Sequence[Verdict]
    sections: Sequence[Section] = field(default=())


def report_of(validation: Validation) -> Report:
    """The report of a validation."""
    figures = validation.figures
    sections = [_answers(figures), _films(figures)] if validation.results else [_films(figures)]
    for entry in figures["models"].values():
        sections.append(_model(entry))
    if figures["subgroups"]:
        sections.append(_subgroups(figures))
    if validation.worst:
        sections.append(_worst(validation.worst))
    if validation.problems:
        sections.append(_problems(validation))
    sections.append(_method(figures))
    verdicts = [_verdict(entry) for entry in figures["models"].values()]
    return Report(message("Check on your own films"), _lines(figures), verdicts, sections)


def _verdict(entry: Mapping[str, Any]) -> Verdict:
    title = message("Model for {population}", population=entry["population"])
    code = entry["verdict"]["code"]
    return Verdict(title, headline(code), code, entry["verdict"]["sentences"])


def _lines(figures: Mapping[str, Any]) -> list[str]:
    lines: list[str] = [message("{tool}, created {date}.", tool=TITLE, date=figures["created"][:16].replace("T", " "))]
    if figures["site"]:
        lines.append(message("Site: {name}.", name=figures["site"]))
    for entry in figures["models"].values():
        model = entry["model"]
        lines.append(
            message(
                "Model {name} for {population}, revision {revision}, sha256 {digest}.",
                name=model["name"],
                population=entry["population"],
                revision=model["revision"][:12],
                digest=model["sha256"][:12],
            )
        )
        if model["site"]:
            lines.append(message("It was used with the site file {name}.", name=model["site"]))
    return lines


def _answers(figures: Mapping[str, Any]) -> Section:
    if figures["independence"] == "patients":
        unit = message("The films of a patient are counted together in the second interval.")
    else:
        unit = message("No patient has several films, or none is stated: every film counts as a patient of its own.")
    service = figures["service"]
    tables = [report_tables.answers(service), report_tables.shares(service["shares"]), report_tables.values(service)]
    if service["reasons"]:
        tables.append(report_tables.reasons(service["reasons"]))
    return Section(message("Answers"), [unit], tables, is_open=True)


def _films(figures: Mapping[str, Any]) -> Section:
    return Section(message("Films"), tables=[report_tables.films(figures["films"])])


def _model(entry: Mapping[str, Any]) -> Section:
    tables = [report_tables.beside_the_card(entry)]
    if entry["calibration"]:
        tables.append(report_tables.calibration(entry))
    if entry["thresholds"]:
        tables.append(report_tables.thresholds(entry))
    tables += [report_tables.local(entry)] if entry["local"] else []
    tables += [report_tables.sample_size(entry), report_tables.drift(entry)]
    paragraphs = [_local_sentence(entry), _drift_sentence(entry)]
    heading = message("Model for {population}", population=entry["population"])
    return Section(heading, paragraphs, tables, report_plots.plots_of(entry))


def _local_sentence(entry: Mapping[str, Any]) -> str:
    if entry["local"] is None:
        return message(
            "There is no local operating point: it needs 50 scored films of each class and a model that separates them."
        )
    return message(
        "The local operating point was chosen on all films. Its figures come from films that did not choose it: "
        "recalibration and threshold were chosen on four fifths of the patients and measured on the fifth, in turn."
    )


def _drift_sentence(entry: Mapping[str, Any]) -> str:
    sources = {row["source"] for row in entry["drift"].values()}
    if sources == {"values"}:
        return message(
            "Drift: a small p-value says that your films differ from those of the card, not that they are read wrongly."
        )
    return message(
        "Drift: this model bundle has no reference for the gate; scores are compared with the threshold table of the "
        "card, which can hide small differences."
    )


def _subgroups(figures: Mapping[str, Any]) -> Section:
    note = message("Many groups are compared: one that differs may do so by chance. Intervals are those of Wilson.")
    return Section(message("Groups of films"), [note], [report_tables.subgroups(figures["subgroups"])])


def _worst(worst: Sequence[FilmResult]) -> Section:
    note = message(
        "Films on the wrong side of one half, those farthest from one half first. Look at each: is the label "
        "right, and is the film of the kind for which the model was made?"
    )
    return Section(message("Most wrong films"), [note], thumbnails=[_thumbnail(film) for film in worst], is_open=True)


def _thumbnail(result: FilmResult) -> Thumbnail:
    caption = message(
        "{mark} {answer}, P(pneumonia) {probability:.0f} %, label {label}",
        mark=MARKS[result.answer],
        answer=result.answer,
        probability=100 * (result.probability or 0),
        label=CLASSES[result.film.label],
    )
    return Thumbnail(result.thumbnail, caption, result.name)


def _problems(validation: Validation) -> Section:
    problems = validation.problems[:MAX_PROBLEM_ROWS]
    notes = []
    if len(validation.problems) > len(problems):
        notes.append(
            message(
                "The first {shown:,} of {all:,}; the CSV lists all.", shown=len(problems), all=len(validation.problems)
            )
        )
    return Section(message("Files and rows that were not used"), notes, [report_tables.problems(problems)])


def _method(figures: Mapping[str, Any]) -> Section:
    question = figures["question"]
    goal = question["goal"]
    if goal["sensitivity"] is not None:
        goal_sentence = message("Goal: a sensitivity of at least {share:.0f} %.", share=100 * goal["sensitivity"])
    else:
        goal_sentence = message(
            "Goal: a missed pneumonia costs as much as {ratio:g} false alarms.", ratio=goal["cost_ratio"]
        )
    paragraphs = [
        message("Operating point: {point}.", point=question["operating_point"]),
        goal_sentence,
        message(
            "Intervals are 95 %: Wilson's, which count each film as independent, and where patients are stated those "
            "of a bootstrap that draws patients. The verdict uses the wider end of both."
        ),
        message(
            "The labels are yours: a film that is labelled wrongly, or chosen because it was difficult or typical, "
            "changes every figure here."
        ),
    ]
    return Section(message("How it was computed"), [join(paragraphs)])
