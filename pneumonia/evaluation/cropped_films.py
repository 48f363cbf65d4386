"""Crop audit: answers for films of which a part was cropped, and whole films whose lungs are taken for cut off.

python -m pneumonia.evaluation.cropped_films --data DIR [--count N] [--model M]

For each model, one table has the shapes of the whole films of each source, with the number above each limit of
`inference.cut_off_films`; one has the limits of `inference.cut_off_lungs` that whole films of its training and
validation parts give, beside those of the model; the last has the answers for cropped films of the validation part. The
official test is not read.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from .. import imaging
from ..command_line import entry_point
from ..errors import DatasetError, UsageError
from ..inference.cut_off_films import examine
from ..inference.cut_off_lungs import MEASURES
from ..inference.decision import CLASSES, DEFAULT_POINT
from ..inference.model import Model
from ..inference.populations import CHILDREN
from ..inference.predictor import load_predictor
from . import film_shapes, lung_masks
from .adults import find_folder, load_adults
from .dataset import FilmSet, load_films
from .lung_edges import FAR_SHARE, NEAR_SHARE, choose_limits, measure_films
from .number_format import share
from .protocols import ADULTS, Split, splits
from .table import Table

Grey = npt.NDArray[np.uint8]

SHARES = (0.1, 0.2, 0.3, 0.4, 0.5)
"""Shares of height or width that are cropped."""

CROPS = {
    "at the top": (1.0, 0.0, 0.0, 0.0),
    "at the bottom": (0.0, 1.0, 0.0, 0.0),
    "at the left": (0.0, 0.0, 1.0, 0.0),
    "at the right": (0.0, 0.0, 0.0, 1.0),
    "in equal parts at top and bottom": (0.5, 0.5, 0.0, 0.0),
    "of both sides, in equal parts at all edges": (0.5, 0.5, 0.5, 0.5),
}
"""Name -> how the cropped share is distributed over top, bottom, left and right."""

COUNT = 250
"""Default number of cropped films of each population."""

SEED = 0

BY_GATE, CUT_OFF, WARNED, SILENT = "gate", "cut off", "warned", "answered"
"""Outcomes: refused by the gate; refused because a part is cut off; answered with a warning, or without one."""


@dataclass(frozen=True)
class CropResult:
    """Numbers of cropped films by outcome.

    `changed` has those whose score says Pneumonia, and Normal for the whole film, or the reverse, whether or not they
    are refused.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)

    def share(self, outcome: str) -> str:
        """The share of the films with an outcome, as text."""
        return share(self.outcomes[outcome] / max(1, self.outcomes.total()))

    def cells(self) -> list[str]:
        """The row of the table, without its heading."""
        accepted = sum(self.changed[outcome] for outcome in (CUT_OFF, WARNED, SILENT))
        counts = (accepted, self.changed[WARNED] + self.changed[SILENT], self.changed[SILENT])
        return [*(self.share(outcome) for outcome in (BY_GATE, CUT_OFF, WARNED)), *map(str, counts)]


def crop(film: Grey, cropped: float, distribution: Sequence[float]) -> Grey:
    """The film `[H, W]` without the share `cropped` of its sides, distributed as in `CROPS`."""
    height, width = film.shape
    top, bottom, left, right = (cropped * part for part in distribution)
    rows = slice(round(top * height), height - round(bottom * height))
    return np.ascontiguousarray(film[rows, round(left * width) : width - round(right * width)])


def outcome_and_label(model: Model, film: Grey) -> tuple[str, str]:
    """What becomes of a film `[H, W]`, and the label that its score has at the default operating point."""
    radiograph = imaging.read(film)
    input_image = imaging.to_input(radiograph)
    score = model.score(input_image)
    label = model.operating_points[DEFAULT_POINT].label(score.probability)
    if model.gate.check(input_image) is not None:
        return BY_GATE, label
    examined, refusal = examine(radiograph, score.lungs_at_edge, model.population)
    if refusal is not None:
        return CUT_OFF, label
    return WARNED if len(examined.warnings) > len(radiograph.warnings) else SILENT, label


