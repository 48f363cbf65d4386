"""Share of images that the gate refuses, by kind of image. An ideal gate refuses every image except chest films.

python -m pneumonia.evaluation.gate_refusals unknown/hand unknown/spine --made chest_xray/val/NORMAL --json kinds.json
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from .. import files, load_predictor
from ..command_line import entry_point
from ..imaging import Source
from ..inference.decision import Failure
from ..inference.predictor import Predictor
from . import simulated_kinds, simulated_layouts
from .intervals import wilson_interval
from .metrics import Figure
from .number_format import percent
from .synthetic_images import ORIENTATIONS, PATTERNS, readable_films, reoriented
from .table import Table

SIMULATED_IMAGES = 60
"""Images that are made of each simulated kind."""

SIMULATION_SEED = 1000
"""Seed of the simulated kinds. The gate's classifier is fitted on images with another seed."""


@dataclass(frozen=True)
class ImageKind:
    """Outcomes for images of one kind. Keys of `counts`: `scored`, `unreadable`, and codes of the gate's reasons."""

    name: str
    counts: Counter[str]

    @property
    def images(self) -> int:
        """Number of images that could be read."""
        return self.counts.total() - self.counts["unreadable"]

    @property
    def refused(self) -> Figure:
        """Share of the images that were refused for any reason, with its 95 % interval."""
        return wilson_interval(self.images - self.counts["scored"], self.images)

    @property
    def far(self) -> float | None:
        """Share of the images that were refused as no chest film; None without images."""
        return round(self.counts["not_a_chest_film"] / self.images, 5) if self.images else None

    def as_dict(self) -> dict[str, Any]:
        """The entry of `gate_kinds` in `evaluation.json`."""
        return {"name": self.name, "images": self.images, "refused": self.refused, "far": self.far}


def count_refusals(predictor: Predictor, name: str, images: Iterable[Source]) -> ImageKind:
    """Count the predictor's outcomes for images of one kind. An inverted film that it corrects counts as scored."""
    counts: Counter[str] = Counter()
    for result in predictor.predict_many(images):
        if isinstance(result, Failure):
            counts["unreadable"] += 1
        elif result.probability is not None or result.reason is None:
            counts["scored"] += 1
        else:
            counts[result.reason.code] += 1
    return ImageKind(name, counts)


def kinds(predictor: Predictor, folders: Sequence[Path], films: Path | None = None) -> Iterator[ImageKind]:
    """Yield the counts of each folder.

    With `films`, a folder of frontal films, also those of synthetic patterns, of these films in other orientations, of
    simulated radiographs of other kinds, and of images made from these films.
    """
    for folder in folders:
        yield count_refusals(predictor, folder.name, _files(folder))
    if films is not None:
        for name, generate in PATTERNS.items():
            yield count_refusals(predictor, name, generate())
        for name, reorient in ORIENTATIONS.items():
            yield count_refusals(predictor, name, reoriented(_files(films), reorient))
        yield from _simulated_kinds(predictor, films)


def _simulated_kinds(predictor: Predictor, films: Path) -> Iterator[ImageKind]:
    """Counts of simulated kinds, of which the gate was fitted on other images, and of images made from the films."""
    for name in simulated_kinds.GENERATORS:
        images = simulated_kinds.simulate(name, SIMULATED_IMAGES, SIMULATION_SEED)
        yield count_refusals(predictor, name, images)
    some = list(islice(readable_films(_files(films)), SIMULATED_IMAGES))
    for name in simulated_layouts.LAYOUTS if some else ():
        images = simulated_layouts.simulate(name, some, SIMULATED_IMAGES, SIMULATION_SEED)
        yield count_refusals(predictor, name, images)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def _to_markdown(image_kinds: Sequence[ImageKind]) -> str:
    rows = [
        [
            kind.name,
            f"{kind.images:,}",
            percent(kind.refused),
            f"{kind.counts['not_a_chest_film']:,}",
            f"{kind.counts['unreadable']:,}",
        ]
        for kind in image_kinds
    ]
    columns = ["Images", "Read", "Refused (95 % interval)", "Refused as no chest film", "Unreadable"]
    return Table("Images refused by the gate", columns, rows).to_markdown()


@entry_point
def main(arguments: Sequence[str] | None = None) -> int:
    """Count refusals, print them as Markdown and write them as JSON; returns the exit code (2 after an error)."""
    parser = argparse.ArgumentParser("python -m pneumonia.evaluation.gate_refusals", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="*", metavar="FOLDER", help="folder with images of one kind")
    parser.add_argument(
        "--made",
        type=Path,
        metavar="FILMS",
        help="add synthetic and simulated images, and the films of the folder FILMS in other orientations and layouts",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the counts to FILE")
    parser.add_argument("--model", help="model bundle; default: PNEUMONIA_MODEL")
    options = parser.parse_args(arguments)
    if not options.folders and options.made is None:
        parser.error("No images. Allowed: FOLDER, or --made FILMS. Received: neither.")
    image_kinds = list(kinds(load_predictor(options.model), options.folders, options.made))
    if options.json:
        text = json.dumps({"kinds": [kind.as_dict() for kind in image_kinds]}, indent=1) + "\n"
        files.atomic_write(options.json, text.encode())
    print(_to_markdown(image_kinds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
