"""Photograph audit: answers for simulated photographs of films, and ordinary films taken for photographs.

python -m pneumonia.evaluation.photographs --data chest_xray --split train --count 400
python -m pneumonia.evaluation.photographs --ordinary chest_xray/train/NORMAL adults/siim/NORMAL
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from .. import imaging, load_predictor
from ..command_line import entry_point
from ..errors import FilmError
from ..inference.decision import CLASSES, Failure, Prediction
from ..inference.predictor import Predictor
from .dataset import SPLITS
from .frames import is_refused, load_displays, outcome
from .number_format import share
from .simulated_frames import COLOURS, SHARES, Grey, add_frame
from .simulated_photographs import SCENES, STRENGTHS, photograph_with_corners, straighten
from .simulated_scans import LIDS, askew_scan
from .table import Table

COLOUR, GREY, STRAIGHTENED = "colour", "grey", "straightened"
VARIANTS = (COLOUR, GREY, STRAIGHTENED)
"""How a photograph is given to the predictor: as it is, in grey, or in grey and rectified by its true corners."""


@dataclass(frozen=True)
class PhotographResult:
    """Numbers of films by the answer for their photograph.

    `recognised`: taken for a photograph by `imaging.is_photograph`, whatever the gate says. `answered`: scored.
    `changed`: scored, with another label than the film. `missed`: Pneumonia as a film, Normal as a photograph.
    `warned`: scored, with a warning that the film alone does not have.
    """

    films: int
    recognised: int
    answered: int
    changed: int
    missed: int
    warned: int


@dataclass(frozen=True)
class OrdinaryResult:
    """Films of a folder that are no photographs, and the names of those taken for one.

    `flagged`: the files themselves; `askew`: simulated scans of them; `framed`: the films in a frame, as JPEG.
    """

    films: int
    flagged: tuple[str, ...]
    askew: tuple[str, ...]
    framed: tuple[str, ...]


def compare(
    predictor: Predictor,
    films: Sequence[Grey],
    before: Sequence[Prediction | Failure],
    scene: str,
    strength: str,
    variant: str = COLOUR,
    seed: int = 0,
) -> PhotographResult:
    """Compare the answers `before` for films `[H, W]` with those for photographs.

    `scene`, `strength` and `variant` are in `SCENES`, `STRENGTHS` and `VARIANTS`; `seed` is that of the first film.
    """
    photographs = [_photograph(film, scene, strength, variant, seed + index) for index, film in enumerate(films)]
    pairs = list(zip(before, predictor.predict_many(photographs), strict=True))
    answered = [(one, other) for one, other in pairs if not is_refused(other)]
    return PhotographResult(
        films=len(pairs),
        recognised=sum(imaging.is_photograph(imaging.read(image)) for image in photographs),
        answered=len(answered),
        changed=sum(outcome(one) != outcome(other) for one, other in answered),
        missed=sum(outcome(one) == CLASSES[1] and outcome(other) == CLASSES[0] for one, other in answered),
        warned=sum(isinstance(other, Prediction) and bool(other.warnings) for _, other in answered),
    )


def _photograph(film: Grey, scene: str, strength: str, variant: str, seed: int) -> bytes | Grey:
    data, corners = photograph_with_corners(film, scene, STRENGTHS[strength], seed)
    if variant == STRAIGHTENED:
        return straighten(data, corners)
    if variant == COLOUR:
        return data
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("L"))


def count_ordinary(folder: Path) -> OrdinaryResult:
    """Examine all films of a folder and its subfolders, each also askew on one of `LIDS` and in one of `COLOURS`."""
    films = 0
    flagged: dict[str, list[str]] = {"as it is": [], "askew": [], "framed": []}
    for path in tqdm(sorted(filter(Path.is_file, folder.rglob("*"))), folder.name, unit="film", disable=None):
        try:
            film = imaging.read(path)
        except FilmError:
            continue
        name = path.relative_to(folder).as_posix()
        display = imaging.to_display(film)
        lid, colour = list(LIDS)[films % len(LIDS)], list(COLOURS)[films % len(COLOURS)]
        framed = add_frame(display, SHARES[films % len(SHARES)], colour)
        variants = (film, imaging.read(askew_scan(display, lid, films)), imaging.read(_as_jpeg(framed)))
        for names, variant in zip(flagged.values(), variants, strict=True):
            if imaging.is_photograph(variant):
                names.append(name)
        films += 1
    return OrdinaryResult(films, *(tuple(names) for names in flagged.values()))


def _as_jpeg(image: Grey) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=75)
    return buffer.getvalue()


def _row(scene: str, strength: str, result: PhotographResult) -> list[str]:
    recognised, answered = (share(number / result.films) for number in (result.recognised, result.answered))
    counts = (result.changed, result.missed, result.warned)
    return [f"{scene}, {strength}", recognised, answered, *map(str, counts)]


def _photograph_table(predictor: Predictor, films: Sequence[Grey], variant: str, seed: int) -> str:
    before = list(predictor.predict_many(films))
    settings = [(scene, strength) for scene in SCENES for strength in STRENGTHS]
    rows = [
        _row(scene, strength, compare(predictor, films, before, scene, strength, variant, seed))
        for scene, strength in tqdm(settings, "photographs", disable=None)
    ]
    columns = [
        "photograph",
        "recognised",
        "answered",
        "label changed",
        "Pneumonia to Normal",
        "answered with a warning",
    ]
    return Table("Photographs of films", columns, rows).to_markdown()


def _ordinary_text(folders: Sequence[Path]) -> Iterator[str]:
    results = [(folder.as_posix(), count_ordinary(folder)) for folder in folders]
    columns = ["folder", "films", "taken for a photograph", "as an askew scan", "in a frame"]
    rows = [
        [folder, f"{result.films:,}", *(str(len(names)) for names in (result.flagged, result.askew, result.framed))]
        for folder, result in results
    ]
    yield Table("Ordinary films", columns, rows).to_markdown()
    for folder, result in results:
        for kind, names in (("as it is", result.flagged), ("askew", result.askew), ("framed", result.framed)):
            yield from (f"{kind}: {folder}/{name}" for name in names)


@entry_point
def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables as Markdown; returns the exit code (2 after an error)."""
    parser = argparse.ArgumentParser("python -m pneumonia.evaluation.photographs", description=__doc__)
    parser.add_argument("--data", type=Path, metavar="DIR", help="films in Kaggle's layout, to be photographed")
    parser.add_argument("--split", choices=SPLITS, default="train", help="default: train")
    parser.add_argument("--count", type=int, metavar="N", help="number of films; default: all")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first film; default: 0")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the first photograph; default: 0")
    parser.add_argument("--variant", choices=VARIANTS, default=COLOUR, help=f"default: {COLOUR}")
    parser.add_argument("--ordinary", type=Path, nargs="+", default=[], metavar="FOLDER", help="films as they are")
    parser.add_argument("--model", metavar="M", help="model bundle; default: PNEUMONIA_MODEL")
    options = parser.parse_args(arguments)
    if options.data is None and not options.ordinary:
        parser.error("No films. Allowed: --data DIR, or --ordinary FOLDER. Received: neither.")
    if options.data is not None:
        films = load_displays(options.data, options.split, options.count, options.first)
        table = _photograph_table(load_predictor(options.model), films, options.variant, options.seed)
        print(f"{len(films):,} films, variant: {options.variant}.\n\n{table}")
    if options.ordinary:
        print("\n".join(_ordinary_text(options.ordinary)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
