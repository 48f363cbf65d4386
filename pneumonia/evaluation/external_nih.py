"""External validation by age and second reading: report films of NIH ChestX-ray14, and 13 children with COVID-19.

python -m pneumonia.evaluation.external_nih --data DIR --json nih.json

Each film is given to the service with its age, as a clinic would, and again without it. The network of the film's
population is measured beside it. The labels are text-mined: radiologists of the RSNA challenge 2018 call some of the
"Pneumonia" films normal, so figures are given with and without these. No decision is based on any of these films.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import files, imaging, load_predictor
from ..command_line import entry_point
from ..errors import DatasetError, PneumoniaError
from ..inference.decision import CLASSES, DEFAULT_POINT, Failure, Prediction
from ..inference.model import Model
from ..inference.populations import ADULTS, CHILDREN, Population, of_age
from ..inference.predictor import Predictor
from . import external_tables, metrics
from .answer_changes import decisions_at_threshold, share_of
from .external import identity
from .frames import outcome
from .metrics import Figure, Floats
from .nih_films import PARTS, NihFilm, list_nih

GROUPS = ("under 1", "1-5", "6-17", "18 and over", "unknown")
"""Age groups in years. 1-5 and 18 and over have a model."""

COVID_FOLDER = Path("external") / "covid_children"

MEASURES = {name: metrics.NETWORK_METRICS[name] for name in ("auroc", "sensitivity", "specificity")}


def age_group(age: float | None) -> str:
    """The entry of `GROUPS` of an age in years."""
    if age is None:
        return GROUPS[4]
    population = of_age(age)
    if population == CHILDREN:
        return GROUPS[1]
    if population == ADULTS:
        return GROUPS[3]
    return GROUPS[0] if age < CHILDREN.min_age else GROUPS[2]


def nih_by_age(predictor: Predictor, data: Path) -> dict[str, Any]:
    """The entry `nih_by_age`: for each age group, counts, answers of the service by class, and the network's figures.

    `answers` are counts of labels and, for Unknown, reason codes, with the age given; `answers_without_age` without.
    `network`: figures of the model of the group's population, on `all` films and `without_contradicted`, those whose
    label "Pneumonia" a second reading contradicts. Raises `DatasetError`.
    """
    listed = list_nih(data, (PARTS[1],))
    grouped = {name: [film for film in listed if age_group(film.age) == name] for name in GROUPS}
    return {
        "name": "NIH ChestX-ray14, report films",
        "of": "films of another hospital, labels text-mined from the reports",
        "models": {model.population.name: identity(model.bundle.config) for model in predictor.models},
        "films": len(listed),
        "contradicted": sum(_is_contradicted(film) for film in listed),
        "groups": {name: _group(predictor, films) for name, films in grouped.items() if films},
    }


def _group(predictor: Predictor, films: list[NihFilm]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "films": len(films),
        "patients": len({film.film.strict_key for film in films}),
        **{name: sum(film.film.label == label for film in films) for label, name in enumerate(CLASSES)},
        "contradicted": sum(_is_contradicted(film) for film in films),
        "answers": _answers_by_class(predictor, films, with_age=True),
        "answers_without_age": _answers_by_class(predictor, films, with_age=False),
    }
    model = _model_for(predictor, films[0])
    if model is not None:
        uncontradicted_films = [film for film in films if not _is_contradicted(film)]
        entry["network"] = {
            "population": model.population.name,
            "all": network_figures(model, films),
            "without_contradicted": network_figures(model, uncontradicted_films),
        }
    return entry


def _is_contradicted(film: NihFilm) -> bool:
    return film.film.label == 1 and film.called_normal


def _model_for(predictor: Predictor, film: NihFilm) -> Model | None:
    population: Population | None = None if film.age is None else of_age(film.age)
    return next((model for model in predictor.models if model.population == population), None)


def _answers_by_class(predictor: Predictor, films: list[NihFilm], *, with_age: bool) -> dict[str, dict[str, int]]:
    results = [_answer(predictor, film.film.path, film.age if with_age else None) for film in films]
    return {
        name: dict(
            sorted(
                Counter(
                    outcome(result) for film, result in zip(films, results, strict=True) if film.film.label == label
                ).items()
            )
        )
        for label, name in enumerate(CLASSES)
    }


def _answer(predictor: Predictor, path: Path, age: float | None) -> Prediction | Failure:
    try:
        return predictor.predict(path, age=age)
    except PneumoniaError as error:
        return Failure(path.name, error)


def network_figures(model: Model, films: list[NihFilm]) -> dict[str, Any]:
    """Counts and metrics of the network, without the gate, at the threshold of `balanced`, with patient intervals.

    `answered` and `answered_correct`: share of the films that gate and undecided band leave, and correct among them.
    """
    point = model.operating_points[DEFAULT_POINT]
    inputs = [imaging.to_input(imaging.read(film.film.path)) for film in films]
    scores = [model.score(input_image) for input_image in inputs]
    probability = np.array([score.probability for score in scores])
    accepted = np.array([model.refusal(*pair) is None for pair in zip(inputs, scores, strict=True)])
    labels = np.array([film.film.label for film in films], np.int64)
    weights = metrics.bootstrap_weights(np.array([film.film.strict_key for film in films]))
    decisions = decisions_at_threshold(labels, probability, point)
    answers = np.array([point.label(float(value)) for value in probability])
    decided: npt.NDArray[np.bool_] = accepted & np.isin(answers, CLASSES)
    correct = answers == np.array(CLASSES)[labels]
    return {
        "films": len(films),
        "pneumonia": int(labels.sum()),
        **metrics.compute_metrics(decisions, weights, MEASURES),
        **{
            f"answered_{name}": _answered(decided & (labels == label), labels == label, correct, weights)
            for label, name in enumerate(CLASSES)
        },
    }


def _answered(
    decided: npt.NDArray[np.bool_], of_class: npt.NDArray[np.bool_], correct: npt.NDArray[np.bool_], weights: Floats
) -> dict[str, Figure]:
    return {"share": share_of(decided, weights, of_class), "correct": share_of(correct, weights, decided)}


def covid_children(predictor: Predictor, data: Path) -> dict[str, Any]:
    """The entry `covid_children`: the answer for each film, with an age of the children's population.

    The films' ages are not published, so the children's model is asked directly. The labels are clinical: an opacity
    is not always visible. Raises `DatasetError` if the folder is missing.
    """
    folder = next((place for place in (data / COVID_FOLDER, data / COVID_FOLDER.name) if place.is_dir()), None)
    if folder is None:
        raise DatasetError(
            f"No films of children with COVID-19. Expected: {COVID_FOLDER.as_posix()}. Received: {data}."
        )
    paths = sorted(path for path in folder.iterdir() if path.is_file() and path.name[0] != ".")
    rows = []
    for path in paths:
        with_age, without_age = (_answer(predictor, path, age) for age in (float(CHILDREN.min_age), None))
        rows.append({"film": path.name, **_row(with_age), "answer_without_age": outcome(without_age)})
    counts = Counter(row["answer"] for row in rows)
    return {
        "name": "Children with COVID-19 (COVID-CXNet)",
        "of": "films of children with COVID-19; clinical labels, ages not published",
        "films": len(rows),
        "answers": dict(sorted(counts.items())),
        "rows": rows,
    }


def _row(result: Prediction | Failure) -> dict[str, Any]:
    probability = result.probability if isinstance(result, Prediction) else None
    return {"answer": outcome(result), "probability": None if probability is None else round(probability, 4)}


@entry_point
def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables as Markdown and write the entries; returns the exit code (2 after an error)."""
    parser = argparse.ArgumentParser("python -m pneumonia.evaluation.external_nih", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder with external/nih")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the entries for evaluation.json to FILE")
    parser.add_argument("--model", metavar="M", help="model bundles; default: PNEUMONIA_MODEL")
    options = parser.parse_args(arguments)
    predictor = load_predictor(options.model)
    entries = {
        "nih_by_age": nih_by_age(predictor, options.data),
        "covid_children": covid_children(predictor, options.data),
    }
    for table in external_tables.external_tables(entries):
        print(f"## {table.caption}\n\n{table.to_markdown()}\n")
    if options.json:
        files.atomic_write(options.json, (json.dumps(entries, indent=1) + "\n").encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
