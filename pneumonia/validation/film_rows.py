"""The table of a validation: a row for each film and for each problem, as CSV for spreadsheets."""

from __future__ import annotations

from collections.abc import Iterator

from ..batch.rows import BYTE_ORDER_MARK, csv_line, escape_formula
from ..inference.decision import CLASSES
from .evaluate import Validation
from .film_results import FilmResult
from .site_films import Problem

COLUMNS = (
    "file",
    "label",
    "answer",
    "is_correct",
    "probability_pneumonia",
    "reason_code",
    "reason",
    "population",
    "age",
    "age_source",
    "sex",
    "site",
    "patient",
    "resemblance",
    "distance",
    "problem_code",
    "problem",
)
"""`is_correct` is empty for a film without an answer; `problem` is for files and rows that are not used."""


def to_csv(validation: Validation) -> bytes:
    """The whole table in UTF-8, with the mark by which Excel recognises it."""
    return BYTE_ORDER_MARK + b"".join(_lines(validation))


def _lines(validation: Validation) -> Iterator[bytes]:
    yield csv_line(COLUMNS)
    for cells in (*map(_film_cells, validation.results), *map(_problem_cells, validation.problems)):
        yield csv_line(escape_formula(cells.get(column, "")) for column in COLUMNS)


def _film_cells(result: FilmResult) -> dict[str, str]:
    prediction, film = result.prediction, result.film
    is_answered = result.answer in CLASSES
    reason = result.error.message if result.error else ""
    if prediction is not None and prediction.reason is not None:
        reason = prediction.reason.message
    return {
        "file": result.name,
        "label": CLASSES[film.label],
        "answer": result.answer,
        "is_correct": str(int(result.answer == CLASSES[film.label])) if is_answered else "",
        "probability_pneumonia": "" if result.probability is None else f"{result.probability:.4f}",
        "reason_code": result.reason_code,
        "reason": reason,
        "population": result.population or "",
        "age": "" if result.age is None else f"{result.age:g}",
        "age_source": (prediction.age_source if prediction else None) or "",
        "sex": film.sex,
        "site": film.site,
        "patient": film.group,
        **{name: f"{value:.4f}" for name, value in result.measures.items()},
    }


def _problem_cells(problem: Problem) -> dict[str, str]:
    return {"file": problem.file, "problem_code": problem.code, "problem": problem.message}
