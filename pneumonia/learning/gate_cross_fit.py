"""Figures of the gates on films and kinds of images on which they were not fitted.

python -m pneumonia.learning.gate_cross_fit --data DIR --json routing.json

Children's and adult films are divided into halves by patient. Both gates are fitted on one half, their limits chosen on
a fifth of it, and measured on the other half; then the reverse. The children's gate learns about adults from healthy
films of one source only, so that every other source of adult films is one that it has never seen. A family of kinds of
images is measured by gates that were fitted without it. The official test is not read.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import files
from ..command_line import entry_point
from ..evaluation.adults import RSNA_NORMAL, find_folder, load_adults
from ..evaluation.dataset import KERMANY, FilmSet, load_films
from ..evaluation.routing import REFUSED, UNCLEAR, as_entry, to_markdown
from ..inference import populations
from ..inference.gate import Gate
from ..inference.gate_views import Features, Films
from ..inference.routing import DEFAULT_MARGIN
from .data_folders import OTHER_IMAGES
from .gate_classifier_fit import Part, fit_on_parts, training_parts
from .gate_fit import fit_subspaces, with_classifier
from .gate_kinds import FAMILIES, make_kinds
from .gate_others import Others, read_images, read_kinds

HALVES = 2
SEED = 7
VALIDATION_SHARE = 0.2
FITTED_KIND_IMAGES, KIND_IMAGES = 100, 60
"""Images of each kind on which a half's gates are fitted, and measured."""

CHILDREN, ADULTS = (population.name for population in (populations.CHILDREN, populations.ADULTS))

Gates = Mapping[str, Gate]


@dataclass(frozen=True)
class Half:
    """Gates that were fitted on one half, what their classifiers were fitted on, and the films for their limits."""

    gates: dict[str, Gate]
    parts: dict[str, list[Part]]
    validation: dict[str, Films]

    def without(self, kinds: Collection[str]) -> dict[str, Gate]:
        """The gates with classifiers that were fitted without some kinds."""
        return {
            population: with_classifier(
                gate,
                fit_on_parts([part for part in self.parts[population] if part.name not in kinds]),
                self.validation[population],
            )
            for population, gate in self.gates.items()
        }


def outcome(gates: Gates, input_image: Films, margin: float = DEFAULT_MARGIN) -> str:
    """What happens to an input image without a stated age: one of `OUTCOMES`. An inverted film is tried, as served."""
    for image in (input_image, 255 - input_image):
        features = Features.of(image)
        assessed = {population: gate.assess(features) for population, gate in gates.items()}
        accepted = sorted(
            (assessment.resemblance, population)
            for population, assessment in assessed.items()
            if assessment.reason is None
        )
        if len(accepted) == 1:
            return accepted[0][1]
        if accepted:
            return accepted[-1][1] if accepted[-1][0] - accepted[-2][0] >= margin else UNCLEAR
    return REFUSED


def count_outcomes(gates: Gates, films: Films) -> Counter[str]:
    """Outcomes of `[N, 150, 150]` films."""
    return Counter(outcome(gates, np.repeat(film[:, :, None], 3, axis=2)) for film in films)


def fit_half(children: Films, adults: FilmSet, images: Mapping[str, Films], seed: int) -> Half:
    """Fit the gates on a half. `children` and `adults` are its films; the adults' gate learns from `images` by kind."""
    random = np.random.default_rng(seed)
    own = {CHILDREN: children, ADULTS: adults.inputs}
    held = {name: random.random(len(films)) < VALIDATION_SHARE for name, films in own.items()}
    train = {name: films[~held[name]] for name, films in own.items()}
    validation = {name: films[held[name]] for name, films in own.items()}
    # Only healthy films of one source: the children's gate stays free of the terms of the others.
    other = {
        CHILDREN: {RSNA_NORMAL: adults.inputs[adults.sources == RSNA_NORMAL]},
        ADULTS: {"kermany": train[CHILDREN]},
    }
    parts, gates = {}, {}
    for name in own:
        kinds = make_kinds(train[name], FITTED_KIND_IMAGES) | (dict(images) if name == ADULTS else {})
        parts[name] = training_parts(train[name], Others(other[name], kinds))
        subspaces = fit_subspaces(train[name], validation[name])
        gates[name] = with_classifier(subspaces, fit_on_parts(parts[name]), validation[name])
    return Half(gates, parts, validation)


