"""Refusals of children's films of other collection times: gates fitted without a block of collection order.

python -m pneumonia.learning.gate_blocks --data DIR --json blocks.json

For each block of protocol `order5`, a gate is fitted on the training films of the other blocks, its limits are chosen
on their validation films, and it is measured on the films of the block: alone, as for a film with a stated age, and
beside the adults' embedded gate, as for a film without one. `gate_rules` has alternatives to the limits. Each is also
measured on adults and on other kinds of images, simulated kinds by gates fitted without their family.
Images of other kinds are made once, from films of all blocks. The official test is not read.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from .. import files, load_predictor
from ..command_line import entry_point
from ..evaluation.adults import RSNA_NORMAL, find_folder, load_adults
from ..evaluation.dataset import KERMANY, FilmSet, load_films
from ..evaluation.protocols import ADULTS, ORDER, Indices, splits
from ..inference import populations
from ..inference.gate import Gate
from ..inference.gate_views import Floats, join_views
from .data_folders import LEARNING_SPLITS, OTHER_IMAGES
from .gate_block_tables import BlockFilms, by_block, by_rule, to_markdown, without_age
from .gate_classifier_fit import Part, fit_on_parts, training_parts
from .gate_fit import fit_subspaces, perturbed_features, with_limited_classifier
from .gate_kinds import FAMILIES, make_kinds
from .gate_others import gate_others, read_kinds
from .gate_rules import Mask, Measured, measure, near_limits

SEED = 17
KIND_IMAGES = 60
"""Images of each simulated kind that are measured."""


@dataclass(frozen=True)
class BlockGate:
    """A gate that was fitted without a block, what its classifier was fitted on, and its validation features."""

    gate: Gate
    parts: list[Part]
    validation: Floats

    @cached_property
    def validation_measures(self) -> Floats:
        """Measures of the validation films under all perturbations."""
        return measure(self.gate, self.validation)

    def without(self, kinds: Collection[str]) -> BlockGate:
        """The gate with a classifier that was fitted without some kinds."""
        classifier = fit_on_parts([part for part in self.parts if part.name not in kinds])
        return replace(self, gate=with_limited_classifier(self.gate, classifier, self.validation))

    def measured(self, features: Floats) -> Measured:
        """The measures of films with joined features `[N, d]`."""
        return Measured(measure(self.gate, features), self.validation_measures, near_limits(self.gate))


@dataclass(frozen=True)
class OtherImages:
    """Joined features of what the children's gate should refuse: `adults` and `real` kinds by name, `made` by kind."""

    adults: Mapping[str, Floats]
    real: Mapping[str, Floats]
    made: Mapping[str, Floats]


def block_gates(children: FilmSet, healthy_adults: FilmSet) -> Iterator[tuple[BlockGate, Indices]]:
    """For each block, the gate that was fitted without it, and the indices of its films."""
    split = splits(children, "official")[0]
    train, validation = children.subset(split.train), children.subset(split.validation)
    own, *others = training_parts(train.inputs, gate_others(train, healthy_adults))
    features = perturbed_features(validation.inputs)
    for block in (each.validation for each in splits(children, ORDER)):
        in_train, in_validation = (~np.isin(indices, block) for indices in (split.train, split.validation))
        parts = [replace(own, features=_of_films(own.features, in_train)), *others]
        held_out = _of_films(features, in_validation)
        subspaces = fit_subspaces(train.inputs[in_train], validation.inputs[in_validation])
        yield BlockGate(with_limited_classifier(subspaces, fit_on_parts(parts), held_out), parts, held_out), block


def _of_films(features: Floats, chosen: Mask) -> Floats:
    """The rows of the chosen ones `[N]` of N films, in features `[C N, d]` that have C copies of all films."""
    length = features.shape[1]
    return features.reshape(-1, len(chosen), length)[:, chosen].reshape(-1, length)


