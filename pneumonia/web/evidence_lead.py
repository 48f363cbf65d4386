"""Opening of a model's part of the Evidence tab: a picture of 100 films of each class, and up to three sentences.

All figures are those of the bundle's `evaluation.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from ..inference.bundle import Bundle
from ..inference.decision import CLASSES, LABEL_NAMES, UNKNOWN
from ..inference.populations import ADULTS, CHILDREN
from ..messages import Message, join, message, number
from .rendering import render_fragment

Json = Mapping[str, Any]

NORMAL, PNEUMONIA = CLASSES
ANSWERS = (NORMAL, PNEUMONIA, UNKNOWN)
FILMS_PER_PICTURE = 100
"""Films in a picture. Frequencies are understood more often than percentages (Gigerenzer and Edwards, BMJ 2003)."""

COLUMNS = 20
"""Films in a row of a picture."""


@dataclass(frozen=True)
class Icon:
    """One film in a picture: its answer, and its column and row."""

    answer: str
    column: int
    row: int


def lead(bundle: Bundle, run: Json) -> Markup:
    """HTML of picture, sentences and terms of use; the picture is left out if the answers by class are missing."""
    return render_fragment(
        "evidence_lead.html",
        pictures=[_picture(film_class, run["classes"][film_class]) for film_class in CLASSES if _has_classes(run)],
        sentences=sentences(bundle, run),
        terms=_terms(bundle.config.get("licence")),
    )


def sentences(bundle: Bundle, run: Json) -> list[Message]:
    """What the model misses, where it fails, and for whom it was never tested."""
    return [sentence for sentence in (_misses(run), _fails(bundle), _untested(bundle)) if sentence]


def of_hundred(shares: Mapping[str, float]) -> dict[str, int]:
    """Shares that add up to 1 as whole numbers that add up to 100, by largest remainder.

    A share above 0 is at least 1: a rare error is not rounded away.
    """
    counts = {name: max(int(FILMS_PER_PICTURE * share), int(share > 0)) for name, share in shares.items()}
    while (difference := FILMS_PER_PICTURE - sum(counts.values())) != 0:
        step = 1 if difference > 0 else -1
        adjustable = [name for name in shares if step > 0 or counts[name] > 1]
        name = max(adjustable, key=lambda name: step * (FILMS_PER_PICTURE * shares[name] - counts[name]))
        counts[name] += step
    return counts


def _has_classes(run: Json) -> bool:
    return all(film_class in run.get("classes", {}) for film_class in CLASSES)


def _counts(entry: Json) -> dict[str, int]:
    """Of 100 films of a class, the number with each answer; `entry` is the class's part of `run["classes"]`."""
    return of_hundred({answer: entry[answer]["value"] for answer in ANSWERS})


_TITLES = {NORMAL: message("Of 100 normal films"), PNEUMONIA: message("Of 100 films with pneumonia")}

_MEANINGS = {
    (NORMAL, NORMAL): message("answered Normal"),
    (NORMAL, PNEUMONIA): message("answered Pneumonia: false alarms"),
    (NORMAL, UNKNOWN): message("answered Unknown: without a result"),
    (PNEUMONIA, NORMAL): message("answered Normal: missed"),
    (PNEUMONIA, PNEUMONIA): message("answered Pneumonia"),
    (PNEUMONIA, UNKNOWN): message("answered Unknown: without a result"),
}
"""(class of the film, answer) -> what the answer means for these films."""