def cross_fit(
    children: FilmSet, adults: FilmSet, further: Mapping[str, Films], images: Mapping[str, Films]
) -> dict[str, dict[str, Counter[str]]]:
    """Outcomes by group of films (`films`) and by kind of image (`kinds`).

    `further` are films, by name, on which no gate is fitted; each half measures all of them. `images` are those of
    other kinds.
    """
    films: dict[str, Counter[str]] = {}
    kinds: dict[str, Counter[str]] = {}
    in_first = {CHILDREN: _first_half(children), ADULTS: _first_half(adults)}
    for number in range(HALVES):
        fitted = {name: mask == (number == 0) for name, mask in in_first.items()}
        fitted_adults = adults.subset(np.flatnonzero(fitted[ADULTS]))
        half = fit_half(children.inputs[fitted[CHILDREN]], fitted_adults, images, SEED + number)
        print(f"half {number + 1}: fitted", file=sys.stderr, flush=True)
        tested = [each.subset(np.flatnonzero(~fitted[name])) for name, each in ((CHILDREN, children), (ADULTS, adults))]
        for film_set in tested:
            for name in sorted(set(_groups(film_set))):
                _add(films, name, count_outcomes(half.gates, film_set.inputs[_groups(film_set) == name]))
        for name, group in further.items():
            _add(films, name, count_outcomes(half.gates, group))
        print(f"half {number + 1}: measured films", file=sys.stderr, flush=True)
        for name, counts in _held_out_kinds(half, tested[0].inputs, images, SEED + 10 + number):
            _add(kinds, name, counts)
    return {"films": films, "kinds": kinds}


def _held_out_kinds(
    half: Half, films: Films, images: Mapping[str, Films], seed: int
) -> Iterator[tuple[str, Counter[str]]]:
    """Outcomes of each kind of image, by gates that were fitted without its family."""
    made = make_kinds(films, KIND_IMAGES, seed)
    families = [*FAMILIES.values(), *((name,) for name in images)]
    for names in families:
        gates = half.without(names)
        for name in names:
            yield name, count_outcomes(gates, images[name] if name in images else made[name])


def _first_half(film_set: FilmSet) -> Any:
    """`[N]`: whether a film's patient belongs to the first half."""
    patients, index = np.unique(film_set.patients, return_inverse=True)
    return (np.random.default_rng(SEED).permutation(len(patients)) < len(patients) // 2)[index]


def _groups(film_set: FilmSet) -> Any:
    """`[N]`: source and reading or type of pneumonia."""
    return np.array([f"{film.source or KERMANY}: {film.kind}" for film in film_set.films])


def _add(table: dict[str, Counter[str]], name: str, counts: Counter[str]) -> None:
    table[name] = table.get(name, Counter()) + counts


@entry_point
def main(arguments: Sequence[str] | None = None) -> int:
    """Fit, measure, print as Markdown and write as JSON; returns the exit code (2 after an error)."""
    parser = argparse.ArgumentParser("python -m pneumonia.learning.gate_cross_fit", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with chest_xray, adults, unknown, external")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    options = parser.parse_args(arguments)
    children = load_films(options.data, ("train", "val"))
    folder = find_folder(options.data)
    if folder is None:
        parser.error(f"No films of adults. Allowed: --data with adults/films.csv. Received: {options.data}.")
    further = {"/".join(each.parts[-2:]): read_images(each) for each in _external(options.data)}
    images = read_kinds(options.data / OTHER_IMAGES if (options.data / OTHER_IMAGES).is_dir() else None)
    tables = cross_fit(children, load_adults(folder), further, images)
    result = {part: [as_entry(*row) for row in sorted(table.items())] for part, table in tables.items()}
    if options.json:
        files.atomic_write(options.json, (json.dumps(result, indent=1) + "\n").encode())
    print(to_markdown("Films without a stated age", result["films"]), end="\n\n")
    print(to_markdown("Images of other kinds, by gates fitted without their family", result["kinds"]))
    return 0


def _external(root: Path) -> list[Path]:
    names = ("external/nih/gate_dev", "external/covid_children", "adults/nih_extra")
    return [root / name for name in names if (root / name).is_dir()]


if __name__ == "__main__":
    sys.exit(main())