def measure_blocks(
    children: FilmSet, healthy_adults: FilmSet, images: OtherImages, adults_gate: Gate
) -> list[BlockFilms]:
    """What each block's gate measures of the films of the block, and of all other images."""
    features = join_views(children.inputs)
    in_validation = np.isin(np.arange(len(features)), splits(children, "official")[0].validation)
    adults = {name: _by_adults_gate(adults_gate, each) for name, each in images.adults.items()}
    result = []
    for number, (fitted, block) in enumerate(block_gates(children, healthy_adults)):
        elsewhere = in_validation & ~np.isin(np.arange(len(features)), block)
        made: dict[str, Measured] = {}
        for family in FAMILIES.values():
            gate = fitted.without(family)
            made |= {name: gate.measured(images.made[name]) for name in family}
        result.append(
            BlockFilms(
                kinds=children.kinds[block],
                films=fitted.measured(features[block]),
                by_adults_gate=_by_adults_gate(adults_gate, features[block]),
                random_validation=fitted.measured(features[elsewhere]),
                adults={name: (fitted.measured(each), adults[name]) for name, each in images.adults.items()},
                other_kinds=made | {name: fitted.measured(each) for name, each in images.real.items()},
            )
        )
        print(f"block {number}: measured", file=sys.stderr, flush=True)
    return result


def _by_adults_gate(gate: Gate, features: Floats) -> Measured:
    """The measures of films by a gate of which only the limits are needed, without validation films."""
    return Measured(measure(gate, features), np.zeros((0, features.shape[1]), np.float32), near_limits(gate))


def other_images(children: FilmSet, adults: FilmSet, folder: Path | None) -> OtherImages:
    """Adults on which no gate of children is fitted, by source and reading, and images of other kinds.

    The images of `folder` are few: each is measured under all validation perturbations.
    """
    split, order = splits(adults, ADULTS)[0], np.arange(len(adults.films))
    unknown = (adults.sources != RSNA_NORMAL) | ~np.isin(order, split.train)
    groups = np.array([f"{film.source}: {film.kind}" for film in adults.films])
    some = children.inputs[splits(children, "official")[0].validation]
    return OtherImages(
        {name: join_views(adults.inputs[unknown & (groups == name)]) for name in sorted(set(groups[unknown]))},
        {name: perturbed_features(each) for name, each in read_kinds(folder).items()},
        {name: join_views(each) for name, each in make_kinds(some, KIND_IMAGES, SEED).items()},
    )


def healthy_training_films(adults: FilmSet) -> FilmSet:
    """The adults from which the children's gate learns: healthy films of one source, of the training part."""
    train = splits(adults, ADULTS)[0].train
    return adults.subset(train[adults.sources[train] == RSNA_NORMAL])


@entry_point
def main(arguments: Sequence[str] | None = None) -> int:
    """Fit, measure, print as Markdown and write as JSON; returns the exit code (2 after an error)."""
    parser = argparse.ArgumentParser("python -m pneumonia.learning.gate_blocks", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with chest_xray, adults, unknown")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    options = parser.parse_args(arguments)
    children = load_films(options.data, LEARNING_SPLITS).with_source(KERMANY)
    folder = find_folder(options.data)
    if folder is None:
        parser.error(f"No films of adults. Allowed: --data with adults/films.csv. Received: {options.data}.")
    adults = load_adults(folder, both_classes=False)
    unknown = options.data / OTHER_IMAGES
    images = other_images(children, adults, unknown if unknown.is_dir() else None)
    blocks = measure_blocks(children, healthy_training_films(adults), images, _adults_gate())
    tables: dict[str, list[dict[str, Any]]] = {
        "blocks": by_block(blocks),
        "without_age": without_age(blocks),
        "rules": by_rule(blocks),
    }
    if options.json:
        files.atomic_write(options.json, (json.dumps(tables, indent=1) + "\n").encode())
    print(to_markdown(tables))
    return 0


def _adults_gate() -> Gate:
    models = load_predictor().models
    return next(model.gate for model in models if model.population is populations.ADULTS)


if __name__ == "__main__":
    sys.exit(main())
