"""What the gate refuses, kind by kind: of images that are no chest films all should be, of chest films none.

python -m pneumonia.evaluation.gate_refusals unknown/hand unknown/spine --made chest_xray/val/NORMAL --json kinds.json
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scipy.stats import binomtest

from .. import files, load_predictor
from ..errors import PneumoniaError
from ..imaging import Source
from ..inference.decision import Failure
from ..inference.predictor import Predictor
from .metrics import Figure
from .number_format import percent
from .synthetic_images import ORIENTATIONS, PATTERNS, reoriented
from .table import Table


@dataclass(frozen=True)
class ImageKind:
    """Images of one kind: how many were scored, refused (by the reason's code) or not read (`unreadable`)."""

    name: str
    found: Counter[str]

    @property
    def images(self) -> int:
        """How many could be read."""
        return self.found.total() - self.found["unreadable"]

    @property
    def refused(self) -> Figure:
        """The share that was refused, for whatever reason, with its 95 % interval."""
        return wilson_interval(self.images - self.found["scored"], self.images)

    @property
    def far(self) -> float | None:
        """The share that was called no chest film at all."""
        return round(self.found["not_a_chest_film"] / self.images, 5) if self.images else None

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "images": self.images, "refused": self.refused, "far": self.far}


def count_refusals(predictor: Predictor, name: str, images: Iterable[Source]) -> ImageKind:
    """What the predictor did with each image; an inverted film that it corrects counts as scored."""
    found: Counter[str] = Counter()
    for result in predictor.predict_many(images):
        if isinstance(result, Failure):
            found["unreadable"] += 1
        elif result.probability is not None or result.reason is None:
            found["scored"] += 1
        else:
            found[result.reason.code] += 1
    return ImageKind(name, found)


def wilson_interval(hits: int, images: int) -> Figure:
    """The share of `hits` with its 95 % interval (Wilson, which holds at 0 and 1 too); None where there is no image."""
    if not images:
        return {"value": None, "low": None, "high": None}
    interval = binomtest(hits, images).proportion_ci(method="wilson")
    return {
        "value": round(hits / images, 5),
        "low": round(float(interval.low), 5),
        "high": round(float(interval.high), 5),
    }


def kinds(predictor: Predictor, folders: Sequence[Path], films: Path | None = None) -> Iterator[ImageKind]:
    """A kind a folder; with a folder of `films` also what is made in code: patterns, and these films hung wrongly."""
    for folder in folders:
        yield count_refusals(predictor, folder.name, _files(folder))
    if films is not None:
        for name, pictures in PATTERNS.items():
            yield count_refusals(predictor, name, pictures())
        for name, position in ORIENTATIONS.items():
            yield count_refusals(predictor, name, reoriented(_files(films), position))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def _shown(found: Sequence[ImageKind]) -> str:
    rows = [
        [
            kind.name,
            f"{kind.images:,}",
            percent(kind.refused),
            f"{kind.found['not_a_chest_film']:,}",
            f"{kind.found['unreadable']:,}",
        ]
        for kind in found
    ]
    columns = ["Images", "Read", "Refused (95 % interval)", "Refused as no chest film", "Unreadable"]
    return Table("Images refused by the gate", columns, rows).to_markdown()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m pneumonia.evaluation.gate_refusals", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="*", metavar="FOLDER", help="images of one kind")
    parser.add_argument("--made", type=Path, metavar="FILMS", help="patterns too, and the films of this folder turned")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was found there")
    parser.add_argument("--model", help="instead of PNEUMONIA_MODEL")
    given = parser.parse_args(arguments)
    if not given.folders and given.made is None:
        parser.error("nothing to judge: name a folder, or --made FILMS")
    try:
        found = list(kinds(load_predictor(given.model), given.folders, given.made))
        if given.json:
            files.atomic_write(
                given.json, (json.dumps({"kinds": [kind.as_dict() for kind in found]}, indent=1) + "\n").encode()
            )
    except PneumoniaError as error:
        print(f"{error.code}: {error.message}", file=sys.stderr)
        return 2
    print(_shown(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
