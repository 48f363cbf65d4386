"""Would features of the network refuse what the gate accepts? An experiment; the embedded gates do not use them.

python -m pneumonia.learning.network_features runs/default-official --data DIR --json features.json

The activations of the last convolution of a run's first network are averaged over 4 x 4 areas and standardised. A PCA
of the training films measures them as the gate measures its views (`inference.gate`), with limits on the validation
films under all perturbations. The table has, for each kind of image, the share that the run's gate refuses, that these
features refuse, and that either refuses. No image of another kind is used for the fit of the features. The official
test is not read.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from .. import files
from ..command_line import entry_point
from ..errors import DatasetError, ModelNotFound
from ..evaluation.adults import find_folder, load_adults
from ..evaluation.dataset import FilmSet, load_films
from ..evaluation.intervals import wilson_interval
from ..evaluation.number_format import percent
from ..evaluation.perturbations import VALIDATION_PERTURBATIONS, perturb
from ..evaluation.protocols import ADULTS, splits
from ..evaluation.table import Table
from ..inference import bundle, populations
from ..inference.gate import Gate, Subspace
from ..inference.gate_views import Films, Floats, join_views
from .data_folders import LEARNING_SPLITS, OTHER_IMAGES
from .gate_fit import fit_subspace
from .gate_kinds import make_kinds
from .gate_others import read_kinds
from .gate_rules import Measured, fitted_rule, measure, near_limits
from .network import LAST_ACTIVATION, members_of

AREAS = 4
"""Areas along each side over which an activation is averaged."""

ACCEPTED = (0.998, 0.995)
"""Shares of the validation films that the residual accepts, and the distance too; a row of figures for each."""

COMPONENTS = 32
SHARES = ("gate", "features", "either")
"""Keys of the refused shares of a kind of image."""

KIND_IMAGES = 60
SEED = 17
BATCH = 64

Mask = npt.NDArray[np.bool_]
Extract = Callable[[Films], Floats]
"""Features `[N, d]` of `[N, 150, 150]` films."""


def feature_extractor(network: keras.Model) -> Extract:
    """The function that computes the features of films by the first member of a network or ensemble."""
    member = members_of(network)[0]
    activation = member.get_layer(LAST_ACTIVATION).output
    side = -(-activation.shape[1] // AREAS)
    pooled = keras.layers.AveragePooling2D(side, padding="same")(activation)
    model = keras.Model(member.input, keras.layers.Flatten()(pooled))

    def extract(films: Films) -> Floats:
        batches = (films[start : start + BATCH] for start in range(0, len(films), BATCH))
        rows = [np.asarray(model(np.repeat(batch[..., None], 3, axis=3).astype(np.float32))) for batch in batches]
        return np.concatenate(rows)

    return extract


@dataclass(frozen=True)
class FeatureGate:
    """Subspace of the standardised features of the training films: `mean` and `scale` `[d]`."""

    mean: Floats
    scale: Floats
    subspace: Subspace

    @classmethod
    def fit(cls, features: Floats, validation: Floats, accepted: float) -> FeatureGate:
        """Fit on features `[N, d]`; each limit accepts the share `accepted` of the validation features `[M, d]`."""
        mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-3
        subspace = fit_subspace(
            (features - mean) / scale, (validation - mean) / scale, (accepted, accepted), components=COMPONENTS
        )
        return cls(mean, scale, subspace)

    def refuses(self, features: Floats) -> Mask:
        """`[N]`: whether features `[N, d]` exceed a near limit."""
        limits = self.subspace.residual, self.subspace.distance
        measures = self.subspace.measure((features - self.mean) / self.scale)
        refused: Mask = np.any([values > limit.near for values, limit in zip(measures, limits, strict=True)], axis=0)
        return refused


def refusals(
    extract: Extract, gate: Gate, train: Films, validation: Films, kinds: Mapping[str, Films]
) -> Iterator[dict[str, Any]]:
    """For each share of `ACCEPTED` and each kind of image, the refused shares with 95 % intervals."""
    fitted_on, chosen_on = extract(train), extract(_perturbed(validation))
    gates = {accepted: FeatureGate.fit(fitted_on, chosen_on, accepted) for accepted in ACCEPTED}
    for name, images in {"validation films": validation, **kinds}.items():
        by_gate = fitted_rule(
            Measured(measure(gate, join_views(images)), np.zeros((0, 0), np.float32), near_limits(gate))
        )
        features = extract(images)
        for accepted, feature_gate in gates.items():
            by_features = feature_gate.refuses(features)
            shares = {"gate": by_gate, "features": by_features, "either": by_gate | by_features}
            yield {
                "kind": name,
                "images": len(images),
                "accepted": accepted,
                **{key: wilson_interval(int(refused.sum()), len(refused)) for key, refused in shares.items()},
            }


def _perturbed(films: Films) -> Films:
    return np.concatenate([perturb(films, name) for name in VALIDATION_PERTURBATIONS])


def other_kinds(films: Films, folder: Path) -> dict[str, Films]:
    """Real images of `folder` under all perturbations, if it exists, and images that are made from films or noise."""
    real = read_kinds(folder) if folder.is_dir() else {}
    return {name: _perturbed(images) for name, images in real.items()} | make_kinds(films, KIND_IMAGES, SEED)


def films_of(population: populations.Population, data: Path) -> tuple[FilmSet, FilmSet]:
    """Training and validation films of a population; raises `DatasetError` without films of adults."""
    if population is populations.CHILDREN:
        films, protocol = load_films(data, LEARNING_SPLITS), "official"
    else:
        folder = find_folder(data)
        if folder is None:
            raise DatasetError(f"No films of adults. Allowed: --data with adults/films.csv. Received: {data}.")
        films, protocol = load_adults(folder, both_classes=False), ADULTS
    split = splits(films, protocol)[0]
    return films.subset(split.train), films.subset(split.validation)


def to_markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """The refusals as a table, in percent with 95 % intervals."""
    columns = ["Images", "Count", "Films accepted by a limit", "Gate", "Features", "Either"]
    cells = [
        [row["kind"], f"{row['images']:,}", f"{row['accepted']:.1%}", *(percent(row[key]) for key in SHARES)]
        for row in rows
    ]
    return Table("Refused by the gate, by features of the network, and by either", columns, cells).to_markdown()


@entry_point
def main(arguments: Sequence[str] | None = None) -> int:
    """Fit, measure, print as Markdown and write as JSON; returns the exit code (2 after an error)."""
    parser = argparse.ArgumentParser("python -m pneumonia.learning.network_features", description=__doc__)
    parser.add_argument("run", type=Path, help="run folder with model.keras")
    parser.add_argument("--data", type=Path, required=True, help="folder with chest_xray or adults, and unknown")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    options = parser.parse_args(arguments)
    loaded = bundle.load(options.run, options.run.name)
    path = options.run / bundle.KERAS
    if not path.is_file():
        raise ModelNotFound(f"No Keras model. Allowed: a run folder with {bundle.KERAS}. Received: {options.run}.")
    train, validation = films_of(loaded.population, options.data)
    kinds = other_kinds(validation.inputs, options.data / OTHER_IMAGES)
    extract = feature_extractor(keras.models.load_model(path))
    rows = list(refusals(extract, loaded.gate, train.inputs, validation.inputs, kinds))
    if options.json:
        files.atomic_write(options.json, (json.dumps({"network_features": rows}, indent=1) + "\n").encode())
    print(to_markdown(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