def compare(
    model: Model, films: Iterable[Grey], before: Iterable[str], cropped: float, distribution: Sequence[float]
) -> CropResult:
    """Outcomes for cropped films; `before` are the labels of the whole films."""
    result = CropResult()
    for film, label in zip(films, before, strict=True):
        outcome, label_if_cropped = outcome_and_label(model, crop(film, cropped, distribution))
        result.outcomes[outcome] += 1
        result.changed[outcome] += {label, label_if_cropped} == set(CLASSES)
    return result


def crop_table(model: Model, films: Sequence[Grey]) -> str:
    """The results of all `CROPS` and `SHARES`, and their sum, as a table."""
    before = [outcome_and_label(model, film)[1] for film in films]
    kinds = {f"{share(cropped)} {name}": (cropped, CROPS[name]) for name in CROPS for cropped in SHARES}
    results = {
        name: compare(model, films, before, *kind) for name, kind in tqdm(kinds.items(), "cropped films", disable=None)
    }
    total = CropResult()
    for result in results.values():
        total.outcomes.update(result.outcomes)
        total.changed.update(result.changed)
    rows = [[name, *result.cells()] for name, result in {**results, "all": total}.items()]
    columns = [
        "cropped",
        "refused by the gate",
        "refused: a part is cut off",
        "answered with a warning",
        "Normal to Pneumonia or reverse, accepted by the gate",
        "of these answered",
        "without a warning",
    ]
    return Table("Answers for cropped films", columns, rows).to_markdown()


def whole_film_table(model: Model, inputs: npt.NDArray[np.uint8]) -> str:
    """Limits from the films `[N, 150, 150]` that the gate accepts, beside the model's, and the shares above these."""
    measures = measure_films(model.graph, model.gate, inputs)
    limits = model.bundle.lung_edge_limits
    rows = [
        [name, *map(_text, (chosen.near, limits[name].near, chosen.far, limits[name].far))]
        for name, chosen in choose_limits(measures).items()
    ]
    above_near, above_far = (
        np.any(measures > bounds, axis=1).mean()
        for bounds in ([limits[name].near for name in MEASURES], [limits[name].far or np.inf for name in MEASURES])
    )
    columns = ["measure", f"{100 * NEAR_SHARE} %", "near", f"{100 * FAR_SHARE} %", "far"]
    table = Table("Edges of the lung field in whole films", columns, rows).to_markdown()
    return f"{table}\n\n{len(measures):,} films: {above_near:.2%} above a near limit, {above_far:.2%} above a far one."


def _text(limit: float | None) -> str:
    return "-" if limit is None else f"{limit:.2f}"


def load_population(model: Model, data: Path) -> tuple[FilmSet, Split]:
    """All films of the model's population but the official test, and their split; raises `DatasetError`."""
    if model.population == CHILDREN:
        films, protocol = load_films(data, ("train", "val")), "official"
    else:
        folder = find_folder(data)
        if folder is None:
            raise DatasetError(f"No films of adults. Allowed: --data with adults/films.csv. Received: {data}.")
        films, protocol = load_adults(folder, both_classes=False), ADULTS
    return films, splits(films, protocol)[0]


def audit(model: Model, data: Path, count: int) -> str:
    """The tables for one population; `count` is the number of cropped validation films."""
    films, split = load_population(model, data)
    learning = np.concatenate([split.train, split.validation])
    chosen = np.random.default_rng(SEED).permutation(split.validation)[:count]
    displays = [imaging.to_display(imaging.read(films.films[index].path)) for index in chosen]
    shapes = film_shapes.shape_table(film_shapes.aspects_by_source(films, lung_masks.find_folder(data)))
    tables = shapes, whole_film_table(model, films.inputs[learning]), crop_table(model, displays)
    return f"## {model.population.description}, {len(displays)} cropped films\n\n" + "\n\n".join(tables)


@entry_point
def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables as Markdown; returns the exit code (2 after an error)."""
    parser = argparse.ArgumentParser("python -m pneumonia.evaluation.cropped_films", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="films of the populations")
    parser.add_argument("--count", type=int, default=COUNT, metavar="N", help=f"films to crop; default: {COUNT}")
    parser.add_argument("--model", metavar="M", help="model bundles; default: PNEUMONIA_MODEL")
    options = parser.parse_args(arguments)
    for model in load_predictor(options.model, site="").models:
        if not model.bundle.lung_edge_limits:
            raise UsageError(f"The model has no limits of the lung field. Received: {model.identity.name}.")
        print(audit(model, options.data, options.count), end="\n\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