def _picture(film_class: str, entry: Json) -> dict[str, Any]:
    """Values of `evidence_lead.html` for the films of a class; the right answer comes first."""
    counts = _counts(entry)
    order = sorted(ANSWERS, key=lambda answer: (answer != film_class, answer == UNKNOWN))
    films = [answer for answer in order for _ in range(counts[answer])]
    right = entry[film_class]
    legend = [(answer, counts[answer], _MEANINGS[film_class, answer]) for answer in order]
    parts = join([join([number(count), meaning], " ") for _, count, meaning in legend], ", ")
    return {
        "title": _TITLES[film_class],
        "name": join([_TITLES[film_class], parts], ": "),
        "icons": [Icon(answer, *reversed(divmod(number, COLUMNS))) for number, answer in enumerate(films)],
        "legend": legend,
        "interval": message(
            "From {films:,} films. Of 100, {low:.0f} to {high:.0f} are answered {answer} ({level:.0f} % interval).",
            films=entry["films"],
            level=95,
            low=FILMS_PER_PICTURE * right["low"],
            high=FILMS_PER_PICTURE * right["high"],
            answer=LABEL_NAMES[film_class],
        ),
    }


def _misses(run: Json) -> Message | None:
    if not _has_classes(run):
        return None
    positive, negative = (_counts(run["classes"][film_class]) for film_class in (PNEUMONIA, NORMAL))
    return message(
        "At the operating point balanced, it misses {missed} of 100 films with pneumonia and gives {alarms} false "
        "alarms in 100 normal films; {positive_unknown} and {negative_unknown} of 100 get no result.",
        missed=positive[NORMAL],
        alarms=negative[PNEUMONIA],
        positive_unknown=positive[UNKNOWN],
        negative_unknown=negative[UNKNOWN],
    )


def _fails(bundle: Bundle) -> Message:
    """Answers to films of other hospitals, as counts, because they are few."""
    evaluation = bundle.evaluation
    sentence = _nih_sentence(evaluation) if bundle.population.name == ADULTS.name else None
    if bundle.population.name == CHILDREN.name:
        sentence = _covid_sentence(evaluation)
    sentence = sentence or _external_sentence(evaluation)
    return sentence or message("No figure on films of another hospital exists, so how it fails elsewhere is not known.")


def _nih_sentence(evaluation: Json) -> Message | None:
    group = (evaluation.get("nih_by_age") or {}).get("groups", {}).get("18 and over")
    if not group or not group[NORMAL] or not group[PNEUMONIA]:
        return None
    answers = group["answers"]
    return message(
        "It fails more often elsewhere: of {negatives:,} films without pneumonia from another hospital (NIH), "
        "{alarms:,} were answered Pneumonia, and of {positives:,} with pneumonia, {missed:,} were answered Normal.",
        negatives=group[NORMAL],
        alarms=answers[NORMAL].get(PNEUMONIA, 0),
        positives=group[PNEUMONIA],
        missed=answers[PNEUMONIA].get(NORMAL, 0),
    )


def _covid_sentence(evaluation: Json) -> Message | None:
    entry = evaluation.get("covid_children")
    if not entry or not entry.get("films"):
        return None
    answers = entry["answers"]
    return message(
        "It fails more often elsewhere: of {films:,} films of children with COVID-19 from other hospitals, {missed:,} "
        "were answered Normal and {unknown:,} Unknown.",
        films=entry["films"],
        missed=answers.get(NORMAL, 0),
        unknown=entry["films"] - answers.get(NORMAL, 0) - answers.get(PNEUMONIA, 0),
    )


def _external_sentence(evaluation: Json) -> Message | None:
    for entry in evaluation.get("external") or []:
        return message(
            "On films of another hospital ({name}) it is {verdict}.", name=entry["name"], verdict=entry["verdict"]
        )
    return None


_UNTESTED = {
    CHILDREN.name: message(
        "Whether it works in your hospital, for infants under one year, and for children with tuberculosis or heart "
        "disease was never tested."
    ),
    ADULTS.name: message(
        "Whether it works in your hospital, for patients with tuberculosis, heart failure or chronic lung disease, and "
        "equally well for women and men was never tested."
    ),
}


def _untested(bundle: Bundle) -> Message | None:
    return _UNTESTED.get(bundle.population.name)


def _terms(licence: Json | None) -> Message | None:
    if not licence or not licence["non_commercial"]:
        return None
    return join([licence["terms"], message("It is not for use in care.")])
