"""Film results with stated labels, answers and probabilities, so that every figure can be computed by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pneumonia import Predictor
from pneumonia.errors import UnreadableImage
from pneumonia.inference.decision import CLASSES, UNKNOWN, ModelIdentity, Prediction, Reason
from pneumonia.inference.named_film import NamedFilm
from pneumonia.validation.evaluate import Question, Validation, validate
from pneumonia.validation.film_results import FilmResult
from pneumonia.validation.site_films import Selection, SiteFilm

MODEL = ModelIdentity("embedded", "abc", "f" * 64)
PROBABILITY = {"Normal": 0.1, "Pneumonia": 0.9, UNKNOWN: 0.55}


def made_result(
    name: str, label: int, answer: str, probability: float | None = None, *, reason: str = "inconclusive", **film: Any
) -> FilmResult:
    """A result with an answer; `answer` "failed" is a file that could not be read."""
    site_film = SiteFilm(NamedFilm(name, b""), label, **film)
    if answer == "failed":
        return FilmResult(site_film, None, UnreadableImage("Damaged."), None, None, {}, "", b"")
    value = PROBABILITY[answer] if probability is None else probability
    scored = None if answer == UNKNOWN and reason != "inconclusive" else value
    prediction = Prediction(
        file=name,
        label=answer,
        probability=scored,
        operating_point="balanced",
        reason=Reason(reason) if answer == UNKNOWN else None,
        zones=None,
        model=MODEL,
        population="children",
        age=film.get("age"),
    )
    is_wrong = scored is not None and (scored >= 0.5) != (label == 1)
    thumbnail = b"jpeg" if is_wrong else b""
    return FilmResult(site_film, prediction, None, scored, "children", {}, name, thumbnail)


def made_table(counts: dict[tuple[int, str], int], **film: Any) -> list[FilmResult]:
    """Results by (label, answer) -> number."""
    return [
        made_result(f"{CLASSES[label]}/{answer}{number}.png", label, answer, **film)
        for (label, answer), count in counts.items()
        for number in range(count)
    ]


def validated(
    predictor: Predictor, results: Sequence[FilmResult], question: Question | None = None, **selection: Any
) -> Validation:
    """The validation of results, without problems."""
    films = tuple(result.film for result in results)
    return validate(predictor, Selection(films, (), len(films), **selection), results, question or Question())


def shifted_films() -> list[FilmResult]:
    """Films that .7 separates, so that the model's own point calls half of the normal films Pneumonia."""
    normal = [made_result(f"n{n}", 0, "Pneumonia" if n % 2 else "Normal", 0.05 + 0.007 * n) for n in range(90)]
    positive = [made_result(f"p{n}", 1, "Pneumonia", 0.75 + 0.0027 * n) for n in range(90)]
    return normal + positive
